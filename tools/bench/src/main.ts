/** npm run bench; tools/bench.mjs has built what is needed and told where it is. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { HELP, type Options, parse, UsageError } from "./options.js";
import { Progress } from "./progress.js";
import { compareResults, describe } from "./report/check.js";
import { goals } from "./report/goals.js";
import { performancePage, plots } from "./report/page.js";
import { scalingPage } from "./report/scaling.js";
import { textTable } from "./report/table.js";
import type { Results, ScenarioResult } from "./results.js";
import { expected, hindrance, limits, runScenario, type Variation } from "./run.js";
import { type Entry, SCENARIOS, type Scenario } from "./scenarios.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const PLOTS = `${root}docs/performance`;
const COMMITTED = `${PLOTS}/results.json`;

/** What --quick does: everything once, briefly, with few subscribers. A lost packet may hold TCP up for a second. */
function quickly({ loss }: Scenario): Variation {
  const times = { warmup: 0.2, seconds: loss > 0 ? 2 : 0.3 };
  return { passes: 1, times, mostSubscribers: 5 };
}

function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const system = `Linux ${release()}, TCP with ${tcpCongestionControl()}, Node ${process.versions.node}`;
  return `${cpus().length} × ${cpu?.model.trim()}, ${memory} GiB, ${system}`;
}

/** What WebSockets are subject to where packets are lost. */
function tcpCongestionControl(): string {
  try {
    return readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "utf8").trim();
  } catch {
    return "an unknown congestion control";
  }
}

/** What tools/bench.mjs has installed. */
function versions(): string[] {
  return (process.env.MOQ_BENCH_VERSIONS ?? "").split(",").filter(Boolean);
}

function commit(): string {
  try {
    const text = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root });
    return text.toString().trim();
  } catch {
    return "unknown";
  }
}

function readResults(file: string): Results {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Results;
  } catch {
    return { machine: machine(), versions: [], scenarios: {} };
  }
}

function entriesOf(scenario: Scenario, options: Options): Entry[] {
  const wanted = options.contenders;
  if (wanted.length === 0) return [...scenario.entries];
  return scenario.entries.filter(({ contender }) =>
    wanted.some((name) => contender.startsWith(name)),
  );
}

type Keep = (scenarios: Results["scenarios"]) => void;

/** @param keep is given the results of each scenario when it is over: a run that is ended early keeps them */
async function run(
  options: Options,
  keep: Keep,
): Promise<Readonly<Record<string, ScenarioResult>>> {
  const times = options.seconds === undefined ? {} : { seconds: options.seconds };
  const own: Variation = {
    ...(options.passes === undefined ? {} : { passes: options.passes }),
    times,
  };
  const variation = (scenario: Scenario): Variation => (options.quick ? quickly(scenario) : own);
  const chosen = SCENARIOS.filter(({ id, quick }) => {
    if (options.only.length > 0) return options.only.some((name) => id.startsWith(name));
    return quick || !options.quick;
  });
  const work = chosen.map((scenario) =>
    expected(scenario, entriesOf(scenario, options).length, variation(scenario)),
  );
  const seconds = work.reduce((sum, each) => sum + each, 0);
  const progress = new Progress(process.stderr, seconds);
  progress.say(`${chosen.length} scenarios, about ${Math.ceil(seconds / 60)} min`);
  const limit = limits();
  if (limit !== undefined) progress.say(limit);
  const results: Record<string, ScenarioResult> = {};
  for (const scenario of chosen) {
    const entries = entriesOf(scenario, options);
    const hindered = hindrance(scenario);
    if (hindered !== undefined) {
      progress.say(`${scenario.id} is left out: ${hindered}`);
      continue;
    }
    if (entries.length === 0) continue;
    const outcomes = await runScenario(scenario, entries, variation(scenario), progress);
    const { title, load, loss, baseline } = scenario;
    const date = new Date().toISOString().slice(0, 10);
    const result = { title, date, commit: commit(), loss, load, baseline, outcomes };
    results[scenario.id] = result;
    keep({ [scenario.id]: result });
    progress.say(`\n${title}\n${textTable(result)}\n`);
  }
  return results;
}

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  if (options.list) {
    const width = Math.max(...SCENARIOS.map(({ id }) => id.length)) + 2;
    for (const { id, title } of SCENARIOS) process.stdout.write(`${id.padEnd(width)}${title}\n`);
    return;
  }
  if (options.page) return addToPages({});
  // A scenario is kept with all its contenders or not at all.
  const whole = options.contenders.length === 0 && !options.quick && !options.check;
  const page = whole && options.json === undefined;
  const scenarios = await run(options, page ? addToPages : () => {});
  const now: Results = { machine: machine(), versions: versions(), scenarios };
  if (options.json !== undefined) write(options.json, now);
  if (options.check) check(now);
  if (!page) return;
  for (const { id, what, target, measured, met } of goals(readResults(COMMITTED))) {
    const verdict =
      measured === undefined ? "not measured" : `${measured}${met ? "" : "   NOT MET"}`;
    process.stdout.write(`${id.padEnd(4)} ${what}: ${verdict} (${target})\n`);
  }
  process.stdout.write("\ndocs/performance.md is written\n");
}

/** Replaces the results of these scenarios among those that are kept, and writes what is made of them. */
function addToPages(scenarios: Results["scenarios"]): void {
  const all = { ...readResults(COMMITTED).scenarios, ...scenarios };
  // In the order of the list, whenever each has run.
  const ordered = SCENARIOS.flatMap(({ id }) => (all[id] === undefined ? [] : [[id, all[id]]]));
  writePages({
    machine: machine(),
    versions: versions(),
    scenarios: Object.fromEntries(ordered) as Results["scenarios"],
  });
}

function write(file: string, results: Results): void {
  writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);
}

function writePages(results: Results): void {
  mkdirSync(PLOTS, { recursive: true });
  write(COMMITTED, results);
  for (const [name, svg] of plots(results)) writeFileSync(`${PLOTS}/${name}.svg`, svg);
  writeFileSync(`${root}docs/performance.md`, performancePage(results));
  const scaling = scalingPage(results);
  if (scaling !== undefined) writeFileSync(`${root}docs/scaling.md`, scaling);
}

/** Says what got worse; exit status 1 when something did. */
function check(now: Results): void {
  const findings = compareResults(readResults(COMMITTED), now);
  for (const finding of findings) process.stdout.write(`worse: ${describe(finding)}\n`);
  if (findings.length > 0) process.exitCode = 1;
  else process.stdout.write("nothing got worse than the committed results by more than noise\n");
}

// The processes of a pass go with us, whoever ends us.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

main().catch((error: unknown) => {
  const usage = error instanceof UsageError;
  const text = error instanceof Error ? (usage ? error.message : error.stack) : String(error);
  process.stderr.write(`bench: ${text}${usage ? "\nTry: npm run bench -- --help" : ""}\n`);
  process.exitCode = usage ? 2 : 1;
});
