// npm test: everything that can be checked, in every language. `npm test -- --help` lists the steps.

import { benchEnvironment } from "./bench.mjs";
import { buildAll } from "./build.mjs";
import { ensureChromium } from "./chromium.mjs";
import { format } from "./format.mjs";
import { cpp, ensureCargoComponent, lint, sdkArchive } from "./lib/checks.mjs";
import { cargoCounts, ctestCounts, sum } from "./lib/counts.mjs";
import { say } from "./lib/log.mjs";
import { bin } from "./lib/paths.mjs";
import { buildUnrealHost } from "./lib/puerts.mjs";
import { must, run } from "./lib/run.mjs";
import { finish, LIMIT_MS, native, RUST_LIMIT_MS, vitest } from "./lib/runners.mjs";
import { main, setUp } from "./lib/setup.mjs";
import { chooseSteps, runSteps, summarize, withBuild } from "./lib/steps.mjs";
import { unrealPlugin } from "./lib/unreal.mjs";

async function checkFormat(env) {
  await ensureCargoComponent("fmt", "rustfmt", env);
  await format(env);
}

async function types(env) {
  await must(bin("tsc"), ["-b"], { env });
}

async function rust(env) {
  const args = ["test", "--workspace", "--locked", "--no-fail-fast"];
  const result = await run("cargo", args, { cwd: native, env, timeoutMs: RUST_LIMIT_MS });
  return finish(result, cargoCounts(result.output), "cargo test");
}

/** The Unreal side without the engine: the core in C++, the package for scripts, and both in a Puerts host. */
async function unreal(env) {
  const prepared = await buildUnrealHost(env);
  const args = ["--test-dir", prepared.MOQ_PUERTS_DIR, "--output-on-failure", "--no-tests=error"];
  const result = await run("ctest", args, { env: prepared, timeoutMs: LIMIT_MS });
  const counts = finish(result, ctestCounts(result.output), "ctest");
  const scripts = await vitest(["unreal", "unreal-host"], withChromium)(prepared);
  const pesapi = async (base) => ({ ...base, MOQ_PUERTS_API: "pesapi" });
  return sum([counts, scripts, await vitest(["unreal-host"], pesapi, ["binding"])(prepared)]);
}

/** What the contract suite runs on beside Node. */
async function withHosts(env) {
  return withChromium(await buildUnrealHost(env));
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
  {
    name: "unreal-plugin",
    about: "the Unreal plugin over a shim of the engine, its tests and its build rules",
    tests,
    build,
    optional: true,
    run: unrealPlugin,
  },
  { name: "tools", about: "this repository's own tools", tests, run: vitest(["tools", "impair"]) },
  { name: "core", about: "@moq-game/core", tests, build, run: vitest(["core"]) },
  { name: "node", about: "@moq-game/node-native", tests, build, run: vitest(["node"]) },
  { name: "arena", about: "the example", tests, build, run: vitest(["arena"], withChromium) },
  {
    name: "contract",
    about: "the contract suite on hosts",
    tests,
    build,
    run: vitest(["contract"], withHosts),
  },
  { name: "unreal", about: "the Unreal side without the engine", tests, build, run: unreal },
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
  {
    name: "sdk",
    about: "the SDK archive for C and C++ of this machine, unpacked and used",
    tests,
    build,
    run: sdkArchive,
  },
];
const buildStep = { name: "build", about: "native library, addon, packages", run: buildAll };

function help() {
  say("npm test [-- STEP … --keep-going]\n\nSets up and builds what is missing, then runs:\n");
  for (const { name, about } of steps) say(`  ${name.padEnd(15)}${about}`);
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
