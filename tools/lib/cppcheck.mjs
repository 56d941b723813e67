// The linter of C and C++ beside the compilers' own warnings: cppcheck, because it needs no compilation database.

import { cppFiles } from "../format.mjs";
import { ensureProgram } from "./debian.mjs";
import { must } from "./run.mjs";

const SETTINGS = [
  "--enable=warning,performance,portability",
  "--error-exitcode=1",
  "--inline-suppr",
  "--library=googletest",
  "--library=test/unreal-shim/cppcheck.cfg",
  "--quiet",
  "--suppress=missingIncludeSystem",
  "-Inative/moq-ffi/include",
  "-Iengine-plugins/unreal/Moq/Source/Moq/Public",
];

/** Throws when cppcheck finds something in the C and C++ sources. */
export async function lintCpp(env, cwd) {
  const cppcheck = await ensureProgram("cppcheck", ["cppcheck"], env);
  const sources = cppFiles().filter((file) => /\.(c|cc|cpp)$/.test(file));
  await must(cppcheck, [...SETTINGS, ...sources], { env, cwd });
}
