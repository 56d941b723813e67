// Running named steps one after the other, and the summary at the end.

import { noCounts, sum } from "./counts.mjs";
import { bold, dim, green, red, say, seconds } from "./log.mjs";

/**
 * @typedef {object} Step
 * @property {string} name what the command line calls it
 * @property {string} about one line for --help and for the heading
 * @property {boolean} [build] whether it needs the native library and the packages built
 * @property {boolean} [tests] whether it runs tests, so that none at all is a failure
 * @property {boolean} [optional] whether it may skip all of them, after saying why
 * @property {boolean} [onRequest] whether it runs only when it is named, or with --all
 * @property {(env: NodeJS.ProcessEnv) => Promise<import("./counts.mjs").Counts | undefined>} run throws when it fails;
 *   the error may carry `counts`
 */

/** A failed step: the counts of its tests survive for the summary. */
export class StepError extends Error {
  name = "StepError";
  constructor(message, counts = noCounts()) {
    super(message);
    this.counts = counts;
  }
}

/** The counts of a step that tests nothing, for a reason that is printed. */
export function skip(why) {
  say(`skipped: ${why}`);
  return { ...noCounts(), skipped: 1, why };
}

/**
 * Reads the command line: step names, --all, --keep-going, --help.
 * @returns {{ chosen: Step[], keepGoing: boolean, help: boolean }}
 */
export function chooseSteps(steps, args) {
  const names = [];
  let keepGoing = false;
  let help = false;
  let all = false;
  for (const arg of args) {
    if (arg === "--keep-going" || arg === "-k") keepGoing = true;
    else if (arg === "--help" || arg === "-h") help = true;
    else if (arg === "--all") all = true;
    else if (steps.some((step) => step.name === arg)) names.push(arg);
    else {
      const known = steps.map((step) => step.name).join(", ");
      const error = new Error(
        `unknown step "${arg}". Steps: ${known}. Options: --all, --keep-going, --help.`,
      );
      error.name = "SetupError";
      throw error;
    }
  }
  const wanted = (step) => (names.length > 0 ? names.includes(step.name) : !step.onRequest);
  const chosen = steps.filter((step) => all || wanted(step));
  return { chosen, keepGoing, help };
}

/** Puts the build before the first step that needs it. */
export function withBuild(chosen, build) {
  const first = chosen.findIndex((step) => step.build);
  if (first < 0) return chosen;
  return [...chosen.slice(0, first), build, ...chosen.slice(first)];
}

async function runStep(step, env) {
  const started = Date.now();
  try {
    const counts = (await step.run(env)) ?? noCounts();
    const said = step.optional ? counts.skipped : 0;
    if (step.tests && counts.passed + counts.failed + said === 0) {
      throw new StepError("ran no test at all", counts);
    }
    if (counts.failed > 0) throw new StepError(`${counts.failed} failed`, counts);
    return { step, ok: true, counts, ms: Date.now() - started };
  } catch (error) {
    const counts = error?.counts ?? noCounts();
    // A runner that breaks down before it counts has still failed.
    if (step.tests && counts.failed === 0) counts.failed = 1;
    const known = ["StepError", "CommandError", "SetupError"].includes(error?.name);
    const reason = known ? error.message : String(error?.stack ?? error);
    return { step, ok: false, counts, reason, ms: Date.now() - started };
  }
}

/** Runs the steps in order; stops at the first failure unless `keepGoing`. `after` hears of each as it ends. */
export async function runSteps(steps, env, { keepGoing = false, after = () => {} } = {}) {
  const results = [];
  const started = Date.now();
  for (const [index, step] of steps.entries()) {
    const elapsed = dim(`(${seconds(Date.now() - started)} so far)`);
    say(`\n${bold(`[${index + 1}/${steps.length}] ${step.name}`)}: ${step.about} ${elapsed}`);
    const result = await runStep(step, env);
    results.push(result);
    after(result);
    if (result.ok) continue;
    say(red(`${step.name}: ${result.reason}`));
    // Nothing that needs the build can run without it.
    if (!keepGoing || step.name === "build") break;
  }
  return results;
}

/** The summary table and the total. Returns whether everything that was asked for ran and passed. */
export function summarize(steps, results) {
  const width = Math.max(...steps.map((step) => step.name.length));
  say();
  for (const step of steps) {
    const result = results.find((candidate) => candidate.step === step);
    const name = step.name.padEnd(width);
    if (!result) {
      say(dim(`${name}  not run`));
      continue;
    }
    const { passed, failed, skipped } = result.counts;
    const tests = step.tests ? `${passed} passed, ${failed} failed` : "";
    const left = skipped > 0 ? `, ${skipped} skipped` : "";
    const mark = result.ok ? green("ok    ") : red("FAILED");
    say(`${name}  ${mark}  ${seconds(result.ms).padStart(12)}  ${tests}${left}`.trimEnd());
  }
  const broken = results.filter((result) => !result.ok).map((result) => result.step.name);
  const ok = results.length === steps.length && broken.length === 0;
  if (broken.length > 0) say(red(`\nfailed: ${broken.join(", ")}`));
  if (steps.some((step) => step.tests)) {
    const total = sum(results.map((result) => result.counts));
    say(`\n${(ok ? green : red)(`${total.passed} passed, ${total.failed} failed`)}`);
  } else {
    say(`\n${ok ? green("all checks passed") : red("checks failed")}`);
  }
  return ok;
}
