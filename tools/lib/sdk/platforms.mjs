// The platforms for which the SDK is packed: what cargo calls them, what files their toolchains make, and what a
// library for them may ask of the system.

import { hostTriple } from "../nightly.mjs";
import { SetupError } from "../setup.mjs";

/** The oldest glibc on which the Linux libraries start: what Unreal's newer toolchains and RHEL 8 have. */
export const GLIBC_FLOOR = "2.28";
/** The oldest macOS: the first one on Apple's own processors. */
export const MACOS_FLOOR = "11.0";

/**
 * @typedef {object} Platform
 * @property {string} name as in the archive's name
 * @property {string} triple cargo's name of it
 * @property {"elf" | "pe" | "macho"} format of its binaries
 * @property {string} machine as llvm-readobj prints it
 * @property {string} shared file name of the shared library
 * @property {string} [importLibrary] what programs link in place of the shared library (Windows)
 * @property {string} staticLibrary
 * @property {string} program file name of the relay
 * @property {string} [symbols] file with the symbols that the compiler itself keeps apart
 * @property {RegExp} needs libraries of the system that the shared library may load
 * @property {string[]} systemLibraries what a program needs beside the static library
 * @property {boolean} [cross] whether `--all` makes it on Linux
 */

const linux = {
  format: "elf",
  shared: "libmoq_ffi.so",
  staticLibrary: "libmoq_ffi.a",
  program: "moq-game-relay",
  needs:
    /^(libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1|libgcc_s\.so\.1|ld-linux-[\w-]+\.so\.\d)$/,
  systemLibraries: ["gcc_s", "pthread", "m", "dl"],
  cross: true,
};

const windows = {
  format: "pe",
  machine: "x86_64",
  shared: "moq_ffi.dll",
  program: "moq-game-relay.exe",
  // What every Windows 10 has.
  needs:
    /^(advapi32|bcrypt|bcryptprimitives|crypt32|dbghelp|kernel32|ncrypt|ntdll|secur32|user32|userenv|ws2_32|msvcrt|ucrtbase|vcruntime140|api-ms-win-[\w-]+)\.dll$/i,
  systemLibraries: ["ws2_32", "crypt32", "bcrypt", "ntdll", "userenv", "dbghelp", "advapi32"],
};

const macos = {
  format: "macho",
  shared: "libmoq_ffi.dylib",
  staticLibrary: "libmoq_ffi.a",
  program: "moq-game-relay",
  needs: /^(@rpath\/libmoq_ffi\.dylib|\/usr\/lib\/lib(System\.B|iconv\.2)\.dylib)$/,
  systemLibraries: [],
  cross: true,
};

/** @type {Platform[]} */
export const PLATFORMS = [
  { ...linux, name: "linux-x64", triple: "x86_64-unknown-linux-gnu", machine: "x86_64" },
  { ...linux, name: "linux-arm64", triple: "aarch64-unknown-linux-gnu", machine: "aarch64" },
  {
    ...windows,
    name: "windows-x64-gnu",
    triple: "x86_64-pc-windows-gnu",
    importLibrary: "libmoq_ffi.dll.a",
    staticLibrary: "libmoq_ffi.a",
    // The last one unwinds the stack in a panic.
    systemLibraries: [...windows.systemLibraries, "gcc_eh"],
    cross: true,
  },
  {
    ...windows,
    name: "windows-x64-msvc",
    triple: "x86_64-pc-windows-msvc",
    importLibrary: "moq_ffi.dll.lib",
    staticLibrary: "moq_ffi.lib",
    symbols: "moq_ffi.pdb",
  },
  { ...macos, name: "macos-arm64", triple: "aarch64-apple-darwin", machine: "aarch64" },
  { ...macos, name: "macos-x64", triple: "x86_64-apple-darwin", machine: "x86_64" },
];

/** The platform of this machine's compiler. */
export function hostPlatform(env) {
  const triple = hostTriple(env);
  const found = PLATFORMS.find((platform) => platform.triple === triple);
  if (found) return found;
  const names = PLATFORMS.map((platform) => platform.name).join(", ");
  throw new SetupError(`the SDK is not packed for ${triple}, only for ${names}.`);
}

/** The platform with this name. */
export function platformNamed(name) {
  const found = PLATFORMS.find((platform) => platform.name === name);
  if (found) return found;
  const names = PLATFORMS.map((platform) => platform.name).join(", ");
  throw new SetupError(`there is no platform ${JSON.stringify(name)}. Platforms: ${names}.`);
}
