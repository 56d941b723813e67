// npm run test:deep: what takes too long for npm test. `npm run test:deep -- --help` lists the steps.

import { buildAll } from "./build.mjs";
import { longAttacks, soak } from "./lib/checks.mjs";
import { coverage, MINIMUM } from "./lib/coverage.mjs";
import { deny } from "./lib/deny.mjs";
import { fuzzRust, fuzzTargets } from "./lib/fuzz.mjs";
import { say } from "./lib/log.mjs";
import { sanitizedCore, unrealEngine } from "./lib/puerts.mjs";
import { vitest } from "./lib/runners.mjs";
import { asanAbi, asanAddon, miri, panics, tsan, valgrindAbi } from "./lib/sanitizers.mjs";
import { crossArchives } from "./lib/sdk/cross-test.mjs";
import { main, SetupError, setUp } from "./lib/setup.mjs";
import { chooseSteps, runSteps, summarize, withBuild } from "./lib/steps.mjs";
import { unrealAsan, unrealCompilers, unrealTsan } from "./lib/unreal.mjs";

/** Seconds for one fuzz target, one property, one attack and the soak, unless `--minutes` says otherwise. */
const DEFAULTS = { rust: 5, property: 3, attack: 2, soak: 60 };

/** Takes `--minutes N` out of the arguments: the time of the soak and of each fuzz step as a whole. */
function takeMinutes(args) {
  const at = args.indexOf("--minutes");
  if (at < 0) return undefined;
  const [, text] = args.splice(at, 2);
  const minutes = Number(text);
  if (text === undefined || !(minutes > 0)) {
    throw new SetupError(`--minutes takes a number above 0, not ${JSON.stringify(text ?? "")}.`);
  }
  return minutes;
}

function steps(minutes) {
  const targets = fuzzTargets().length;
  const rust = minutes === undefined ? DEFAULTS.rust : Math.ceil((minutes * 60) / targets);
  // Some properties run at the same time.
  const property = minutes === undefined ? DEFAULTS.property : Math.ceil((minutes * 60) / 10);
  const soakSeconds = minutes === undefined ? DEFAULTS.soak : Math.ceil(minutes * 60);
  const longer = async (env) => ({ ...env, MOQ_FUZZ_SECONDS: String(property) });
  const tests = true;
  const build = true;
  const optional = true;
  const onRequest = true;
  return [
    {
      name: "fuzz-rust",
      about: `every Rust fuzz target for ${rust} s, with libFuzzer`,
      tests,
      run: (env) => fuzzRust(env, rust),
    },
    {
      name: "fuzz-ts",
      about: `every property of the decoders in TypeScript for ${property} s`,
      tests,
      build,
      run: vitest(["core", "web"], longer, ["test/fuzz"]),
    },
    {
      name: "hostile",
      about: `every attack on a relay for ${DEFAULTS.attack} s`,
      tests,
      run: longAttacks(DEFAULTS.attack),
    },
    {
      name: "soak",
      about: `a match that goes on for ${soakSeconds} s while clients come, go and lose their network`,
      tests,
      build,
      run: soak(soakSeconds),
    },
    {
      name: "asan",
      about: "the Node addon with AddressSanitizer and UndefinedBehaviorSanitizer",
      tests,
      build,
      optional,
      run: asanAddon,
    },
    {
      name: "asan-abi",
      about: "C and C++ users of the C ABI with the same two, and leaks",
      tests,
      build,
      optional,
      run: asanAbi,
    },
    {
      name: "valgrind",
      about: "C and C++ users of the C ABI: no errors, no leaks",
      tests,
      build,
      optional,
      run: valgrindAbi,
    },
    {
      name: "panics",
      about: "a panic at every border of the library as released",
      tests,
      build,
      run: panics,
    },
    {
      name: "tsan",
      about: "threads of the library and of its users with ThreadSanitizer",
      tests,
      build,
      optional,
      run: tsan,
    },
    {
      name: "coverage",
      about: `lines of the Rust workspace that tests run: ${MINIMUM} % at least`,
      onRequest,
      tests,
      build,
      optional,
      run: coverage,
    },
    {
      name: "unreal-plugin",
      about: "the Unreal plugin with clang and gcc, as engine 5.3 and 5.7, as a dedicated server",
      tests,
      build,
      run: unrealCompilers,
    },
    {
      name: "unreal-plugin-asan",
      about: "the Unreal plugin with AddressSanitizer and UndefinedBehaviorSanitizer",
      tests,
      build,
      run: unrealAsan,
    },
    {
      name: "unreal-plugin-tsan",
      about: "the Unreal plugin's own threads with ThreadSanitizer",
      tests,
      build,
      run: unrealTsan,
    },
    {
      name: "unreal-core",
      about: "the Unreal plugin's core with Address-, UndefinedBehavior- and ThreadSanitizer",
      tests,
      build,
      optional,
      run: sanitizedCore,
    },
    {
      name: "unreal-engine",
      about:
        "the contract suite in a Puerts host on exactly Unreal's JavaScript engine, and on the oldest",
      tests,
      build,
      optional,
      run: unrealEngine,
    },
    {
      name: "deny",
      about: "licences, sources, versions and vulnerabilities of dependencies",
      tests,
      optional,
      run: deny,
    },
    {
      name: "miri",
      about: "the protocol without I/O, in the interpreter",
      tests,
      optional,
      run: miri,
    },
    {
      name: "cross",
      about: "the SDK for other platforms: built, inspected, run under qemu and Wine",
      onRequest,
      tests,
      optional,
      run: crossArchives,
    },
  ];
}

const buildStep = { name: "build", about: "native library, addon, packages", run: buildAll };

function help() {
  say("npm run test:deep [-- STEP … --all --minutes N --keep-going]\n");
  for (const { name, about, onRequest } of steps(undefined)) {
    say(`  ${onRequest ? "*" : " "} ${name.padEnd(20)}${about}`);
  }
  say(
    "\nWithout a STEP: those without a star; --all: those with one too. It stops at the first that",
  );
  say("fails; --keep-going: it does not. --minutes N: so long for the soak and each fuzz step.");
  say("Those with a star take as long again: coverage compiles and tests the workspace once more,");
  say("cross compiles the library for five platforms.");
  say("A step whose tool a machine does not have and cannot get says so and is skipped.");
}

main(async () => {
  const args = process.argv.slice(2);
  const minutes = takeMinutes(args);
  const options = chooseSteps(steps(minutes), args);
  if (options.help) return help();
  const env = await setUp();
  const chosen = withBuild(options.chosen, buildStep);
  const results = await runSteps(chosen, env, options);
  if (!summarize(chosen, results)) process.exitCode = 1;
});
