// Where things are: the checkout, the cache outside it, and the programs inside node_modules.

import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** What several checkouts share: `MOQ_GAME_CACHE`, else `$XDG_CACHE_HOME/moq-game`, else `~/.cache/moq-game`. */
export function cacheDir(env = process.env) {
  if (env.MOQ_GAME_CACHE) return resolve(env.MOQ_GAME_CACHE);
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "moq-game");
}

/** Cargo's output: `CARGO_TARGET_DIR`, else a folder of the cache, so that a second clone builds in seconds. */
export function cargoTargetDir(env = process.env) {
  return env.CARGO_TARGET_DIR ? resolve(env.CARGO_TARGET_DIR) : join(cacheDir(env), "cargo-target");
}

/** A program that `pnpm install` put into the checkout. */
export function bin(name) {
  return join(root, "node_modules", ".bin", process.platform === "win32" ? `${name}.cmd` : name);
}

/** The environment with `dir` first on the program path. */
export function withPath(dir, env = process.env) {
  const key = Object.keys(env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  return { ...env, [key]: [dir, env[key]].filter(Boolean).join(delimiter) };
}

/** A path as the user wrote it: npm runs scripts in the checkout, wherever it was called. */
export function userPath(path, env = process.env) {
  return resolve(env.npm_lifecycle_event ? (env.INIT_CWD ?? "") : "", path);
}
