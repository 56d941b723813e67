import { defineConfig } from "vitest/config";

// One project per package, so that one command can run any of them: vitest run --project core.
export default defineConfig({
  test: {
    projects: [
      "packages/core",
      "packages/node-native",
      "packages/unreal",
      "packages/web",
      "examples/arena",
      "tools/bench",
      "tools/impair",
      "test/contract",
      "test/browser",
      "test/network",
      "test/pack-smoke",
      "test/readme",
      "test/sdk",
      "test/soak",
      "test/unreal-host",
      {
        test: {
          name: "tools",
          include: ["tools/**/*.test.mjs", "test/unreal-shim/*.test.mjs"],
          // They start programs.
          testTimeout: 60_000,
        },
      },
    ],
  },
});
