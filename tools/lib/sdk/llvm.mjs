// LLVM's tools for binaries of every platform, in the version of the Rust compiler: a component of rustup. They read
// ELF, PE and Mach-O alike and take debug symbols out of them.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { hostTriple } from "../nightly.mjs";
import { firstLine, run, textOf } from "../run.mjs";
import { SetupError } from "../setup.mjs";

function folderOf(env) {
  const sysroot = firstLine("rustc", ["--print", "sysroot"], env);
  if (sysroot === undefined) throw new SetupError("rustc does not run.");
  return join(sysroot, "lib", "rustlib", hostTriple(env), "bin");
}

/** Gives the path of a tool such as `llvm-readobj`; installs the component when it is missing. */
export async function llvmTool(name, env) {
  const path = join(folderOf(env), process.platform === "win32" ? `${name}.exe` : name);
  if (existsSync(path)) return path;
  await run("rustup", ["component", "add", "llvm-tools"], { env, quiet: "always" });
  if (existsSync(path)) return path;
  throw new SetupError(`${name} is needed: run "rustup component add llvm-tools".`);
}

/** What an LLVM tool prints. */
export async function llvm(name, args, env) {
  return textOf(await llvmTool(name, env), args, { env });
}
