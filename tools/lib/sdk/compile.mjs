// The release build of the library and the relay for a platform.

import { join } from "node:path";
import { cargoTargetDir } from "../paths.mjs";
import { must } from "../run.mjs";
import { native, RUST_LIMIT_MS } from "../runners.mjs";
import { appleSettings, ensureTarget, withZig } from "./cross.mjs";
import { GLIBC_FLOOR, hostPlatform } from "./platforms.mjs";

const PACKAGES = ["--release", "--locked", "--package", "moq-ffi", "--package", "moqt-relay"];

/**
 * @typedef {object} Output
 * @property {string} folder where cargo put the files
 * @property {string} [zig] zig's folder, when zig linked them and parts of its libraries are inside
 */

/**
 * What `npm run build` makes: for this machine, and Linux systems at least as new.
 * @returns {Promise<Output>}
 */
async function compileHere(env) {
  await must("cargo", ["build", ...PACKAGES], { cwd: native, env, timeoutMs: RUST_LIMIT_MS });
  return { folder: join(cargoTargetDir(env), "release") };
}

/**
 * @param {import("./platforms.mjs").Platform} platform
 * @param {{ local: boolean }} options local: with this system's own linker and libraries
 * @returns {Promise<Output>}
 */
export async function compile(platform, { local }, env) {
  const here = platform.triple === hostPlatform(env).triple;
  // Only on Linux does a program bind to the version of the system that it was built on.
  if (here && (local || platform.format !== "elf")) return compileHere(env);
  const cross = await withZig(env);
  await ensureTarget(platform.triple, env);
  const target = platform.format === "elf" ? `${platform.triple}.${GLIBC_FLOOR}` : platform.triple;
  const apple = platform.format === "macho";
  const settings = apple ? appleSettings(platform.triple, cross.zig, cross.env) : cross.env;
  const args = ["zigbuild", ...PACKAGES, "--target", target];
  await must("cargo", args, { cwd: native, env: settings, timeoutMs: RUST_LIMIT_MS });
  return { folder: join(cargoTargetDir(env), platform.triple, "release"), zig: cross.zig };
}
