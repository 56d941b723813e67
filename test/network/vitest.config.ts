import { defineConfig } from "vitest/config";

/** Of the whole run, in all its files; see test/seed.ts. */
function chooseSeed(text = ""): string {
  if (text === "") return String(Math.floor(Math.random() * 0x1_0000_0000));
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`MOQ_NETWORK_SEED is a whole number from 0 to 4294967295, not "${text}"`);
  }
  return text;
}

export default defineConfig({
  test: {
    name: "network",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // Conditions mostly wait: several share the machine, and so do files.
    maxConcurrency: 8,
    maxWorkers: 2,
    // Runs of several projects need it where the number of workers is a project's own.
    sequence: { groupOrder: 2 },
    env: { MOQ_NETWORK_SEED: chooseSeed(process.env.MOQ_NETWORK_SEED) },
  },
});
