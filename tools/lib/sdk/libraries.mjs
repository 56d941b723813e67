// The shared libraries out of the archives that "npm run sdk" has made.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { SetupError } from "../setup.mjs";
import { libraryVersion } from "./crates.mjs";
import { PLATFORMS } from "./platforms.mjs";
import { sha256, sharedLibraryPath } from "./stage.mjs";

const require = createRequire(import.meta.url);

/** Compares an archive with its line of SHA256SUMS beside it. */
function checkSum(folder, archive) {
  const sums = join(folder, "SHA256SUMS");
  const lines = existsSync(sums) ? readFileSync(sums, "utf8").split("\n") : [];
  const line = lines.find((each) => each.slice(64).replace(/^ [ *]/, "") === archive);
  if (line?.slice(0, 64) !== sha256(join(folder, archive))) {
    throw new SetupError(
      `${archive} is not what SHA256SUMS in ${folder} records: make it again with "npm run sdk".`,
    );
  }
}

function fileOf(archive, name) {
  if (archive.endsWith(".zip")) {
    // Not above: commands start before their packages are installed.
    const { unzipSync } = require("fflate");
    return unzipSync(readFileSync(archive), { filter: (file) => file.name === name })[name];
  }
  const { status, stdout } = spawnSync("tar", ["-xzOf", archive, name], {
    maxBuffer: 1024 * 1024 * 1024,
    // What it lacks is told by the status.
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout : undefined;
}

/** The licences of what is inside, in each archive and beside each library that was unpacked. */
export const NOTICES = "THIRD-PARTY-NOTICES.txt";

/**
 * Unpacks the shared library of every archive of this version, and its notices, into a folder of its own under `to`.
 * @returns {Record<string, string>} files by the platform's name: see PLATFORMS
 */
export function unpackLibraries(folder, to) {
  const found = {};
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const platform of PLATFORMS) {
    const whole = `moq-ffi-${libraryVersion()}-${platform.name}`;
    const archive = names.find((name) => name === `${whole}.tar.gz` || name === `${whole}.zip`);
    if (archive === undefined) continue;
    checkSum(folder, archive);
    const shared = sharedLibraryPath(platform).replaceAll("\\", "/");
    const bytes = fileOf(join(folder, archive), `${whole}/${shared}`);
    if (bytes === undefined) throw new SetupError(`${archive} has no ${shared}.`);
    mkdirSync(join(to, platform.name), { recursive: true });
    found[platform.name] = join(to, platform.name, basename(shared));
    writeFileSync(found[platform.name], bytes);
    const notices = fileOf(join(folder, archive), `${whole}/${NOTICES}`);
    if (notices !== undefined) writeFileSync(join(to, platform.name, NOTICES), notices);
  }
  if (Object.keys(found).length === 0) {
    const others = names.filter((name) => /^moq-ffi-.*\.(tar\.gz|zip)$/.test(name));
    const has = others.length > 0 ? ` (only ${others.slice(0, 3).join(", ")})` : "";
    throw new SetupError(
      `${folder} has no archive of version ${libraryVersion()}${has}: "npm run sdk -- --all" makes them.`,
    );
  }
  return found;
}
