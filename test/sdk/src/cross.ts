// Compiling C and C++ programs for another platform with zig, and running them there.

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { llvmTool } from "../../../tools/lib/sdk/llvm.mjs";
import { repository, run } from "./sdk.js";

/** zig, and how CMake is told of it. */
export interface Zig {
  program: string;
  env: NodeJS.ProcessEnv;
}

/** What CMake calls a platform, and what zig does. */
export interface Target {
  system: "Linux" | "Windows" | "Darwin";
  processor: string;
  zig: string;
}

/** A CMake toolchain file for zig as the compiler of a platform. */
async function toolchain(zig: Zig, target: Target, folder: string): Promise<string> {
  const ar = await llvmTool("llvm-ar", zig.env);
  const compiler = (language: string) => `"${zig.program};${language};-target;${target.zig}"`;
  const lines = [
    `set(CMAKE_SYSTEM_NAME ${target.system})`,
    `set(CMAKE_SYSTEM_PROCESSOR ${target.processor})`,
    `set(CMAKE_C_COMPILER ${compiler("cc")})`,
    `set(CMAKE_CXX_COMPILER ${compiler("c++")})`,
    `set(CMAKE_AR "${ar}")`,
    // The archiver writes the index itself.
    'set(CMAKE_RANLIB "/bin/true")',
    "set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)",
  ];
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "zig.cmake");
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

/** Configures and builds a CMake project for a platform. */
export async function buildFor(
  zig: Zig,
  target: Target,
  { source, build, settings }: { source: string; build: string; settings: string[] },
): Promise<void> {
  const file = await toolchain(zig, target, build);
  const options = { env: zig.env, timeout: 15 * 60_000 };
  const common = ["-G", "Unix Makefiles", "-DCMAKE_BUILD_TYPE=Debug"];
  const args = ["-S", source, "-B", build, ...common, `-DCMAKE_TOOLCHAIN_FILE=${file}`];
  await run("cmake", [...args, ...settings], options);
  await run("cmake", ["--build", build, "--parallel"], options);
}

/** The command that starts programs of a platform; undefined when this machine has none. */
export function emulator(name: "MOQ_SDK_QEMU" | "MOQ_SDK_WINE"): string[] | undefined {
  const words = process.env[name];
  return words === undefined ? undefined : (JSON.parse(words) as string[]);
}

/**
 * Puts what a Windows program needs beside it: the library, and the one function that Wine 8 lacks and that Rust's
 * standard library takes its random numbers from.
 */
export async function fillWindowsFolder(zig: Zig, sdk: string, folder: string): Promise<void> {
  copyFileSync(join(sdk, "bin", "moq_ffi.dll"), join(folder, "moq_ffi.dll"));
  const source = join(repository, "test", "sdk", "wine", "bcryptprimitives.c");
  const library = join(folder, "bcryptprimitives.dll");
  const args = ["cc", "-target", "x86_64-windows-gnu", "-shared", source, "-ladvapi32"];
  await run(zig.program, [...args, "-o", library], { env: zig.env });
}
