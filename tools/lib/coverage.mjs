// How much of the Rust workspace the tests run: lines, by crate.

import { readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { scriptedPeer } from "../build.mjs";
import { withCargoTool } from "./cargo-tools.mjs";
import { ctest, ensureCargoComponent } from "./checks.mjs";
import { cargoCounts, sum } from "./counts.mjs";
import { say } from "./log.mjs";
import { cacheDir } from "./paths.mjs";
import { must, run } from "./run.mjs";
import { configureAbi, cppTests, finish, native, RUST_LIMIT_MS } from "./runners.mjs";
import { StepError, skip } from "./steps.mjs";

/** Percent of the workspace's lines, at least. */
export const MINIMUM = 85;

/**
 * Lines by crate, from the JSON of llvm-cov.
 * @returns {{ crate: string, covered: number, lines: number }[]} the sum last
 */
export function byCrate(report, folder = native) {
  const crates = new Map();
  for (const file of report.data[0].files) {
    const [crate] = relative(folder, file.filename).split(sep);
    const before = crates.get(crate) ?? { crate, covered: 0, lines: 0 };
    before.covered += file.summary.lines.covered;
    before.lines += file.summary.lines.count;
    crates.set(crate, before);
  }
  const rows = [...crates.values()].sort((a, b) => a.crate.localeCompare(b.crate));
  const add = (key) => rows.reduce((total, row) => total + row[key], 0);
  return [...rows, { crate: "workspace", covered: add("covered"), lines: add("lines") }];
}

/** Of 100, with one decimal, never rounded up. */
export function percent({ covered, lines }) {
  return lines === 0 ? 100 : Math.floor((covered * 1_000) / lines) / 10;
}

/** The variables that `cargo llvm-cov show-env` prints. */
export function readEnvironment(text) {
  const lines = text.matchAll(/^(?:export )?(\w+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name, unquoted(value)]));
}

function unquoted(value) {
  const match = /^'(.*)'$|^"(.*)"$/.exec(value.trim());
  return match ? (match[1] ?? match[2]) : value.trim();
}

/**
 * All tests in Rust, and those of the C ABI in C++ against the same instrumented library; fails below {@link MINIMUM}.
 * Programs that only developers start (`fuzz`) count too: their code is code.
 */
export async function coverage(env) {
  const tools = await withCargoTool("cargo-llvm-cov", env);
  if (tools === undefined) return skip("no cargo-llvm-cov.");
  await ensureCargoComponent("llvm-cov", "llvm-tools", tools);
  const added = await run("rustup", ["component", "add", "llvm-tools"], { env, quiet: "always" });
  if (added.code !== 0) return skip('"rustup component add llvm-tools" failed.');
  const base = { ...tools, CARGO_TARGET_DIR: join(cacheDir(env), "coverage-target") };
  const options = { cwd: native, env: base, quiet: true };
  const shown = await run("cargo", ["llvm-cov", "show-env"], { ...options, quiet: "always" });
  const instrumented = { ...base, ...readEnvironment(shown.output) };
  // What earlier runs left would count: their figures, and the programs that they built from older sources.
  await must("cargo", ["llvm-cov", "clean", "--workspace"], {
    ...options,
    env: instrumented,
  });
  const args = ["test", "--workspace", "--locked", "--no-fail-fast"];
  const limits = { cwd: native, env: instrumented, timeoutMs: RUST_LIMIT_MS };
  const rust = await run("cargo", args, { ...limits, quiet: true });
  const counts = [finish(rust, cargoCounts(rust.output), "cargo test")];

  const build = join(cppTests, "build", "coverage");
  // Built with the tests; only what is built by itself is put one folder higher.
  const library = join(base.CARGO_TARGET_DIR, "debug", "deps");
  await configureAbi(build, env, await scriptedPeer(env), [`-DMOQ_FFI_LIBRARY_DIR=${library}`]);
  await must("cmake", ["--build", build, "--parallel"], { env, quiet: true });
  say("left out: T13_Unload, for the counters of each load stay (80 bytes); npm test runs it.");
  const patient = { ...instrumented, MOQ_TEST_PATIENCE: "3" };
  counts.push(await ctest(build, patient, ["--exclude-regex", "^T13_Unload"]));

  const json = join(base.CARGO_TARGET_DIR, "coverage.json");
  const report = ["llvm-cov", "report", "--json", "--summary-only", "--output-path", json];
  await must("cargo", report, { ...options, env: instrumented });
  const rows = byCrate(JSON.parse(readFileSync(json, "utf8")));
  for (const row of rows) {
    say(`${row.crate.padEnd(12)}${percent(row).toFixed(1).padStart(6)} %  of ${row.lines} lines`);
  }
  const total = sum(counts);
  total.facts = rows.map((row) => `${row.crate} ${percent(row).toFixed(1)} %`);
  const reached = percent(rows.at(-1));
  if (reached >= MINIMUM) return total;
  throw new StepError(`${reached} % of the lines are run by tests, ${MINIMUM} % must be`, total);
}
