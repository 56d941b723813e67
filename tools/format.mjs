// npm run format: rewrites TypeScript, JavaScript and JSON (Biome), Rust (rustfmt) and C++ (clang-format).

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureProgram } from "./lib/debian.mjs";
import { bin, root } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { main, SetupError, setUp } from "./lib/setup.mjs";

/** C and C++ sources that Git knows; generated headers are formatted by their generator. */
export function cppFiles() {
  const list = spawnSync(
    "git",
    [
      "ls-files",
      "--cached",
      "--others",
      "--exclude-standard",
      "--",
      "*.c",
      "*.cc",
      "*.cpp",
      "*.h",
      "*.hpp",
    ],
    { cwd: root, encoding: "utf8" },
  );
  if (list.status !== 0) throw new SetupError("git is needed to list the C++ sources.");
  const generated = "native/moq-ffi/include/moq_ffi.h";
  return list.stdout.split("\n").filter((file) => file !== "" && file !== generated);
}

/** Checks (or with `write` rewrites) the formatting of all languages; says everything that is wrong, then throws. */
export async function format(env, { write = false } = {}) {
  const problems = [];
  const attempt = async (program, args, options = {}) => {
    const { code } = await run(program, args, { env, ...options });
    if (code !== 0) problems.push(program === bin("biome") ? "TypeScript" : program);
  };
  // `check` without its linter: formatting and the order of imports.
  await attempt(bin("biome"), ["check", "--linter-enabled=false", ...(write ? ["--write"] : [])]);
  const native = { cwd: join(root, "native") };
  await attempt("cargo", ["fmt", "--all", ...(write ? [] : ["--check"])], native);
  const files = cppFiles();
  const clang = await ensureProgram("clang-format", ["clang-format"], env);
  await attempt(clang, [...(write ? ["-i"] : ["--dry-run", "--Werror"]), ...files]);
  if (problems.length > 0) {
    throw new SetupError(`not formatted: ${problems.join(", ")}; run "npm run format"`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(async () => format(await setUp({ native: false }), { write: true }));
}
