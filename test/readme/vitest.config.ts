import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "readme",
    include: ["*.test.ts"],
    testTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
