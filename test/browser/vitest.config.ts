import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "browser",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Chromium may hold handshakes back for 90 s.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
