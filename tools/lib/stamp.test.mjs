import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { filesUnder, hashOf, unlessStamped } from "./stamp.mjs";

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moq-game-stamp-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("finds sources and leaves out what builds make", () => {
  mkdirSync(join(folder, "node_modules"));
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "node_modules", "x.js"), "");
  writeFileSync(join(folder, "src", "a.ts"), "");
  expect(filesUnder([folder, join(folder, "absent")])).toEqual([join(folder, "src", "a.ts")]);
});

it("changes its hash with contents, names and extras", () => {
  const [a, b] = [join(folder, "a"), join(folder, "b")];
  writeFileSync(a, "one");
  writeFileSync(b, "one");
  const hash = hashOf([a]);
  expect(hashOf([a])).toBe(hash);
  expect(hashOf([b])).not.toBe(hash);
  expect(hashOf([a], ["node 20"])).not.toBe(hash);
  writeFileSync(a, "two");
  expect(hashOf([a])).not.toBe(hash);
});

it("skips stamped work, and forgets the stamp when the work fails", async () => {
  const stamp = join(folder, "deep", "work.stamp");
  let runs = 0;
  const work = async () => {
    runs += 1;
  };
  expect(await unlessStamped(stamp, "1", work)).toBe(true);
  expect(await unlessStamped(stamp, "1", work)).toBe(false);
  expect(await unlessStamped(stamp, "2", work)).toBe(true);
  expect(runs).toBe(2);
  const failing = unlessStamped(stamp, "3", async () => {
    throw new Error("broken");
  });
  await expect(failing).rejects.toThrow("broken");
  expect(existsSync(stamp)).toBe(false);
});
