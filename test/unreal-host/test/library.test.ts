/** What a script is told when the native library is not there, or is another one: each in a process of its own. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "moq-game-library-"));
const here = fileURLToPath(new URL("..", import.meta.url));
const build = process.env.MOQ_PUERTS_DIR ?? join(here, "build");
const noLibrary = join(folder, "libmoq_ffi.so");
writeFileSync(noLibrary, "this is no library");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Connects twice, ticks, and says how that went. */
const SCRIPT = `
  const { unreal } = await import(${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)});
  const { connect, tick, tickStats, encodePose } = unreal();
  const told = [];
  for (let i = 0; i < 2; i++) {
    const error = await connect("moqt://127.0.0.1:1").catch((reason) => reason);
    told.push([error.name, error.code, error.retryable, error.message]);
  }
  const still = encodePose({ X: 1, Y: 1, Z: 1 }, { Pitch: 0, Yaw: 0, Roll: 0 }).length;
  console.log(JSON.stringify({ told, ticked: tick(), ticks: tickStats().ticks, still }));
`;

describe("connect", () => {
  it.each([
    [
      "a library that is missing",
      join(folder, "none", "libmoq_ffi.so"),
      /none\/libmoq_ffi\.so could not be loaded: /,
    ],
    ["a file that is none", noLibrary, /libmoq_ffi\.so could not be loaded: /],
    [
      "one of another version",
      join(build, "libmoq_ffi_other.so"),
      /it has ABI 7 and this plugin needs 1\./,
    ],
  ])("tells of %s, and the rest of the script goes on", async (_, file, why) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "--eval", SCRIPT],
      { env: { ...process.env, MOQ_FFI_LIBRARY: file }, timeout: 60_000 },
    );
    const { told, ...rest } = JSON.parse(stdout) as { told: unknown[][] };
    expect(rest).toEqual({ ticked: false, ticks: 0, still: 10 });
    for (const [name, code, retryable, message] of told) {
      expect([name, code, retryable]).toEqual(["MoqError", "unavailable", false]);
      expect(message).toMatch(why);
      expect(message).toContain("reinstall the Moq plugin for this platform");
      expect(message).not.toContain("\n");
    }
    expect(told.length).toBe(2);
  });
});
