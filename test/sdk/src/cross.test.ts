// Archives for other platforms, made on Linux: inspected, linked against, and run where an emulator can. What is run
// here is real traffic over QUIC between a client and the embedded relay.

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withZig } from "../../../tools/lib/sdk/cross.mjs";
import {
  declaredFunctions,
  glibcFloor,
  inspectBinary,
  staticFunctions,
} from "../../../tools/lib/sdk/inspect.mjs";
import { llvm } from "../../../tools/lib/sdk/llvm.mjs";
import { GLIBC_FLOOR, MACOS_FLOOR, PLATFORMS } from "../../../tools/lib/sdk/platforms.mjs";
import { sdkLibraries } from "../../../tools/stage-unreal.mjs";
import { buildFor, emulator, fillWindowsFolder, type Target, type Zig } from "./cross.js";
import { makeArchives, project, repository, run, Scratch, unpack } from "./sdk.js";

const platforms = PLATFORMS.filter((platform) => platform.cross);

const TARGETS: Record<string, Target> = {
  "linux-x64": { system: "Linux", processor: "x86_64", zig: `x86_64-linux-gnu.${GLIBC_FLOOR}` },
  "linux-arm64": { system: "Linux", processor: "aarch64", zig: `aarch64-linux-gnu.${GLIBC_FLOOR}` },
  "windows-x64-gnu": { system: "Windows", processor: "AMD64", zig: "x86_64-windows-gnu" },
  "macos-arm64": { system: "Darwin", processor: "arm64", zig: `aarch64-macos.${MACOS_FLOOR}` },
  "macos-x64": { system: "Darwin", processor: "x86_64", zig: `x86_64-macos.${MACOS_FLOOR}` },
};

/** Built with everything else of the C ABI's tests; what they start needs no window. */
const GOOGLETEST = "/usr/src/googletest";

const scratch = new Scratch();
const folders = new Map<string, string>();
let zig: Zig;

/** The folder with the archives: those that are to be released, or new ones. */
function archives(): string {
  const made = process.env.MOQ_SDK_ARCHIVES;
  return made === undefined ? scratch.path("out") : resolve(repository, made);
}

beforeAll(async () => {
  const out = archives();
  if (process.env.MOQ_SDK_ARCHIVES === undefined) await makeArchives(out, ["--all"]);
  for (const { name, format } of platforms) {
    const file = `moq-ffi-${version()}-${name}${format === "pe" ? ".zip" : ".tar.gz"}`;
    const archive = join(out, file);
    if (existsSync(archive)) folders.set(name, await unpack(archive, scratch.path(name)));
  }
  const { env, zig: folder } = await withZig(process.env);
  zig = { env, program: join(folder, "zig") };
});
afterAll(() => scratch.remove());

function version(): string {
  const manifest = readFileSync(join(repository, "native", "Cargo.toml"), "utf8");
  return /^version = "(.+)"/m.exec(manifest)?.[1] ?? "";
}

function folderOf(name: string): string {
  const folder = folders.get(name);
  if (folder === undefined) throw new Error(`there is no archive for ${name}`);
  return folder;
}

describe.each(platforms)("$name", ({ name, format, machine, shared, staticLibrary, needs }) => {
  const library = () => join(folderOf(name), format === "pe" ? "bin" : "lib", shared);
  const declared = () => declaredFunctions(join(folderOf(name), "include", "moq_ffi.h"));

  it("is for that machine, and exports what the header declares", async () => {
    const binary = await inspectBinary(library(), format, process.env);
    expect(binary.machine).toBe(machine);
    expect(binary.exports).toEqual(declared());
    expect(declared().length).toBeGreaterThanOrEqual(45);
    const archive = join(folderOf(name), "lib", staticLibrary);
    expect(await staticFunctions(archive, format, process.env)).toEqual(
      expect.arrayContaining(declared()),
    );
  });

  it("needs the system's own libraries alone, and no newer ones", async () => {
    const binary = await inspectBinary(library(), format, process.env);
    expect(binary.needs.length).toBeGreaterThan(0);
    for (const each of binary.needs) expect(each).toMatch(needs);
    if (format !== "elf") return;
    const floor = glibcFloor(binary) ?? "";
    expect(floor.localeCompare(GLIBC_FLOOR, "en", { numeric: true })).toBeLessThanOrEqual(0);
  });

  it("keeps debug information apart", async () => {
    expect((await inspectBinary(library(), format, process.env)).debug).toBe(false);
  });
});

/** The outside project, built for a platform; gives the folder of its programs. */
async function outside(name: string): Promise<string> {
  const build = scratch.path(`outside-${name}`);
  const sdk = folderOf(name);
  const expected = join(sdk, "lib", "cmake", "moq_ffi");
  const settings = [`-DCMAKE_PREFIX_PATH=${sdk}`, `-DEXPECTED_DIR=${expected}`];
  const target = TARGETS[name] as Target;
  await buildFor(zig, target, { source: project, build, settings });
  return build;
}

/** The tests of the C ABI in C and C++, against the library of an archive; gives the folder of their programs. */
async function abiTests(name: string, importLibrary: string, runtime: string): Promise<string> {
  const build = scratch.path(`abi-${name}`);
  const settings = [
    `-DMOQ_FFI_LIBRARY_DIR=${join(folderOf(name), "lib")}`,
    `-DMOQ_FFI_RUNTIME=${runtime}`,
    `-DMOQ_GOOGLETEST_SOURCE=${GOOGLETEST}`,
  ];
  expect(existsSync(join(folderOf(name), "lib", importLibrary))).toBe(true);
  const source = join(repository, "native", "moq-ffi", "tests");
  const target = TARGETS[name] as Target;
  await buildFor(zig, target, { source, build, settings });
  return build;
}

