import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MoqError } from "@moq-game/core";
import type { Addon } from "./addon.js";

const require = createRequire(import.meta.url);
const ADDON = "moq_game_node.node";

/** The file name of moq-ffi on a platform. */
export function libraryName(platform: NodeJS.Platform): string {
  if (platform === "win32") return "moq_ffi.dll";
  return platform === "darwin" ? "libmoq_ffi.dylib" : "libmoq_ffi.so";
}

/** The package with the compiled files for a platform; an optional dependency of this one. */
export function platformPackage(platform: string, arch: string): string {
  const libc = platform === "linux" ? "-gnu" : "";
  return `@moq-game/node-native-${platform}-${arch}${libc}`;
}

/** A folder that may hold the compiled files, and what to call it in errors. */
export interface Candidate {
  readonly folder: string;
  readonly what: string;
}

/** Folders that may hold the addon and moq-ffi side by side, first choice first. */
function candidates(): Candidate[] {
  const local = join(dirname(fileURLToPath(import.meta.url)), "..", "build", "Release");
  const found = [{ folder: local, what: "local build" }];
  const named = process.env.MOQ_GAME_NATIVE_DIR;
  if (named !== undefined && named !== "") {
    found.unshift({ folder: named, what: "MOQ_GAME_NATIVE_DIR" });
  }
  const name = platformPackage(process.platform, process.arch);
  try {
    found.push({ folder: dirname(require.resolve(`${name}/package.json`)), what: name });
  } catch {
    // Not installed: the error below names it.
  }
  return found;
}

let loaded: Addon | undefined;

/** Loads the addon and moq-ffi once, or throws one `unavailable` that says what to do. */
export function loadAddon(): Addon {
  loaded ??= loadFrom(candidates());
  return loaded;
}

/** The first of these that loads. */
export function loadFrom(folders: readonly Candidate[]): Addon {
  const tried: string[] = [];
  for (const { folder, what } of folders) {
    const file = join(folder, ADDON);
    if (!existsSync(file)) {
      tried.push(`${what}: no ${file}`);
      continue;
    }
    try {
      const addon = require(file) as Addon;
      const problem = addon.load(join(folder, libraryName(process.platform)));
      if (problem === "") return addon;
      tried.push(`${what}: ${problem}`);
    } catch (error) {
      tried.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const name = platformPackage(process.platform, process.arch);
  throw new MoqError(
    "unavailable",
    `The native library of @moq-game/node-native could not be loaded on ${process.platform} ${process.arch} ` +
      `(${tried.join("; ")}). Install ${name}, reinstall without --no-optional, or build it in a checkout with "npm run build".`,
  );
}
