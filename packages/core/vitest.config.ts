import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "core",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["test/fuzz/setup.ts"],
    // Property tests run thousands of cases; machines that compile at the same time are slow.
    testTimeout: 30_000 + 2_000 * Number(process.env.MOQ_FUZZ_SECONDS ?? "0"),
  },
});