const programs = [
  ["c_shared", "C"],
  ["c_static", "C"],
  ["cpp_shared", "C++"],
  ["cpp_static", "C++"],
] as const;

/** GoogleTest's last lines; every test passed and there were many. */
function expectPassed(printed: string): void {
  expect(printed).not.toContain("FAILED");
  expect(Number(/\[ {2}PASSED {2}\] (\d+) tests/.exec(printed)?.[1])).toBeGreaterThan(50);
}

const LONG = 15 * 60_000;
/** Emulated programs take their time. */
const patient = (env: NodeJS.ProcessEnv = process.env) => ({ ...env, MOQ_TEST_PATIENCE: "10" });

describe("linux-x64, on this machine", () => {
  it("carries traffic in C and C++, shared and static", { timeout: LONG }, async () => {
    const build = await outside("linux-x64");
    for (const [program, language] of programs) {
      const printed = await run(join(build, program), []);
      expect(printed, program).toContain(`received hello from ${language}`);
    }
  });

  it("passes the tests of the C ABI", { timeout: LONG }, async () => {
    const library = join(folderOf("linux-x64"), "lib", "libmoq_ffi.so");
    const build = await abiTests("linux-x64", "libmoq_ffi.so", library);
    expectPassed(await run(join(build, "moq_ffi_tests"), [], { env: patient(), timeout: LONG }));
    await run(join(build, "moq_ffi_dynamic_test"), [], { env: patient(), timeout: LONG });
  });
});

describe.each(platforms.filter(({ format }) => format === "macho"))("$name", (platform) => {
  it("links in C and C++, shared and static", { timeout: LONG }, async () => {
    const build = await outside(platform.name);
    for (const [program] of programs) {
      const binary = await inspectBinary(join(build, program), "macho", process.env);
      expect(binary.machine).toBe(platform.machine);
      expect(binary.needs.includes("@rpath/libmoq_ffi.dylib")).toBe(program.endsWith("shared"));
    }
  });
});

describe("macOS", () => {
  it("has one library for both processors in Unreal's plugin", async () => {
    const { Mac = "" } = sdkLibraries(archives(), scratch.path("libraries"));
    const headers = await llvm("llvm-readobj", ["--file-headers", Mac], process.env);
    const machines = [...headers.matchAll(/^Arch: (\S+)/gm)].map(([, machine]) => machine);
    expect(machines.sort()).toEqual(["aarch64", "x86_64"]);
    const { exports, needs } = await inspectBinary(Mac, "macho", process.env);
    expect(exports).toEqual(declaredFunctions(join(folderOf("macos-x64"), "include", "moq_ffi.h")));
    expect(needs).toContain("/usr/lib/libSystem.B.dylib");
  });
});

describe.skipIf(!emulator("MOQ_SDK_QEMU"))("linux-arm64, under qemu", () => {
  const start = async (program: string, args: string[] = []) => {
    const [qemu = "", ...words] = emulator("MOQ_SDK_QEMU") ?? [];
    return await run(qemu, [...words, program, ...args], { env: patient(), timeout: LONG });
  };

  it("carries traffic in C and C++, shared and static", { timeout: LONG }, async () => {
    const build = await outside("linux-arm64");
    for (const [program, language] of programs) {
      const printed = await start(join(build, program));
      expect(printed, program).toContain(`received hello from ${language}`);
    }
  });

  it("passes the tests of the C ABI", { timeout: 2 * LONG }, async () => {
    const library = join(folderOf("linux-arm64"), "lib", "libmoq_ffi.so");
    const build = await abiTests("linux-arm64", "libmoq_ffi.so", library);
    expectPassed(await start(join(build, "moq_ffi_tests")));
    await start(join(build, "moq_ffi_dynamic_test"));
  });
});

describe.skipIf(!emulator("MOQ_SDK_WINE"))("windows-x64-gnu, under Wine", () => {
  const start = async (program: string, args: string[] = []) => {
    const [wine = "", ...words] = emulator("MOQ_SDK_WINE") ?? [];
    const env = patient({ ...process.env, WINEPREFIX: scratch.path("wine"), WINEDEBUG: "-all" });
    return await run(wine, [...words, program, ...args], { env, timeout: LONG });
  };

  it("carries traffic in C and C++, shared and static", { timeout: LONG }, async () => {
    const build = await outside("windows-x64-gnu");
    await fillWindowsFolder(zig, folderOf("windows-x64-gnu"), build);
    for (const [program, language] of programs) {
      const printed = await start(join(build, `${program}.exe`));
      expect(printed, program).toContain(`received hello from ${language}`);
    }
  });

  it("passes the tests of the C ABI", { timeout: 2 * LONG }, async () => {
    const build = await abiTests("windows-x64-gnu", "libmoq_ffi.dll.a", "moq_ffi.dll");
    await fillWindowsFolder(zig, folderOf("windows-x64-gnu"), build);
    expectPassed(await start(join(build, "moq_ffi_tests.exe")));
    await start(join(build, "moq_ffi_dynamic_test.exe"));
  });
});
