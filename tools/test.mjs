// npm test: everything that can be checked, in every language. `npm test -- --help` lists the steps.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { benchEnvironment } from "./bench.mjs";
import { buildAll, nativeLibrary, nativeOutput } from "./build.mjs";
import { ensureChromium } from "./chromium.mjs";
import { format } from "./format.mjs";
import { cargoCounts, ctestCounts, sum, vitestCounts } from "./lib/counts.mjs";
import { lintCpp } from "./lib/cppcheck.mjs";
import { aptInstall } from "./lib/debian.mjs";
import { say } from "./lib/log.mjs";
import { bin, root } from "./lib/paths.mjs";
import { firstLine, must, run } from "./lib/run.mjs";
import { main, SetupError, setUp } from "./lib/setup.mjs";
import { chooseSteps, runSteps, StepError, summarize, withBuild } from "./lib/steps.mjs";

const native = join(root, "native");
/** A limit for each test program, far above what it takes: a hang becomes a failure. */
const LIMIT_MS = 15 * 60_000;
/** Compiling from nothing on a small machine included. */
const RUST_LIMIT_MS = 45 * 60_000;

/** rustfmt and clippy are rustup components that a minimal toolchain leaves out. */
async function ensureCargoComponent(subcommand, component, env) {
  if (firstLine("cargo", [subcommand, "--version"], env)) return;
  const added = await run("rustup", ["component", "add", component], { env, quiet: true });
  if (added.code !== 0) {
    throw new SetupError(`cargo ${subcommand} is needed: run "rustup component add ${component}".`);
  }
}

async function checkFormat(env) {
  await ensureCargoComponent("fmt", "rustfmt", env);
  await format(env);
}

async function lint(env) {
  await ensureCargoComponent("clippy", "clippy", env);
  await must(bin("biome"), ["lint", "--error-on-warnings", "--diagnostic-level=warn"], { env });
  await must(bin("sherif"), ["--fail-on-warnings"], { env });
  await must(bin("knip"), [], { env });
  await lintCpp(env, root);
  const clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
  await must("cargo", clippy, { cwd: native, env, timeoutMs: RUST_LIMIT_MS });
}

async function types(env) {
  await must(bin("tsc"), ["-b"], { env });
}

async function rust(env) {
  const args = ["test", "--workspace", "--locked", "--no-fail-fast"];
  const result = await run("cargo", args, { cwd: native, env, timeoutMs: RUST_LIMIT_MS });
  return finish(result, cargoCounts(result.output), "cargo test");
}

/** Users of the C ABI in C, C++ and Rust, against the release build of the library. */
async function cpp(env) {
  const source = join(native, "moq-ffi", "tests");
  const build = join(source, "build");
  await configureCpp(source, build, env);
  await must("cmake", ["--build", build, "--parallel"], { env });
  const args = ["--test-dir", build, "--output-on-failure", "--no-tests=error"];
  const result = await run("ctest", args, { env, timeoutMs: LIMIT_MS });
  const counts = finish(result, ctestCounts(result.output), "ctest");
  return sum([counts, await rustUsers(env)]);
}

/** The tests of the C ABI that need a peer under control; in the step "rust" they run on the library's test build. */
async function rustUsers(env) {
  const tests = ["hostile", "broken_tracks", "trust"].flatMap((name) => ["--test", name]);
  const result = await run("cargo", ["test", "-p", "moq-ffi", "--locked", ...tests], {
    cwd: native,
    env: { ...env, MOQ_FFI_LIBRARY: nativeLibrary(env) },
    timeoutMs: RUST_LIMIT_MS,
  });
  return finish(result, cargoCounts(result.output), "cargo test");
}

/** CMake's configuration; GoogleTest is fetched where we may, since only these tests need it. */
async function configureCpp(source, build, env) {
  const settings = ["-DCMAKE_BUILD_TYPE=Debug", `-DMOQ_FFI_LIBRARY_DIR=${nativeOutput(env)}`];
  const args = ["-S", source, "-B", build, ...settings];
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

/** Projects of vitest.config.ts, in one run. */
function vitest(projects, prepare) {
  return async (env) => {
    const folder = mkdtempSync(join(tmpdir(), "moq-game-"));
    const report = join(folder, "report.json");
    try {
      const prepared = prepare ? await prepare(env) : env;
      const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
      const chosen = projects.flatMap((project) => ["--project", project]);
      const args = ["run", ...chosen, ...reporters];
      const result = await run(bin("vitest"), args, { env: prepared, timeoutMs: LIMIT_MS });
      const json = existsSync(report) ? readFileSync(report, "utf8") : "";
      return finish(result, vitestCounts(json), "vitest");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

function finish(result, counts, runner) {
  if (result.code === 0) return counts;
  const how = result.signal ? `was ended by ${result.signal}` : `exit code ${result.code}`;
  throw new StepError(`${runner}: ${counts.failed} failed, ${how}`, counts);
}

async function withChromium(env) {
  const chromium = await ensureChromium(env);
  say(`Chromium: ${chromium}`);
  return { ...env, MOQ_CHROMIUM: chromium };
}

const tests = true;
const build = true;
const steps = [
  { name: "format", about: "formatting of TypeScript, Rust and C++", run: checkFormat },
  { name: "lint", about: "Biome, sherif, knip, cppcheck, clippy", run: lint },
  { name: "types", about: "TypeScript's type check", run: types },
  { name: "rust", about: "cargo test, all crates", tests, run: rust },
  { name: "cpp", about: "C, C++ and Rust users of the C ABI as it ships", tests, build, run: cpp },
  { name: "tools", about: "this repository's own tools", tests, run: vitest(["tools", "impair"]) },
  { name: "core", about: "@moq-game/core", tests, build, run: vitest(["core"]) },
  { name: "node", about: "@moq-game/node-native", tests, build, run: vitest(["node"]) },
  { name: "arena", about: "the example", tests, build, run: vitest(["arena"], withChromium) },
  {
    name: "contract",
    about: "the contract suite on hosts",
    tests,
    build,
    run: vitest(["contract"], withChromium),
  },
  {
    name: "web",
    about: "@moq-game/web in real Chromium against the real relay",
    tests,
    build,
    run: vitest(["web", "browser"], withChromium),
  },
  {
    name: "network",
    about: "the delivery classes on bad networks",
    tests,
    build,
    run: vitest(["network"], withChromium),
  },
  {
    name: "readme",
    about: "the code of the README, as it stands there",
    tests,
    build,
    run: vitest(["readme"], withChromium),
  },
  {
    name: "bench",
    about: "that every contender of the benchmark still delivers",
    tests,
    build,
    run: vitest(["bench"], (env) => benchEnvironment(env, ["--quick"])),
  },
  { name: "pack", about: "published packages, installed", tests, build, run: vitest(["pack"]) },
];
const buildStep = { name: "build", about: "native library, addon, packages", run: buildAll };

function help() {
  say("npm test [-- STEP … --keep-going]\n\nSets up and builds what is missing, then runs:\n");
  for (const { name, about } of steps) say(`  ${name.padEnd(10)}${about}`);
  say("\nWithout a STEP: all of them, up to the first that fails. --keep-going: all of them.");
  say("A limit of minutes applies to each; MOQ_CHROMIUM names the browser to use.");
}

main(async () => {
  const options = chooseSteps(steps, process.argv.slice(2));
  if (options.help) return help();
  const env = await setUp();
  const chosen = withBuild(options.chosen, buildStep);
  const results = await runSteps(chosen, env, options);
  if (!summarize(chosen, results)) process.exitCode = 1;
});
