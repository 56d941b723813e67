// Fuzzing in Rust: every target with libFuzzer, or with our own mutator where there is no nightly toolchain.

import { mkdirSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { withCargoTool } from "./cargo-tools.mjs";
import { noCounts } from "./counts.mjs";
import { say } from "./log.mjs";
import { hasNightly, hostTriple } from "./nightly.mjs";
import { cacheDir, cargoTargetDir, root } from "./paths.mjs";
import { must, run } from "./run.mjs";
import { StepError } from "./steps.mjs";

const folder = join(root, "native", "fuzz");
const BUILD_LIMIT_MS = 45 * 60_000;

/** The targets: the folders of the corpus. A test keeps both in step. */
export function fuzzTargets() {
  return readdirSync(join(folder, "corpus")).sort();
}

/** Fuzzes every target for so many seconds. */
export async function fuzzRust(env, seconds) {
  const tools = (await hasNightly(env)) ? await withCargoTool("cargo-fuzz", env) : undefined;
  if (tools) return libFuzzer(tools, seconds);
  say("Without libFuzzer: random changes of the examples, on the stable toolchain.");
  return mutator(env, seconds);
}

/** One after the other for each processor; what is found stays in the cache and is where the next run begins. */
async function libFuzzer(env, seconds) {
  const target = join(cacheDir(env), "fuzz-target");
  const options = { cwd: join(folder, "libfuzzer"), env: { ...env, CARGO_TARGET_DIR: target } };
  const build = ["+nightly", "fuzz", "build", "--fuzz-dir", ".", "--target-dir", target];
  await must("cargo", build, { ...options, quiet: true, timeoutMs: BUILD_LIMIT_MS });
  const programs = join(target, hostTriple(env), "release");
  const waiting = fuzzTargets();
  const counts = noCounts();
  const broken = [];
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const found = join(cacheDir(env), "fuzz-corpus", name);
      const artifacts = join(cacheDir(env), "fuzz-artifacts", name);
      mkdirSync(found, { recursive: true });
      mkdirSync(artifacts, { recursive: true });
      const limits = [
        `-max_total_time=${seconds}`,
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=2048",
      ];
      const args = [
        found,
        join(folder, "corpus", name),
        `-artifact_prefix=${artifacts}/`,
        ...limits,
      ];
      const result = await run(join(programs, name), args, {
        env: options.env,
        quiet: "always",
        timeoutMs: (seconds + 120) * 1_000,
      });
      const runs = /Done (\d+) runs/.exec(result.output)?.[1];
      if (result.code === 0) {
        counts.passed += 1;
        say(`${name.padEnd(14)}${runs ?? "?"} runs`);
      } else {
        counts.failed += 1;
        broken.push(name);
        say(result.output.split("\n").slice(-40).join("\n"));
        const file = /Test unit written to (\S+)/.exec(result.output)?.[1] ?? `${artifacts}/…`;
        say(`${name}: broken. cargo run -p moqt-fuzz -- replay ${name} ${file}   (in native/)`);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  if (broken.length > 0) throw new StepError(`broken: ${broken.join(", ")}`, counts);
  return counts;
}

async function mutator(env, seconds) {
  const args = ["run", "--release", "--locked", "--package", "moqt-fuzz", "--"];
  const limit = { timeoutMs: BUILD_LIMIT_MS + fuzzTargets().length * seconds * 2_000 };
  const result = await run("cargo", [...args, "run", "all", String(seconds)], {
    cwd: join(root, "native"),
    env: { ...env, CARGO_TARGET_DIR: cargoTargetDir(env) },
    ...limit,
  });
  const counts = noCounts();
  counts.passed = [...result.output.matchAll(/^\w+: \d+ runs$/gm)].length;
  counts.failed = [...result.output.matchAll(/^\w+: broken/gm)].length;
  if (result.code !== 0) throw new StepError("a target is broken", counts);
  return counts;
}
