import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "node",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 60_000,
    // One file mostly waits, for an outage to end.
    maxWorkers: 2,
  },
});
