import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ensureChromium, findChromium } from "./chromium.mjs";

let folder;
const program = (name) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "moq-game-chromium-"));
  for (const name of ["chromium", "other"]) {
    writeFileSync(program(name), "#!/bin/sh\n");
    chmodSync(program(name), 0o755);
  }
  writeFileSync(program("text"), "not a program");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("finds a browser on the path", async () => {
  const env = { PATH: ["/nowhere", folder].join(delimiter) };
  expect(findChromium(env)).toBe(program("chromium"));
  expect(await ensureChromium(env)).toBe(program("chromium"));
});

it("takes the one that is named over all others", () => {
  expect(findChromium({ PATH: folder, MOQ_CHROMIUM: program("other") })).toBe(program("other"));
});

it("says so when the named one cannot be run", () => {
  expect(() => findChromium({ PATH: folder, MOQ_CHROMIUM: program("text") })).toThrow(
    /MOQ_CHROMIUM: .*text is not a program/,
  );
});
