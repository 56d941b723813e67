// The nightly Rust toolchain, for what only it can do: libFuzzer, Miri and ThreadSanitizer. Stable builds never need it.

import { say } from "./log.mjs";
import { firstLine, run } from "./run.mjs";

const LIMIT_MS = 20 * 60_000;

/**
 * Whether a nightly toolchain with these components is there or could be installed; says why when not.
 * @param {string[]} components such as `rust-src`, `miri`
 */
export async function hasNightly(env, components = []) {
  if (!firstLine("cargo", ["+nightly", "--version"], env)) {
    say("Installing the nightly Rust toolchain");
    const args = ["toolchain", "install", "nightly", "--profile", "minimal", "--no-self-update"];
    const added = await run("rustup", args, { env, quiet: "always", timeoutMs: LIMIT_MS });
    if (added.code !== 0) {
      say('There is no nightly toolchain, and "rustup toolchain install nightly" failed.');
      return false;
    }
  }
  for (const component of components) {
    const args = ["component", "add", "--toolchain", "nightly", component];
    const added = await run("rustup", args, { env, quiet: "always", timeoutMs: LIMIT_MS });
    if (added.code !== 0) {
      say(`"rustup ${args.join(" ")}" failed.`);
      return false;
    }
  }
  return true;
}

/** The target triple of this machine. */
export function hostTriple(env) {
  const version = firstLine("rustc", ["--print", "host-tuple"], env);
  return version ?? "x86_64-unknown-linux-gnu";
}
