// Test runners: started, bounded in time, and their totals read.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nativeOutput } from "../build.mjs";
import { outcomesOf, vitestCounts } from "./counts.mjs";
import { aptInstall } from "./debian.mjs";
import { bin, root } from "./paths.mjs";
import { must, run } from "./run.mjs";
import { SetupError } from "./setup.mjs";
import { StepError } from "./steps.mjs";

export const native = join(root, "native");
/** A limit for each test program, far above what it takes: a hang becomes a failure. */
export const LIMIT_MS = 15 * 60_000;
/** Compiling from nothing on a small machine included. */
export const RUST_LIMIT_MS = 45 * 60_000;

/**
 * The counts of a run that passed; throws them with the reason of one that did not. Without an output, no test of it is
 * known by name.
 */
export function finish(result, counts, runner) {
  counts.outcomes = outcomesOf(result.output ?? "");
  if (result.code === 0) return counts;
  const how = result.signal ? `was ended by ${result.signal}` : `exit code ${result.code}`;
  throw new StepError(`${runner}: ${counts.failed} failed, ${how}`, counts);
}

/** The tests of the C ABI in C and C++. */
export const cppTests = join(native, "moq-ffi", "tests");

/** CMake's configuration of {@link cppTests} in the folder `build`. `peer` is the program of tests/peer. */
export function configureAbi(build, env, peer, more = []) {
  return configureCpp(cppTests, build, env, [`-DMOQ_TEST_PEER=${peer}`, ...more]);
}

/**
 * CMake's configuration of C++ tests, against the release build of the library; GoogleTest is fetched where we may,
 * since only these tests need it.
 */
export async function configureCpp(source, build, env, more = []) {
  const settings = ["-DCMAKE_BUILD_TYPE=Debug", `-DMOQ_FFI_LIBRARY_DIR=${nativeOutput(env)}`];
  const args = ["-S", source, "-B", build, ...settings, ...more];
  const first = await run("cmake", args, { env, quiet: "always" });
  if (first.code === 0) return;
  if (!/GTest/.test(first.output)) {
    await must("cmake", args, { env, quiet: true });
    return;
  }
  if (await aptInstall("libgtest-dev", env)) await must("cmake", args, { env, quiet: true });
  else {
    throw new SetupError(
      'the C++ tests need GoogleTest: "apt-get install libgtest-dev" (Debian, Ubuntu) or "brew install googletest" (macOS).',
    );
  }
}

/**
 * Projects of vitest.config.ts, in one run; with `filters` only the files whose paths contain one of them. It may take
 * `timeoutMs`.
 */
export function vitest(projects, prepare, filters = [], timeoutMs = LIMIT_MS) {
  return async (env) => {
    const folder = mkdtempSync(join(tmpdir(), "moq-game-"));
    const report = join(folder, "report.json");
    try {
      const prepared = prepare ? await prepare(env) : env;
      const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
      const chosen = projects.flatMap((project) => ["--project", project]);
      const args = ["run", ...chosen, ...reporters, ...filters];
      const result = await run(bin("vitest"), args, { env: prepared, timeoutMs });
      const json = existsSync(report) ? readFileSync(report, "utf8") : "";
      return finish(result, vitestCounts(json), "vitest");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}
