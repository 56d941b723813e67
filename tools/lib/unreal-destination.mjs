// The folder that "npm run stage-unreal" fills. It may be a project in which somebody works: when it is filled again, what
// was staged is replaced, and what that person did there stays.

import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { filesIn, sha256 } from "./sdk/stage.mjs";
import { SetupError } from "./setup.mjs";

/** The SHA-256 of every staged file, as `sha256sum -c` reads it. */
const RECORD = "STAGED";
/** Where the new content is assembled, on the same disk. */
const ASSEMBLY = ".staging";

/** What is generated, or source of the plugins; the rest is the template, which is there to be changed. */
const OURS = ["Plugins/Moq/", "Plugins/MoqPuerts/", "Content/JavaScript/node_modules/@moq-game/"];
const isOurs = (name) => OURS.some((folder) => name.startsWith(folder));

/** Hashes of what was staged before, by path. */
function recordOf(to) {
  const file = join(to, RECORD);
  if (!existsSync(file)) return new Map();
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

const isFile = (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
const isChanged = (to, name, hash) => isFile(join(to, name)) && sha256(join(to, name)) !== hash;

function list(names) {
  const shown = names.slice(0, 10).map((name) => `  ${name}`);
  if (names.length > shown.length) shown.push(`  and ${names.length - shown.length} more`);
  return shown.join("\n");
}

function refuseChanges(to, names) {
  if (names.length === 0) return;
  throw new SetupError(
    `in ${to} these files of the plugins were changed since they were staged:\n${list(names)}\nMove the changes away, or add --overwrite to lose them.`,
  );
}

/** The first folder that exists, from a path upwards. */
function existing(path) {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

/** Makes a folder and those above it. Node's own way never ends where none can be made, as in /proc. */
function makeFolder(path) {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

/** Refuses a folder that cannot or must not be filled, in a moment and without touching it. */
export function checkDestination(to, { overwrite = false } = {}) {
  const base = existing(to);
  if (!statSync(base).isDirectory())
    throw new SetupError(`${base} is a file: name another folder.`);
  try {
    accessSync(base, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new SetupError(`${base} cannot be written (${error.code}): name another folder.`);
  }
  if (base !== to) return;
  if (readdirSync(to).some((name) => name !== ASSEMBLY) && !existsSync(join(to, RECORD))) {
    throw new SetupError(
      `${to} is not empty and was not made by this command: name another folder.\n` +
        "For a project of your own, stage elsewhere and copy Plugins/Moq into its Plugins.",
    );
  }
  const changed = [...recordOf(to)].filter(
    ([name, hash]) => isOurs(name) && isChanged(to, name, hash),
  );
  if (!overwrite)
    refuseChanges(
      to,
      changed.map(([name]) => name),
    );
}

/** Removes a file, and the folders that it leaves empty. */
function removeFile(to, name) {
  rmSync(join(to, name), { force: true });
  for (let at = dirname(name); at !== "."; at = dirname(at)) {
    const folder = join(to, at);
    if (!existsSync(folder) || readdirSync(folder).length > 0) return;
    rmdirSync(folder);
  }
}

/**
 * Fills the folder with what `assemble` puts into the one that it is given.
 * @param {string} to
 * @param {(folder: string) => void} assemble
 * @param {{ overwrite?: boolean }} options overwrite: changes to what was staged before are lost
 * @returns {{ files: string[], kept: string[] }} kept: files of the template that were changed, and so were not replaced
 */
export function fill(to, assemble, { overwrite = false } = {}) {
  checkDestination(to, { overwrite });
  const assembly = join(to, ASSEMBLY);
  rmSync(assembly, { recursive: true, force: true });
  try {
    makeFolder(assembly);
  } catch (error) {
    throw new SetupError(`${to} cannot be made (${error.code}): name another folder.`);
  }
  try {
    assemble(assembly);
    return replace(to, assembly, overwrite);
  } finally {
    rmSync(assembly, { recursive: true, force: true });
  }
}

function replace(to, assembly, overwrite) {
  const before = recordOf(to);
  const files = filesIn(assembly);
  const after = new Map(files.map((name) => [name, sha256(join(assembly, name))]));
  // Somebody's own: changed, or never staged and in the way.
  const own = files.filter((name) => {
    const path = join(to, name);
    if (overwrite || !isFile(path)) return false;
    const hash = sha256(path);
    return hash !== before.get(name) && hash !== after.get(name);
  });
  refuseChanges(to, own.filter(isOurs));
  const kept = new Set(own);
  for (const [name, hash] of before) {
    if (after.has(name) || isChanged(to, name, hash)) continue;
    removeFile(to, name);
  }
  for (const name of files) {
    if (kept.has(name)) continue;
    mkdirSync(dirname(join(to, name)), { recursive: true });
    renameSync(join(assembly, name), join(to, name));
  }
  const lines = files.map((name) => `${after.get(name)}  ${name}\n`);
  writeFileSync(join(to, RECORD), lines.join(""));
  return { files, kept: [...kept] };
}
