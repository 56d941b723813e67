import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "node",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 60_000,
    // One file mostly waits, for an outage to end.
    maxWorkers: 2,
    // Runs of several projects need it where the number of workers is a project's own.
    sequence: { groupOrder: 1 },
  },
});
