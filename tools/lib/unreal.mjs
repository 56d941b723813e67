// The Unreal plugins without an editor: compiled over the shim of test/unreal-shim and run; their build rules executed.

import { createSocket } from "node:dgram";
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nativeLibrary } from "../build.mjs";
import { stage } from "../stage-unreal.mjs";
import { noCounts, sum } from "./counts.mjs";
import { ensureProgram } from "./debian.mjs";
import { say } from "./log.mjs";
import { root } from "./paths.mjs";
import { must, run } from "./run.mjs";
import { finish, LIMIT_MS } from "./runners.mjs";
import { filesIn } from "./sdk/stage.mjs";
import { libraryPath, PLATFORMS, platformHere } from "./unreal-platforms.mjs";

const source = join(root, "test", "unreal-shim");

/** Reads the last "x passed, y failed" of the shim. */
export function shimCounts(output) {
  const last = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  if (!last) return noCounts();
  return { passed: Number(last[1]), failed: Number(last[2]), skipped: 0 };
}

/** A folder with the staged plugins, for one way of building. */
async function staged(build, env) {
  const plugins = join(build, "project", "Plugins");
  rmSync(join(build, "project"), { recursive: true, force: true });
  const libraries = { [platformHere()]: nativeLibrary(env) };
  await stage({ to: join(build, "project"), libraries });
  return plugins;
}

const LOSSY_TEST = "Moq.Connection.DeliveryClassesHoldWhenPacketsAreLost";

/** Whether a run with this filter, which takes parts of names, has that test. */
function runsLossyTest(filter) {
  return filter.length === 0 || filter.some((name) => LOSSY_TEST.includes(name));
}

/** Ends the proxy; the test must have run through it, and packets must have been lost. */
async function checkLosses(proxy, result) {
  const { up, down } = proxy.stats();
  await proxy.close();
  if (result.code === 0 && !result.output.includes(LOSSY_TEST)) {
    throw new Error(`${LOSSY_TEST} did not run`);
  }
  if (result.output.includes(LOSSY_TEST) && up.lost + down.lost === 0) {
    throw new Error(`${LOSSY_TEST} ran without a lost packet`);
  }
}

function freeUdpPort() {
  return new Promise((done, failed) => {
    const socket = createSocket("udp4").on("error", failed);
    socket.bind(0, "127.0.0.1", () => {
      const { port } = socket.address();
      socket.close(() => done(port));
    });
  });
}

/** A proxy that loses packets on the way to a relay that a test will start, and what that test is told of it. */
async function lossyNetwork() {
  const { startImpair } = await import("../impair/dist/index.js");
  const target = `127.0.0.1:${await freeUdpPort()}`;
  const proxy = await startImpair({ target, seed: 7, both: { loss: 0.1, delay: 5, jitter: 5 } });
  const variables = {
    MOQ_TEST_LOSSY_LISTEN: target,
    MOQ_TEST_LOSSY_URL: `moqt://${proxy.host}:${proxy.port}`,
  };
  return { proxy, variables };
}

/**
 * Compiles the plugin over the shim and runs its automation tests.
 * @param {{ name: string, settings: string[], filter?: string[], variables?: NodeJS.ProcessEnv, targets?: string[] }} how
 */
async function runShim(env, { name, settings, filter = [], variables = {}, targets = ["all"] }) {
  const build = join(source, "build", name);
  mkdirSync(build, { recursive: true });
  const plugins = await staged(build, env);
  const options = ["-DCMAKE_BUILD_TYPE=Debug", ...settings];
  await must("cmake", ["-S", source, "-B", build, ...options], { env, quiet: true });
  await must("cmake", ["--build", build, "--parallel", "--target", ...targets], {
    env,
    quiet: true,
  });
  const lossy = runsLossyTest(filter) ? await lossyNetwork() : undefined;
  const result = await run(join(build, "unreal-shim"), filter, {
    env: {
      ...env,
      ...lossy?.variables,
      MOQ_SHIM_PLUGINS: plugins,
      MOQ_SHIM_PROJECT: join(build, "project"),
      MOQ_TEST_OLD_LIBRARY: join(build, "libold_moq_ffi.so"),
      ...variables,
    },
    timeoutMs: LIMIT_MS,
  });
  if (lossy) await checkLosses(lossy.proxy, result);
  return finish(result, shimCounts(result.output), `unreal-shim (${name})`);
}

