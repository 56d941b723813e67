// From a bare clone to installed packages: prerequisites, pnpm, `pnpm install`.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "./log.mjs";
import { bin, cacheDir, cargoTargetDir, root, withPath } from "./paths.mjs";
import { missingPrerequisites, toolEnvironment } from "./prerequisites.mjs";
import { firstLine, must, run } from "./run.mjs";
import { filesUnder, hashOf, stampFile, unlessStamped } from "./stamp.mjs";

/** A problem that the reader can solve: printed as one line, without a stack. */
export class SetupError extends Error {
  name = "SetupError";
}

/** The pnpm version that package.json pins. */
export function pinnedPnpm(manifest = readFileSync(join(root, "package.json"), "utf8")) {
  const match = /^pnpm@(\d+\.\d+\.\d+)/.exec(JSON.parse(manifest).packageManager ?? "");
  if (!match) throw new SetupError('package.json: "packageManager" must read pnpm@x.y.z');
  return match[1];
}

/** Checks what is needed and returns the environment for every program that we start. */
export function prepareEnvironment({ native = true } = {}) {
  const env = { ...toolEnvironment() };
  const names = native ? ["node", "cargo", "compiler", "cmake"] : ["node"];
  const missing = missingPrerequisites(names, env);
  if (missing.length > 0) throw new SetupError(missing.join("\n"));
  env.CARGO_TARGET_DIR = cargoTargetDir(env);
  // Children write into a pipe, yet some of them colour whatever they print when CI is set.
  if (!process.stdout.isTTY && !env.FORCE_COLOR) env.NO_COLOR = "1";
  env.TURBO_TELEMETRY_DISABLED = "1";
  env.DO_NOT_TRACK = "1";
  return env;
}

/**
 * Makes a pnpm of the pinned major version callable: the one on the path, else a global installation, else (no right
 * to write there) one in the cache. Returns the environment in which `pnpm` works.
 */
export async function ensurePnpm(env) {
  const version = pinnedPnpm();
  const major = version.split(".")[0];
  const isRight = (candidate) =>
    firstLine("pnpm", ["--version"], candidate)?.split(".")[0] === major;
  if (isRight(env)) return env;

  const local = join(cacheDir(env), `pnpm-${version}`);
  const localEnv = withPath(join(local, "node_modules", ".bin"), env);
  if (existsSync(local) && isRight(localEnv)) return localEnv;

  say(`Installing pnpm ${version}`);
  // A pnpm of another major is the user's own: leave it alone and use the cache.
  if (!firstLine("pnpm", ["--version"], env)) {
    const globally = await run("npm", ["install", "--global", `pnpm@${version}`], {
      env,
      quiet: "always",
      timeoutMs: 120_000,
    });
    if (globally.code === 0 && isRight(env)) return env;
  }
  await must("npm", ["install", "--prefix", local, "--no-save", `pnpm@${version}`], {
    env,
    quiet: true,
  });
  if (isRight(localEnv)) return localEnv;
  throw new SetupError(
    `pnpm ${version} could not be installed: run "npm install -g pnpm@${version}" and try again.`,
  );
}

/** `pnpm install`, unless no manifest and no lockfile changed since the last time. */
export async function ensurePackages(env) {
  const manifests = filesUnder(
    ["packages", "examples", "test"].map((folder) => join(root, folder)),
  ).filter((file) => file.endsWith("package.json"));
  const inputs = ["package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml"].map((name) =>
    join(root, name),
  );
  const hash = () => hashOf([...inputs, ...manifests], [process.version, process.arch]);
  if (!existsSync(bin("tsc"))) say("Installing packages");
  const mode = env.CI ? ["--frozen-lockfile"] : [];
  return unlessStamped(stampFile("install"), hash(), () =>
    must("pnpm", ["install", ...mode], { env }),
  );
}

/** Everything up to installed packages. Returns the environment for further commands. */
export async function setUp(options) {
  const env = await ensurePnpm(prepareEnvironment(options));
  await ensurePackages(env);
  return env;
}

/** Runs a command's main function; a failure is one line and exit code 1. */
export function main(body) {
  body().catch((error) => {
    const known = error?.name === "SetupError" || error?.name === "CommandError";
    for (const line of String(known ? error.message : error?.stack).split("\n")) {
      process.stderr.write(known ? `moq-game: ${line}\n` : `${line}\n`);
    }
    process.exitCode = 1;
  });
}
