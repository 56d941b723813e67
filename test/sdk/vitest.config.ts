import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "sdk",
    include: ["src/**/*.test.ts"],
    testTimeout: 120_000,
    // Compiling the release build for five platforms from nothing included.
    hookTimeout: 75 * 60_000,
    fileParallelism: false,
  },
});
