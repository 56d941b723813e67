import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { name: "readme", include: ["*.test.ts"], testTimeout: 60_000 },
});
