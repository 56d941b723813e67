import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadAddon, loadFrom, platformPackage } from "../src/loader.js";

test("the local build is found, and its version is told", () => {
  expect(loadAddon().version()).toMatch(/^\d+\.\d+\.\d+/);
});

test("without any build there is one error that says what to do", () => {
  const empty = mkdtempSync(join(tmpdir(), "moq-game-"));
  try {
    expect(() => loadFrom([{ folder: empty, what: "local build" }])).toThrow(
      expect.objectContaining({
        code: "unavailable",
        message: expect.stringMatching(
          /local build.*Install @moq-game\/node-native-.*npm run build/s,
        ),
      }),
    );
  } finally {
    rmSync(empty, { recursive: true });
  }
});

test("platform packages are named after platform, processor and C library", () => {
  expect(platformPackage("linux", "x64")).toBe("@moq-game/node-native-linux-x64-gnu");
  expect(platformPackage("win32", "x64")).toBe("@moq-game/node-native-win32-x64");
  expect(platformPackage("darwin", "arm64")).toBe("@moq-game/node-native-darwin-arm64");
});
