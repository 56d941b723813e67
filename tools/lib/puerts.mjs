// A Puerts host without Unreal, and the tests of the plugin's core: C++ built by test/unreal-host/CMakeLists.txt.

import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { nativeLibrary } from "../build.mjs";
import { ctest } from "./checks.mjs";
import { noCounts, sum } from "./counts.mjs";
import { cacheDir, root } from "./paths.mjs";
import { must, run } from "./run.mjs";
import { configureCpp, finish, LIMIT_MS } from "./runners.mjs";
import { SetupError } from "./setup.mjs";
import { skip } from "./steps.mjs";

const source = join(root, "test", "unreal-host");

/** A Node of this version for this machine, from the package registry: its folder, with `bin` and `include`. */
export async function fetchNode(version, env) {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const prefix = join(cacheDir(env), `node-${version}`);
  const folder = join(prefix, "node_modules", name);
  if (existsSync(join(folder, "include"))) return folder;
  mkdirSync(prefix, { recursive: true });
  const args = ["install", "--prefix", prefix, "--no-audit", "--no-fund", `${name}@${version}`];
  const { code } = await run("npm", args, { env, cwd: prefix, quiet: true });
  return code === 0 && existsSync(join(folder, "include")) ? folder : undefined;
}

/** Where the headers of V8 lie that belong to the Node that runs this. */
async function nodeHeaders(env) {
  const beside = join(dirname(dirname(realpathSync(process.execPath))), "include", "node");
  if (existsSync(join(beside, "v8.h"))) return beside;
  const fetched = await fetchNode(process.version.slice(1), env);
  if (fetched) return join(fetched, "include", "node");
  throw new SetupError(
    `the headers of Node are needed in ${beside}: install Node from nodejs.org, or "apt-get install libnode-dev".`,
  );
}

/** Builds both; gives the environment in which tests find them. With `node` the host alone, for that Node, in `folder`. */
export async function buildUnrealHost(env, { folder = "build", node } = {}) {
  if (process.platform === "win32") {
    throw new SetupError("the Puerts host is built on Linux and macOS only.");
  }
  const build = join(source, folder);
  const headers = node ? join(node, "include", "node") : await nodeHeaders(env);
  const puerts = realpathSync(join(source, "node_modules", "puerts"));
  const all = [`-DPUERTS_DIR=${puerts}`, `-DNODE_INCLUDE_DIR=${headers}`];
  await configureCpp(source, build, env, all);
  const targets = node ? ["--target", "puerts_node", "moq_puerts_v8"] : [];
  await must("cmake", ["--build", build, "--parallel", ...targets], { env, quiet: true });
  return { ...env, MOQ_PUERTS_DIR: build, MOQ_FFI_LIBRARY: nativeLibrary(env) };
}

/** Nodes with the engines of Puerts: V8 9.4.146.24, which is Unreal's unless told otherwise, and 8.4, the oldest. */
const ENGINES = [
  { version: "16.16.0", folder: "build/engine" },
  { version: "14.21.3", folder: "build/engine-8.4" },
];

/** The contract suite in a Puerts host on exactly the engines that Unreal runs scripts on. */
export async function unrealEngine(env) {
  const all = [];
  for (const engine of ENGINES) all.push(await onEngine(env, engine));
  return sum(all);
}

async function onEngine(env, { version, folder }) {
  const node = await fetchNode(version, env);
  if (!node) {
    return skip(
      `there is no Node ${version} for ${process.platform} ${process.arch} in the package registry.`,
    );
  }
  const prepared = await buildUnrealHost(env, { folder, node });
  const script = join(root, "test", "contract", "scripts", "unreal-engine.mjs");
  const args = [script, join(node, "bin", "node")];
  const result = await run(process.execPath, args, { env: prepared, timeoutMs: LIMIT_MS });
  const counts = noCounts();
  const total = /(\d+) passed, (\d+) failed/.exec(result.output);
  counts.passed = Number(total?.[1] ?? 0);
  counts.failed = Number(total?.[2] ?? 0);
  return finish(result, counts, "contract suite");
}

/** Sanitizers, each with what it needs and what it must leave out. */
const SANITIZERS = [
  // The core has no run-time types, as in Unreal.
  { name: "asan", flags: "-fsanitize=address,undefined -fno-sanitize=vptr", without: [] },
  // The native library is not instrumented here, and its own synchronisation is not seen.
  { name: "tsan", flags: "-fsanitize=thread", without: ["--exclude-regex", "^Real\\."] },
];

/** The plugin's core under sanitizers: with the real library, and for races with the one of functions that fail on demand. */
export async function sanitizedCore(env) {
  if (process.platform !== "linux") return skip("the sanitizers are used on Linux only.");
  const all = [];
  for (const { name, flags, without } of SANITIZERS) {
    const build = join(source, "build", name);
    const common = "-fno-sanitize-recover=all -fno-omit-frame-pointer -O1";
    await configureCpp(source, build, env, [`-DCMAKE_CXX_FLAGS=${flags} ${common}`]);
    await must("cmake", ["--build", build, "--parallel"], { env, quiet: true });
    all.push(await ctest(build, env, without));
  }
  return sum(all);
}
