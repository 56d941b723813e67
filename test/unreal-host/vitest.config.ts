import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { name: "unreal-host", include: ["test/**/*.test.ts"], testTimeout: 120_000 },
});
