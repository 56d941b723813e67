// Child processes: run one, show its output as it comes, keep the end of it for parsing.

import { spawn, spawnSync } from "node:child_process";
import { logStream } from "./log.mjs";
import { root } from "./paths.mjs";

/** Test runners print a few MB at most; what is parsed (totals) is at the end. */
const CAPTURE_LIMIT = 16 * 1024 * 1024;

const WINDOWS = process.platform === "win32";

/** Children that have not ended yet. */
const running = new Set();
let forwarding = false;

function endGroup(child, signal) {
  try {
    if (WINDOWS || child.pid === undefined) child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It ended in between.
  }
}

function forwardSignals() {
  if (forwarding) return;
  forwarding = true;
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ]) {
    process.on(signal, () => {
      if (running.size === 0) return;
      for (const child of running) endGroup(child, "SIGTERM");
      process.exit(code);
    });
  }
}

export class CommandError extends Error {
  constructor(command, code, signal) {
    super(`${command} ${signal ? `was ended by ${signal}` : `failed (exit code ${code})`}`);
    this.name = "CommandError";
    this.code = code;
  }
}

/**
 * Runs a program without a shell and streams its output to the log.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean | "always", timeoutMs?: number }} [options]
 *   quiet: show the output only when the program fails; "always": not even then.
 * @returns {Promise<{ code: number | null, signal: string | null, output: string }>} never rejects for an exit code
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? root,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      // npm and pnpm are scripts on Windows.
      shell: WINDOWS,
      // A group of its own: a time limit or Ctrl-C then ends the grandchildren (test workers, relays) too.
      detached: !WINDOWS,
    });
    running.add(child);
    forwardSignals();
    let output = "";
    let timedOut = false;
    const timer = options.timeoutMs
      ? setTimeout(() => {
          timedOut = true;
          endGroup(child, "SIGKILL");
        }, options.timeoutMs)
      : undefined;
    const take = (chunk) => {
      output += chunk;
      if (output.length > CAPTURE_LIMIT) output = output.slice(-CAPTURE_LIMIT / 2);
      if (!options.quiet) logStream().write(chunk);
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    const end = (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      if (timedOut) take(`\n${program}: no end after ${options.timeoutMs / 1000} s, killed\n`);
      if (options.quiet === true && code !== 0) logStream().write(output);
      resolve({ code, signal, output });
    };
    child.on("error", (error) => {
      output += `${program}: ${error.message}\n`;
      end(127, null);
    });
    child.on("close", end);
  });
}

/** As `run`, but throws `CommandError` when the program fails. */
export async function must(program, args, options = {}) {
  const result = await run(program, args, options);
  if (result.code !== 0) {
    throw new CommandError([program, ...args].join(" "), result.code, result.signal);
  }
  return result;
}

/** What a program prints on stdout; throws, with what it said on stderr, when it fails. For output that is data. */
export function textOf(program, args, { cwd = root, env = process.env } = {}) {
  const limits = { maxBuffer: 256 * 1024 * 1024, timeout: 300_000 };
  const result = spawnSync(program, args, { encoding: "utf8", cwd, env, ...limits });
  if (result.status === 0) return result.stdout;
  logStream().write(`${result.stderr ?? ""}${result.error?.message ?? ""}\n`);
  throw new CommandError([program, ...args].join(" "), result.status, result.signal);
}

/** The first line that a program prints, or undefined when it cannot be run. For version checks. */
export function firstLine(program, args, env = process.env) {
  const result = spawnSync(program, args, {
    encoding: "utf8",
    env,
    timeout: 30_000,
    shell: WINDOWS,
  });
  if (result.error || result.status !== 0) return undefined;
  return `${result.stdout}${result.stderr}`.trim().split("\n")[0];
}
