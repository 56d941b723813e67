import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CellOrder, CellResult } from "./cell/cell.js";
import { canLose, namespaceCommand } from "./cell/namespace.js";
import { contender } from "./contenders/index.js";
import type { Load, Times } from "./load.js";
import type { Progress } from "./progress.js";
import { type Outcome, summarize } from "./results.js";
import type { Entry, Scenario } from "./scenarios.js";

/** What a pass takes beside the seconds that it measures, as a guess for the time that is left. */
const AROUND_S = 1.2;
const LIMIT_S = 120;

const cellFile = fileURLToPath(new URL("./cell/cell.js", import.meta.url));

/** How a run differs from what a scenario says. */
export interface Variation {
  readonly passes?: number;
  readonly times?: Partial<Times>;
  /** Of scenarios with many subscribers, for a quick look. */
  readonly mostSubscribers?: number;
}

const isolation = namespaceCommand();

/** Why a scenario cannot run here. */
export function hindrance(scenario: Scenario): string | undefined {
  if (scenario.loss === 0) return undefined;
  if (isolation === undefined) {
    return "losing packets needs a network namespace: run it as root on Linux (unshare, ip)";
  }
  return canLose() ? undefined : 'losing packets needs nft: "apt-get install nftables"';
}

/** What is not measured here, and why. */
export function limits(): string | undefined {
  if (isolation !== undefined) return undefined;
  return "bytes on the wire are not measured: that needs a network namespace (root on Linux)";
}

function loadOf(scenario: Scenario, entry: Entry, variation: Variation): Load {
  const load = { ...scenario.load, ...entry.load };
  const most = variation.mostSubscribers ?? Number.POSITIVE_INFINITY;
  return { ...load, subscribers: Math.min(load.subscribers, most) };
}

function pass(order: CellOrder): Promise<CellResult> {
  const command = [...(isolation ?? []), process.execPath, cellFile, JSON.stringify(order)];
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    // A group of its own, so that a pass that hangs is ended with all its processes.
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    let [output, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (data: string) => {
      output += data;
    });
    child.stderr.setEncoding("utf8").on("data", (data: string) => {
      errors = (errors + data).slice(-4_000);
    });
    const end = (): void => {
      try {
        process.kill(-(child.pid ?? 0), "SIGKILL");
      } catch {
        // It ended in between.
      }
    };
    const timer = setTimeout(end, (LIMIT_S + order.times.warmup + order.times.seconds) * 1000);
    process.once("exit", end);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      process.off("exit", end);
      if (code === 0) resolve(JSON.parse(output) as CellResult);
      else reject(new Error(errors.trim() || `ended by ${signal ?? code}`));
    });
  });
}

/** Seconds that a scenario is expected to take. */
export function expected(scenario: Scenario, entries: number, variation: Variation): number {
  const { warmup, seconds } = { ...scenario.times, ...variation.times };
  const connecting = Math.min(scenario.load.subscribers, variation.mostSubscribers ?? 1e9) / 250;
  const passes = variation.passes ?? scenario.passes;
  return passes * entries * (warmup + seconds + AROUND_S + connecting);
}

/** All passes of a scenario: every contender has its turn, and then again. */
export async function runScenario(
  scenario: Scenario,
  entries: readonly Entry[],
  variation: Variation,
  progress: Progress,
): Promise<Readonly<Record<string, Outcome>>> {
  const times = { ...scenario.times, ...variation.times };
  const passes = variation.passes ?? scenario.passes;
  const done = new Map<string, CellResult[]>();
  const absent = new Map<string, string>();
  const each = expected(scenario, 1, { ...variation, passes: 1 });
  for (let round = 0; round < passes; round++) {
    for (const entry of entries) {
      const { id, label, missing } = contender(entry.contender);
      const lacks = missing();
      if (lacks !== undefined) absent.set(id, lacks);
      if (absent.has(id)) {
        progress.pass(each);
        continue;
      }
      progress.doing(`${scenario.id}, pass ${round + 1} of ${passes}: ${label}`);
      const load = loadOf(scenario, entry, variation);
      const isolated = isolation !== undefined;
      try {
        const result = await pass({ contender: id, load, times, isolated, loss: scenario.loss });
        done.set(id, [...(done.get(id) ?? []), result]);
      } catch (error) {
        absent.set(id, `failed: ${error instanceof Error ? error.message : error}`);
        progress.say(`${scenario.id}: ${label} ${absent.get(id)}`);
      }
      progress.pass(each);
    }
  }
  return Object.fromEntries(
    entries.map((entry): [string, Outcome] => {
      const why = absent.get(entry.contender);
      if (why !== undefined) return [entry.contender, { absent: why.split("\n")[0] ?? why }];
      const load = loadOf(scenario, entry, variation);
      return [entry.contender, summarize(done.get(entry.contender) ?? [], load)];
    }),
  );
}
