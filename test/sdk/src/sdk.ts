// What every test of an SDK archive does: make it, unpack it, run programs.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { unzipSync } from "fflate";

export const repository = resolve(fileURLToPath(import.meta.url), "../../../..");
/** The sources of a project that uses the SDK. */
export const project = join(repository, "test", "sdk", "project");

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  timeout?: number;
}

/** What a program prints; the error of a failing one carries all that it printed. */
export async function run(
  program: string,
  args: string[],
  { cwd = repository, env = process.env, timeout = 110_000 }: RunOptions = {},
): Promise<string> {
  try {
    const limits = { cwd, env, timeout, maxBuffer: 64 * 1024 * 1024 };
    const { stdout, stderr } = await promisify(execFile)(program, args, limits);
    return stdout + stderr;
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${message}\n${stdout ?? ""}${stderr ?? ""}`);
  }
}

/** A folder of its own for one test file. */
export class Scratch {
  // A space and a bracket: paths of users have such.
  readonly folder = mkdtempSync(join(tmpdir(), "moq sdk (1)-"));

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `npm run sdk` with these options; gives the names of the archives. */
export async function makeArchives(out: string, options: string[]): Promise<string[]> {
  const script = join(repository, "tools", "sdk.mjs");
  const args = [script, "--out", out, ...options];
  await run(process.execPath, args, { timeout: 74 * 60_000 });
  return readdirSync(out).filter((name) => /\.(tar\.gz|zip)$/.test(name));
}

/** Unpacks an archive and gives the one folder that it holds. */
export async function unpack(archive: string, to: string): Promise<string> {
  mkdirSync(to, { recursive: true });
  if (archive.endsWith(".zip")) {
    for (const [name, bytes] of Object.entries(unzipSync(readFileSync(archive)))) {
      mkdirSync(dirname(join(to, name)), { recursive: true });
      writeFileSync(join(to, name), bytes);
    }
  } else {
    await run("tar", ["-xzf", archive, "-C", to]);
  }
  const [folder, ...others] = readdirSync(to);
  if (folder === undefined || others.length > 0)
    throw new Error(`${archive} holds no single folder`);
  return join(to, folder);
}

export function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** Lines of a SHA256SUMS file: name and hash. */
export function sumsIn(folder: string): Map<string, string> {
  const lines = readFileSync(join(folder, "SHA256SUMS"), "utf8").trim().split("\n");
  return new Map(
    lines.map((line) => {
      const [hash = "", name = ""] = line.split("  ");
      return [name, hash];
    }),
  );
}

/** Every file of a folder but SHA256SUMS, with "/" between names. */
export function filesIn(folder: string, below = ""): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) return filesIn(folder, name);
    return name === "SHA256SUMS" ? [] : [name];
  });
}
