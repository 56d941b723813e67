import type { CellResult } from "./cell/cell.js";
import type { Load } from "./load.js";
import type { Quantiles } from "./meter/histogram.js";

/** Medians over the passes of a contender in a scenario. Times in µs. */
export interface Measured {
  readonly passes: number;
  /** Objects received a second, by all subscribers. */
  readonly rate: number;
  /** Lowest and highest of the passes. */
  readonly rates: readonly [number, number];
  /** Processor time of the server per object delivered. */
  readonly serverCpu?: number;
  /** Of the publisher per update sent. */
  readonly publisherCpu?: number;
  /** Of the subscribers per object received. */
  readonly subscriberCpu?: number;
  /** IP bytes of an update on one hop, acknowledgements included. */
  readonly wireBytes?: number;
  /** Of a game thread's ticks: per object, and each of them. */
  readonly gameThread?: number;
  readonly tick?: Quantiles;
  readonly age: Quantiles;
  /** Between two objects of a subscriber. */
  readonly gap: Quantiles;
  /** From subscribing to the first object. */
  readonly first: Quantiles;
  /** Resident bytes of the server. */
  readonly serverMemory?: number;
  readonly subscriberMemory?: number;
  /** Share of updates that a subscriber did not get. */
  readonly missed: number;
  /** Objects that came after a newer one, in all passes. */
  readonly outOfOrder: number;
}

/** One that did not take part, or failed, says why. */
export type Outcome = Measured | { readonly absent: string };

export interface ScenarioResult {
  readonly title: string;
  readonly date: string;
  readonly commit: string;
  readonly loss: number;
  readonly load: Load;
  readonly baseline: string;
  /** By contender, in order. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
}

export interface Results {
  readonly machine: string;
  /** Of the contenders. */
  readonly versions: readonly string[];
  readonly scenarios: Readonly<Record<string, ScenarioResult>>;
}

export function isMeasured(outcome: Outcome | undefined): outcome is Measured {
  return outcome !== undefined && !("absent" in outcome);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? 0;
  return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

function medianOf(
  passes: readonly CellResult[],
  value: (pass: CellResult) => number | undefined,
): number | undefined {
  const values = passes.map(value).filter((each) => each !== undefined && Number.isFinite(each));
  return values.length === 0 ? undefined : median(values as number[]);
}

function quantiles(passes: readonly CellResult[], of: (pass: CellResult) => Quantiles): Quantiles {
  const part = (name: keyof Quantiles) => Math.round(median(passes.map((pass) => of(pass)[name])));
  return { p50: part("p50"), p99: part("p99"), max: part("max") };
}

/** Hops that updates took, added up: each from the publisher, and each to a subscriber. */
function hops(pass: CellResult, load: Load): number {
  return load.subscribers === 0 ? pass.delivered : pass.sent + pass.delivered;
}

function round(value: number | undefined, digits: number): number | undefined {
  return value === undefined ? undefined : Number(value.toFixed(digits));
}

const NONE: Quantiles = { p50: 0, p99: 0, max: 0 };

export function summarize(passes: readonly CellResult[], load: Load): Measured {
  const rates = passes.map((pass) => pass.delivered / pass.seconds);
  const cpu = (part: "server" | "publisher" | "subscriber", by: "sent" | "delivered") =>
    round(
      medianOf(passes, (pass) => {
        const used = pass.usage[part];
        return used === undefined ? undefined : used.cpu / pass[by];
      }),
      3,
    );
  const optional = {
    serverCpu: cpu("server", "delivered"),
    publisherCpu: cpu("publisher", "sent"),
    subscriberCpu: cpu("subscriber", "delivered"),
    wireBytes: round(
      medianOf(passes, (pass) => pass.wire && pass.wire.bytes / hops(pass, load)),
      1,
    ),
    gameThread: round(
      medianOf(
        passes,
        (pass) => pass.gameThread && pass.gameThread.spent / pass.gameThread.objects,
      ),
      4,
    ),
    tick: passes.some((pass) => pass.gameThread !== undefined)
      ? quantiles(passes, (pass) => pass.gameThread?.tick ?? NONE)
      : undefined,
    serverMemory: medianOf(passes, (pass) => pass.usage.server?.memory),
    subscriberMemory: medianOf(passes, (pass) => pass.usage.subscriber?.memory),
  };
  return {
    passes: passes.length,
    rate: Math.round(median(rates)),
    rates: [Math.round(Math.min(...rates)), Math.round(Math.max(...rates))],
    age: quantiles(passes, (pass) => pass.age),
    gap: quantiles(passes, (pass) => pass.interval),
    first: quantiles(passes, (pass) => pass.first),
    outOfOrder: passes.reduce((sum, pass) => sum + pass.outOfOrder, 0),
    missed:
      round(median(passes.map((pass) => pass.lost / Math.max(1, pass.lost + pass.delivered))), 4) ??
      0,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}
