import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "contract",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 60_000,
    // Cases mostly wait: several files share the machine.
    maxWorkers: 3,
    // Runs of several projects need it where the number of workers is a project's own.
    sequence: { groupOrder: 3 },
  },
});
