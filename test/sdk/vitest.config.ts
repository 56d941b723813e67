import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "sdk",
    include: ["src/**/*.test.ts"],
    testTimeout: 120_000,
    // Compiling the release build from nothing included.
    hookTimeout: 45 * 60_000,
    fileParallelism: false,
  },
});
