import { expect, test } from "vitest";
import { cpuBetween } from "./usage.js";

test("threads that end or begin meanwhile do not make time negative", () => {
  const from = { threads: new Map(Object.entries({ main: 10, ending: 500 })), memory: 1 };
  const to = { threads: new Map(Object.entries({ main: 25, new: 7 })), memory: 1 };
  expect(cpuBetween(from, to)).toBe(22);
});
