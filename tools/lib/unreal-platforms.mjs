// Unreal's names of the platforms, and the native library of each: what it is called, where it comes from, how to know it.

import { join } from "node:path";
import { root } from "./paths.mjs";
import { run } from "./run.mjs";
import { declaredFunctions, glibcFloor, inspectBinary } from "./sdk/inspect.mjs";
import { llvmTool } from "./sdk/llvm.mjs";
import { GLIBC_FLOOR } from "./sdk/platforms.mjs";
import { SetupError } from "./setup.mjs";

/**
 * @typedef {object} UnrealPlatform
 * @property {string} file the library's name
 * @property {string[]} triples cargo's names
 * @property {string[]} sdk names in "npm run sdk": the first that is there is taken, for Mac all of them together
 * @property {string[]} hosts machines (Node's names) whose own build is for it
 * @property {string[]} formats what llvm-readobj calls such a file
 * @property {"elf" | "pe" | "macho"} format
 */

/** @type {Record<string, UnrealPlatform>} */
export const PLATFORMS = {
  Win64: {
    file: "moq_ffi.dll",
    triples: ["x86_64-pc-windows-gnu"],
    sdk: ["windows-x64-msvc", "windows-x64-gnu"],
    hosts: ["win32-x64"],
    formats: ["COFF-x86-64"],
    format: "pe",
  },
  Linux: {
    file: "libmoq_ffi.so",
    triples: ["x86_64-unknown-linux-gnu"],
    sdk: ["linux-x64"],
    hosts: ["linux-x64"],
    formats: ["elf64-x86-64"],
    format: "elf",
  },
  LinuxArm64: {
    file: "libmoq_ffi.so",
    triples: ["aarch64-unknown-linux-gnu"],
    sdk: ["linux-arm64"],
    hosts: ["linux-arm64"],
    formats: ["elf64-littleaarch64"],
    format: "elf",
  },
  Mac: {
    file: "libmoq_ffi.dylib",
    triples: ["aarch64-apple-darwin", "x86_64-apple-darwin"],
    sdk: ["macos-arm64", "macos-x64"],
    hosts: ["darwin-arm64", "darwin-x64"],
    formats: ["Mach-O arm64", "Mach-O 64-bit x86-64"],
    format: "macho",
  },
};

/** The platform with this name; says which there are when there is none. */
export function unrealPlatform(name) {
  if (Object.hasOwn(PLATFORMS, name)) return PLATFORMS[name];
  throw new SetupError(
    `"${name}" is none of the platforms ${Object.keys(PLATFORMS).join(", ")} (as Unreal writes them).`,
  );
}

/** Unreal's name of this machine's platform; undefined when it has none. */
export function platformHere() {
  const here = `${process.platform}-${process.arch}`;
  return Object.keys(PLATFORMS).find((name) => PLATFORMS[name].hosts.includes(here));
}

/** Where a library lies in the folder MoqFfi of the plugin, with "/" between names. */
export function libraryPath(name) {
  return `${name}/${PLATFORMS[name].file}`;
}

const header = join(root, "native", "moq-ffi", "include", "moq_ffi.h");

/**
 * Refuses a file that the plugin could not load on that platform: no library, of another platform, of another version.
 * @returns {Promise<string | undefined>} what to know of it: it wants a newer Linux than Unreal's games do
 */
export async function checkLibrary(name, file, env) {
  const platform = unrealPlatform(name);
  const refuse = (why) => {
    throw new SetupError(`--library ${name}: ${file} ${why}`);
  };
  const tool = await llvmTool("llvm-readobj", env);
  const { code, output } = await run(tool, ["--file-headers", file], { env, quiet: "always" });
  const formats = [...output.matchAll(/^Format: (.+)$/gm)].map(([, format]) => format.trim());
  if (code !== 0 || formats.length === 0) refuse("is no shared library.");
  const foreign = formats.filter((format) => !platform.formats.includes(format));
  if (foreign.length > 0) {
    refuse(
      `is for another platform (${foreign.join(", ")}), not ${platform.formats.join(" or ")}.`,
    );
  }
  const binary = await inspectBinary(file, platform.format, env);
  const missing = declaredFunctions(header).filter((each) => !binary.exports.includes(each));
  if (missing.length > 0) {
    const some = `${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ", …" : ""}`;
    refuse(`is not moq_ffi of this version: it lacks ${missing.length} functions (${some}).`);
  }
  const floor = glibcFloor(binary);
  if (floor === undefined || floor.localeCompare(GLIBC_FLOOR, "en", { numeric: true }) <= 0) return;
  return `${file} wants glibc ${floor}; Unreal's games for Linux run from ${GLIBC_FLOOR} on. Ship one that "npm run sdk" made.`;
}
