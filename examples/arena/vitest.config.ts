import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "arena",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    // Two matches and a browser at a time are too much for a small machine to keep sixty ticks a second.
    fileParallelism: false,
  },
});
