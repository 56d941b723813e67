import { defineConfig } from "vitest/config";

const seconds = Number(process.env.MOQ_SOAK_SECONDS ?? "60");
if (!(seconds >= 20)) {
  throw new RangeError(
    `MOQ_SOAK_SECONDS is a number from 20 on, not "${process.env.MOQ_SOAK_SECONDS}"`,
  );
}

export default defineConfig({
  test: {
    name: "soak",
    include: ["src/**/*.test.ts"],
    testTimeout: (seconds + 120) * 1_000,
    env: { MOQ_SOAK_SECONDS: String(seconds) },
  },
});
