import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./lib/paths.mjs";

it("the lockfile names no registry: any mirror serves", () => {
  const text = readFileSync(join(root, "pnpm-lock.yaml"), "utf8");
  expect(text.length).toBeGreaterThan(1000);
  expect(text.match(/https?:\/\/\S+/g) ?? []).toEqual([]);
});
