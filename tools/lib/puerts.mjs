// A Puerts host without Unreal, and the tests of the plugin's core: C++ built by test/unreal-host/CMakeLists.txt.

import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { nativeLibrary } from "../build.mjs";
import { cacheDir, root } from "./paths.mjs";
import { must, run } from "./run.mjs";
import { configureCpp } from "./runners.mjs";
import { SetupError } from "./setup.mjs";

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

/** Builds both; gives the environment in which tests find them. `settings` go to CMake, `node` is whose headers to use. */
export async function buildUnrealHost(env, { folder = "build", settings = [], node } = {}) {
  if (process.platform === "win32") {
    throw new SetupError("the Puerts host is built on Linux and macOS only.");
  }
  const build = join(source, folder);
  const headers = node ? join(node, "include", "node") : await nodeHeaders(env);
  const puerts = realpathSync(join(source, "node_modules", "puerts"));
  const all = [`-DPUERTS_DIR=${puerts}`, `-DNODE_INCLUDE_DIR=${headers}`, ...settings];
  await configureCpp(source, build, env, all);
  await must("cmake", ["--build", build, "--parallel"], { env, quiet: true });
  return { ...env, MOQ_PUERTS_DIR: build, MOQ_FFI_LIBRARY: nativeLibrary(env) };
}
