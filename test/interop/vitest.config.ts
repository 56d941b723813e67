import { defineConfig } from "vitest/config";

// Not in the list of the top: it needs other people's programs, which tools/interop.mjs installs.
export default defineConfig({
  test: {
    name: "interop",
    include: ["src/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
