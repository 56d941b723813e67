import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "web",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["../core/test/fuzz/setup.ts"],
    testTimeout: 30_000 + 2_000 * Number(process.env.MOQ_FUZZ_SECONDS ?? "0"),
  },
});
