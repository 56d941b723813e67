/** One pass of one contender: a program of its own, in a network namespace of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contender } from "../contenders/index.js";
import type { Load, Times } from "../load.js";
import type { Quantiles } from "../meter/histogram.js";
import { setUpNamespace } from "./namespace.js";
import { type Part, Stage } from "./stage.js";
import { cpuBetween, type Usage, usageOf } from "./usage.js";
import { readWire } from "./wire.js";

/** What the program gets. */
export interface CellOrder {
  readonly contender: string;
  readonly load: Load;
  readonly times: Times;
  /** Whether this process is alone in a network namespace. */
  readonly isolated: boolean;
  /** Share of packets lost, both ways. */
  readonly loss: number;
}

/** Of all processes of one part. */
export interface PartUsage {
  /** Processor time in µs. */
  readonly cpu: number;
  /** Resident bytes at the end. */
  readonly memory: number;
}

/** What it prints. Times in µs. */
export interface CellResult {
  readonly seconds: number;
  readonly sent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly outOfOrder: number;
  /** Connections lost. */
  readonly closed: number;
  readonly first: Quantiles;
  readonly age: Quantiles;
  readonly interval: Quantiles;
  readonly usage: Readonly<Partial<Record<Part, PartUsage>>>;
  /** Of a game's script: µs that its thread spent in ticks, on so many objects, and in each of them. */
  readonly gameThread?: {
    readonly spent: number;
    readonly objects: number;
    readonly tick: Quantiles;
  };
  readonly wire?: { readonly packets: number; readonly bytes: number };
}

const NOTHING: Quantiles = { p50: 0, p99: 0, max: 0 };
const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

function usageNow(stage: Stage): Map<number, Usage | undefined> {
  return new Map(stage.members.map(({ pid }) => [pid, usageOf(pid)]));
}

function usageByPart(stage: Stage, before: Map<number, Usage | undefined>): CellResult["usage"] {
  const after = usageNow(stage);
  const sums: Partial<Record<Part, PartUsage>> = {};
  for (const { part, pid } of stage.members) {
    const [from, to] = [before.get(pid), after.get(pid)];
    if (from === undefined || to === undefined) continue;
    const sum = sums[part] ?? { cpu: 0, memory: 0 };
    sums[part] = { cpu: sum.cpu + cpuBetween(from, to), memory: sum.memory + to.memory };
  }
  return sums;
}

type Told = { readonly [name: string]: unknown };

const total = (results: readonly Told[], name: string): number =>
  results.reduce((sum, each) => sum + Number(each[name] ?? 0), 0);

/** The worst of several processes; in almost every cell there is one that receives. */
function worst(results: readonly Told[], name: string): Quantiles {
  const all = results.map((each) => each[name] as Quantiles | undefined);
  return all.reduce<Quantiles>(
    (most, each) => ({
      p50: Math.max(most.p50, each?.p50 ?? 0),
      p99: Math.max(most.p99, each?.p99 ?? 0),
      max: Math.max(most.max, each?.max ?? 0),
    }),
    NOTHING,
  );
}

async function measure(order: CellOrder, stage: Stage): Promise<CellResult> {
  const { headers, start } = contender(order.contender);
  await start(stage, order.load);
  for (const member of stage.members) member.tell("start");
  await sleep(order.times.warmup);
  for (const member of stage.members) member.tell("measure");
  const begun = performance.now();
  const before = usageNow(stage);
  const carried = order.isolated ? readWire(headers) : undefined;
  await sleep(order.times.seconds);
  for (const member of stage.members) member.tell("stop");
  const seconds = (performance.now() - begun) / 1000;
  const usage = usageByPart(stage, before);
  const wire = order.isolated ? readWire(headers) : undefined;
  const telling = stage.members.filter((member) => member.tells);
  const results = await Promise.all(telling.map((member) => member.line("result")));
  const scripts = results.filter((each) => "tick_us" in each);
  const receiving = results.filter((each) => Number(each.delivered ?? 0) > 0);
  // Not a rate of 0: something does not work, and it may have said what.
  if (receiving.length === 0) {
    const said = stage.members.map((member) => member.said).join("\n");
    throw new Error(`nothing was delivered\n${said}`);
  }
  return {
    seconds,
    sent: total(results, "sent"),
    delivered: total(results, "delivered"),
    lost: total(results, "lost"),
    outOfOrder: total(results, "out_of_order"),
    closed: total(results, "closed"),
    first: worst(receiving, "first_us"),
    age: worst(receiving, "age_us"),
    interval: worst(receiving, "interval_us"),
    usage,
    ...(scripts.length > 0
      ? {
          gameThread: {
            spent: total(scripts, "game_thread_us"),
            objects: total(scripts, "game_thread_objects"),
            tick: worst(scripts, "tick_us"),
          },
        }
      : {}),
    ...(wire !== undefined && carried !== undefined
      ? { wire: { packets: wire.packets - carried.packets, bytes: wire.bytes - carried.bytes } }
      : {}),
  };
}

const order = JSON.parse(process.argv[2] ?? "{}") as CellOrder;
const stage = new Stage(mkdtempSync(join(tmpdir(), "moq-bench-")));
try {
  if (order.isolated) setUpNamespace(order.loss);
  process.stdout.write(`${JSON.stringify(await measure(order, stage))}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await stage.end();
  rmSync(stage.folder, { recursive: true, force: true });
}
