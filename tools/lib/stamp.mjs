// Skipping work that was done: a stamp holds the hash of everything that the work depended on.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { root } from "./paths.mjs";

const SKIPPED = new Set(["node_modules", "dist", "build", "target", ".git", ".turbo"]);

/** Stamps live in node_modules, so that removing it forgets them too. */
export function stampFile(name) {
  return join(root, "node_modules", ".cache", "moq-game", `${name}.stamp`);
}

/** All files under the given files and folders, sorted; build output and dependencies are left out. */
export function filesUnder(paths) {
  const found = [];
  const visit = (path) => {
    const info = statSync(path, { throwIfNoEntry: false });
    if (!info) return;
    if (!info.isDirectory()) {
      found.push(path);
      return;
    }
    for (const name of readdirSync(path)) if (!SKIPPED.has(name)) visit(join(path, name));
  };
  for (const path of paths) visit(path);
  return found.sort();
}

/** One hash over names and contents of files, and over any further strings. */
export function hashOf(files, extra = []) {
  const hash = createHash("sha256");
  for (const text of extra) hash.update(`${text}\0`);
  for (const file of files) {
    hash.update(`${relative(root, file)}\0`);
    hash.update(readFileSync(file));
    hash.update("\0");
  }
  return hash.digest("hex");
}

/** Runs `work` unless the stamp holds `hash`; the stamp is written only after success. Returns whether it ran. */
export async function unlessStamped(file, hash, work) {
  let known;
  try {
    known = readFileSync(file, "utf8");
  } catch {
    known = undefined;
  }
  if (known === hash) return false;
  rmSync(file, { force: true });
  await work();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, hash);
  return true;
}