/** npm test: one compiler, one engine version, each module as one file, also as a dedicated server; and the rules of every platform. */
export async function unrealPlugin(env) {
  if (process.platform !== "linux") {
    say("skipped: the shim of Unreal Engine runs on Linux only.");
    return { ...noCounts(), skipped: 1 };
  }
  const quick = { name: "quick", settings: ["-DMOQ_UNITY=ON"] };
  const shim = await runShim(env, quick);
  const server = await runShim(env, {
    ...quick,
    filter: ["Moq.Library.the settings", "Moq.Games.TwoLiveSideBySide"],
    variables: { MOQ_SHIM_DEDICATED: "1" },
  });
  return sum([shim, server, await buildRules(env)]);
}

/** npm run test:deep: both compilers, file by file, as the oldest and the newest engine, as a dedicated server. */
export async function unrealCompilers(env) {
  const clang = await ensureProgram("clang", ["clang++", "clang++-14", "clang++-16"], env);
  const all = [];
  for (const [name, compiler, minor] of [
    ["clang-5.3", clang, 3],
    ["gcc-5.7", "g++", 7],
  ]) {
    const settings = [`-DCMAKE_CXX_COMPILER=${compiler}`, `-DMOQ_ENGINE_MINOR=${minor}`];
    all.push(await runShim(env, { name, settings, targets: ["all", "MoqShipping"] }));
    const server = {
      name,
      settings,
      filter: ["Moq.Library"],
      variables: { MOQ_SHIM_DEDICATED: "1" },
    };
    all.push(await runShim(env, server));
  }
  return sum(all);
}

/** npm run test:deep: the same with AddressSanitizer and UndefinedBehaviorSanitizer. */
export function unrealAsan(env) {
  return runShim(env, {
    name: "asan",
    settings: ["-DMOQ_UNITY=ON", "-DMOQ_SANITIZE=address,undefined"],
    // The engine's singletons live until the end, and the shim's do.
    variables: { ASAN_OPTIONS: "detect_leaks=0:detect_stack_use_after_return=1" },
  });
}

/**
 * npm run test:deep: the same with ThreadSanitizer. It does not see into the native library, so this is about the
 * plugin's own threads; the tests that unload the library are left out, for a suppressed library must stay.
 */
export function unrealTsan(env) {
  const suppressions = join(source, "tsan.supp");
  return runShim(env, {
    name: "tsan",
    settings: ["-DMOQ_UNITY=ON", "-DMOQ_SANITIZE=thread"],
    filter: ["Connection", "Games", "Instruments", "Nodes", "Objects", "Tick", "Track"].map(
      (group) => `Moq.${group}.`,
    ),
    variables: { TSAN_OPTIONS: `halt_on_error=1:suppressions=${suppressions}` },
  });
}

/** The `*.Build.cs` files under a folder, by module. */
function rulesUnder(folder) {
  const found = new Map();
  if (!existsSync(folder)) return found;
  for (const entry of readdirSync(folder, { recursive: true })) {
    const name = /([^/\\]+)\.Build\.cs$/.exec(String(entry));
    if (name) found.set(name[1], join(folder, String(entry)));
  }
  return found;
}

/**
 * Compiles every `*.Build.cs` with mono against a slice of UnrealBuildTool, and runs each for every platform over a
 * staged project: what it stages and includes must exist, a library that does not fit must be refused.
 */
