// Debug information: in a file of its own, which the stripped file names.

import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { firstLine, must } from "../run.mjs";
import { llvm } from "./llvm.mjs";

/**
 * Copies a library or program without its debug information, and that into `folder`.
 * @param {string} from @param {string} to
 * @param {import("./platforms.mjs").Platform} platform
 * @param {string} folder for the symbols
 */
export async function copyStripped(from, to, platform, folder, env) {
  mkdirSync(dirname(to), { recursive: true });
  mkdirSync(folder, { recursive: true });
  if (platform.format === "macho") {
    // Linked files hold none on macOS, and changing one would break its signature; dsymutil collects it from the
    // object files, where it is installed: on macOS, and with LLVM of many Linux systems.
    copyFileSync(from, to);
    if (firstLine("dsymutil", ["--version"], env) === undefined) return;
    const bundle = join(folder, `${basename(to)}.dSYM`);
    await must("dsymutil", [from, "-o", bundle], { env, quiet: true });
    return;
  }
  if (platform.symbols) {
    copyFileSync(from, to);
    const apart = join(
      dirname(from),
      basename(to)
        .replace(/\.(dll|exe)$/, ".pdb")
        .replaceAll("-", "_"),
    );
    if (existsSync(apart)) copyFileSync(apart, join(folder, basename(apart)));
    return;
  }
  const debug = join(folder, `${basename(to)}.debug`);
  await llvm("llvm-objcopy", ["--only-keep-debug", from, debug], env);
  const link = ["--strip-all", `--add-gnu-debuglink=${debug}`];
  await llvm("llvm-objcopy", [...link, from, to], env);
}

/** Copies a static library; debug information would multiply its size and ends up in the user's program. */
export async function copyStaticLibrary(from, to, platform, env) {
  mkdirSync(dirname(to), { recursive: true });
  // On Windows it holds short imports, which llvm-objcopy does not take.
  if (platform.format === "pe") copyFileSync(from, to);
  else await llvm("llvm-objcopy", ["--strip-debug", from, to], env);
}
