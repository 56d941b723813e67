// Folders into archives: .tar.gz, and .zip for Windows. The same files give the same bytes.

import { spawnSync } from "node:child_process";
import { lutimesSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { firstLine } from "../run.mjs";
import { SetupError } from "../setup.mjs";
import { filesIn } from "./stage.mjs";

/** The time of every file in an archive: a constant that ZIP can express. */
const TIME = new Date("2020-01-01T00:00:00Z");

function tarOf(folder, files, env) {
  const gnu = firstLine("tar", ["--version"], env)?.includes("GNU");
  const owner = gnu ? ["--owner=0", "--group=0", "--numeric-owner"] : ["--uid", "0", "--gid", "0"];
  const list = files.map((file) => `${basename(folder)}/${file}`);
  const args = ["--format", "ustar", ...owner, "-C", dirname(folder), "-cf", "-", "-T", "-"];
  const made = spawnSync("tar", args, {
    env,
    input: list.join("\n"),
    maxBuffer: 1024 * 1024 * 1024,
  });
  if (made.status === 0) return made.stdout;
  throw new SetupError(`tar failed: ${made.stderr ?? made.error?.message}`);
}

function zipOf(folder, files) {
  const entries = files.map((file) => [
    `${basename(folder)}/${file}`,
    [readFileSync(join(folder, file)), { mtime: TIME }],
  ]);
  return zipSync(Object.fromEntries(entries), { level: 6 });
}

/** Writes the archive of a folder beside it and gives its path. */
export function pack(folder, platform, env) {
  const files = filesIn(folder);
  for (const file of files) lutimesSync(join(folder, file), TIME, TIME);
  const zip = platform.format === "pe";
  const path = `${folder}${zip ? ".zip" : ".tar.gz"}`;
  writeFileSync(
    path,
    zip ? zipOf(folder, files) : gzipSync(tarOf(folder, files, env), { level: 6 }),
  );
  return path;
}