async function buildRules(env) {
  const mcs = await ensureProgram("mono-mcs", ["mcs"], env);
  const build = join(source, "build", "rules");
  rmSync(build, { recursive: true, force: true });
  mkdirSync(build, { recursive: true });
  // Stand-ins for the other platforms' libraries: the rules look at names and hashes.
  const library = nativeLibrary(env);
  const libraries = Object.fromEntries(Object.keys(PLATFORMS).map((name) => [name, library]));
  const project = join(build, "project");
  await stage({ to: project, libraries, notices: "of the test" });
  const counts = noCounts();
  const fail = (message) => {
    say(`  FAILED: ${message}`);
    counts.failed += 1;
  };
  const plugins = join(project, "Plugins");
  for (const folder of [project, ...readdirSync(plugins).map((name) => join(plugins, name))]) {
    const targets = filesIn(join(folder, "Source")).filter((name) => name.endsWith(".Target.cs"));
    for (const [module, file] of rulesUnder(join(folder, "Source"))) {
      const program = join(build, `${module}.exe`);
      const sources = [file, ...targets.map((name) => join(folder, "Source", name))];
      const compiled = await run(
        mcs,
        [
          "-warnaserror",
          "-nologo",
          `-out:${program}`,
          join(source, "UnrealBuildTool.cs"),
          ...sources,
        ],
        { env },
      );
      if (compiled.code !== 0) {
        fail(`${module}.Build.cs does not compile`);
        continue;
      }
      for (const platform of [...Object.keys(PLATFORMS), "IOS"]) {
        const problems = await oneRule(program, module, platform, folder, env);
        if (problems.length === 0) counts.passed += 1;
        for (const problem of problems) fail(`${module} for ${platform}: ${problem}`);
      }
    }
  }
  const broken = await brokenLibraries(build, project, env);
  counts.passed += broken.passed;
  for (const problem of broken.problems) fail(problem);
  return finish({ code: counts.failed === 0 ? 0 : 1 }, counts, "build rules");
}

async function oneRule(program, module, platform, folder, env) {
  const result = await run("mono", [program, module, platform, folder], { env, quiet: true });
  if (result.code !== 0) return [`exit code ${result.code}: ${result.output.trim()}`];
  const lines = result.output.trim().split("\n");
  const of = (kind) =>
    lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));
  const problems = [...of("stages"), ...of("include"), ...of("watches")]
    .filter((path) => !existsSync(path))
    .map((path) => `${path} does not exist`);
  if (of("links").length > 0) problems.push("it links a library, which must be loaded at run time");
  if (module !== "Moq") return problems;
  const wanted = PLATFORMS[platform] && libraryPath(platform);
  const stages = of("stages").filter((path) => /moq_ffi\.(dll|so|dylib)$/.test(path));
  const right = wanted ? [join(folder, "Binaries", "ThirdParty", "MoqFfi", wanted)] : [];
  if (JSON.stringify(stages) !== JSON.stringify(right)) {
    problems.push(`it stages ${stages.join(", ") || "no library"}`);
  }
  return problems;
}

/** A library that was changed is refused with what to do; one that is missing is a warning, and the rest compiles. */
async function brokenLibraries(build, project, env) {
  const folder = join(project, "Plugins", "Moq");
  const rule = (platform) =>
    run("mono", [join(build, "Moq.exe"), "Moq", platform, folder], { env, quiet: "always" });
  const problems = [];
  appendFileSync(join(folder, "Binaries", "ThirdParty", "MoqFfi", libraryPath("Linux")), "x");
  const changed = await rule("Linux");
  if (changed.code !== 2 || !/SHA256SUMS.*stage-unreal/.test(changed.output)) {
    problems.push(`a changed library gives: ${changed.output.trim()}`);
  }
  rmSync(join(folder, "Binaries", "ThirdParty", "MoqFfi", libraryPath("Mac")));
  const missing = await rule("Mac");
  if (missing.code !== 0 || !/warning:.*libmoq_ffi\.dylib/.test(missing.output)) {
    problems.push(`a missing library gives: ${missing.output.trim()}`);
  }
  rmSync(join(folder, "Binaries", "ThirdParty", "MoqFfi", "SHA256SUMS"));
  const unrecorded = await rule("Win64");
  if (unrecorded.code !== 2 || !/SHA256SUMS is missing/.test(unrecorded.output)) {
    problems.push(`a missing record gives: ${unrecorded.output.trim()}`);
  }
  return { passed: 3 - problems.length, problems };
}
