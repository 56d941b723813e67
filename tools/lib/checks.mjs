// The checks of the native side that more than one command runs: npm test, npm run test:deep, npm run readiness.

import { join } from "node:path";
import { nativeLibrary, scriptedPeer } from "../build.mjs";
import { cargoCounts, ctestCounts, sum } from "./counts.mjs";
import { lintCpp } from "./cppcheck.mjs";
import { ensureProgram } from "./debian.mjs";
import { bin, root } from "./paths.mjs";
import { firstLine, must, run } from "./run.mjs";
import {
  configureAbi,
  cppTests,
  finish,
  LIMIT_MS,
  native,
  RUST_LIMIT_MS,
  vitest,
} from "./runners.mjs";
import { SetupError } from "./setup.mjs";

/** rustfmt and clippy are rustup components that a minimal toolchain leaves out. */
export async function ensureCargoComponent(subcommand, component, env) {
  if (firstLine("cargo", [subcommand, "--version"], env)) return;
  const added = await run("rustup", ["component", "add", component], { env, quiet: true });
  if (added.code !== 0) {
    throw new SetupError(`cargo ${subcommand} is needed: run "rustup component add ${component}".`);
  }
}

export async function lint(env) {
  await ensureCargoComponent("clippy", "clippy", env);
  await must(bin("biome"), ["lint", "--error-on-warnings", "--diagnostic-level=warn"], { env });
  await must(bin("sherif"), ["--fail-on-warnings"], { env });
  await must(bin("knip"), [], { env });
  await lintCpp(env, root);
  const clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
  await must("cargo", clippy, { cwd: native, env, timeoutMs: RUST_LIMIT_MS });
}

/** Users of the C ABI in C, C++ and Rust, against the release build of the library. */
export async function cpp(env) {
  const build = join(cppTests, "build");
  await configureAbi(build, env, await scriptedPeer(env));
  await must("cmake", ["--build", build, "--parallel"], { env });
  return sum([await ctest(build, env), await rustUsers(env)]);
}

/** The tests of a CMake build, with further arguments of ctest. */
export async function ctest(build, env, more = []) {
  const args = ["--test-dir", build, "--output-on-failure", "--no-tests=error", ...more];
  const result = await run("ctest", args, { env, timeoutMs: LIMIT_MS });
  return finish(result, ctestCounts(result.output), "ctest");
}

/** The tests of the C ABI that need a peer under control; in the step "rust" they run on the library's test build. */
async function rustUsers(env) {
  const tests = ["flooding", "trust"].flatMap((name) => ["--test", name]);
  const result = await run("cargo", ["test", "-p", "moq-ffi", "--locked", ...tests], {
    cwd: native,
    env: { ...env, MOQ_FFI_LIBRARY: nativeLibrary(env) },
    timeoutMs: RUST_LIMIT_MS,
  });
  return finish(result, cargoCounts(result.output), "cargo test");
}

/** Every attack on a relay for so many seconds. */
export function longAttacks(seconds) {
  return async (env) => {
    const args = ["test", "--locked", "--package", "moqt-bench", "--test", "hostile"];
    const result = await run("cargo", args, {
      cwd: native,
      env: { ...env, MOQ_ATTACK_SECONDS: String(seconds) },
      timeoutMs: RUST_LIMIT_MS,
    });
    return finish(result, cargoCounts(result.output), "cargo test");
  };
}

/** A match that goes on for so many seconds. */
export function soak(seconds) {
  const longer = async (env) => ({ ...env, MOQ_SOAK_SECONDS: String(seconds) });
  return vitest(["soak"], longer, [], LIMIT_MS + seconds * 1_000);
}

/** One way to use the SDK, on systems that know it. */
async function withPkgConfig(env) {
  if (process.platform === "linux") await ensureProgram("pkgconf", ["pkg-config"], env);
  return env;
}

/** The SDK archive of this machine, unpacked and used as users do. */
export const sdkArchive = vitest(["sdk"], withPkgConfig, ["archive"]);
