import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, it } from "vitest";

const SECONDS = Number(process.env.MOQ_SOAK_SECONDS);
/** Samples in one run. */
const SAMPLES = 12;
/**
 * What a process may have grown by between the second quarter of the run and the last: what allocators keep and
 * what a garbage collector leaves. About a hundred clients a second come and go, so in an hour a leak of 70 bytes each shows.
 */
const GROWTH = 24 * 1024 * 1024;

interface Usage {
  readonly rss: number;
  readonly threads: number;
  readonly files: number;
}
interface RelaySample extends Usage {
  readonly stats: {
    readonly sessions: { readonly open: number; readonly violations: number };
    readonly subscriptions_open: number;
    readonly namespaces_open: number;
    readonly upstreams_open: number;
    readonly queues: { readonly bytes: number };
    readonly cache: { readonly bytes: number };
  };
}
interface MatchSample extends Usage {
  readonly counts: {
    readonly visits: number;
    readonly reconnects: number;
    readonly fetched: number;
    readonly refused: number;
  };
  readonly ages: { readonly p50: number; readonly p99: number };
}
interface Verdict {
  readonly delivery: string;
  readonly where: string;
  readonly objects: number;
  readonly back: number;
  readonly missing: number;
  readonly behind: number;
  readonly ended: string | null;
}
interface MatchEnd extends Usage {
  readonly verdicts: readonly Verdict[];
  readonly failures: readonly string[];
  readonly failed: number;
}

/** A child process that answers what it is asked, one thing at a time. */
class Child {
  readonly #process: ChildProcess;
  readonly ended: Promise<void>;

  constructor(name: string, ...args: string[]) {
    const program = new URL(`../children/${name}.mjs`, import.meta.url);
    this.#process = fork(program, args, { execArgv: ["--expose-gc"] });
    this.ended = once(this.#process, "exit").then(([code, signal]) => {
      if (code !== 0) throw new Error(`${name} ended with ${signal ?? `exit code ${code}`}`);
    });
    this.ended.catch(() => {});
  }

  /** The next thing it says. */
  async heard<T>(): Promise<T> {
    const gone = this.ended.then(() => {
      throw new Error("the process ended instead of answering");
    });
    const [message] = await Promise.race([once(this.#process, "message"), gone]);
    return message as T;
  }

  ask<T>(what: "sample" | "end"): Promise<T> {
    this.#process.send(what);
    return this.heard<T>();
  }

  /** Tells it to end, and waits until it did. */
  async end(): Promise<void> {
    this.#process.send("end");
    await this.ended;
  }

  kill(): void {
    this.#process.kill();
  }
}

const children: Child[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill();
});

function start(name: string, ...args: string[]): Child {
  const child = new Child(name, ...args);
  children.push(child);
  return child;
}

const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);
const highest = (samples: readonly Usage[], of: keyof Usage): number =>
  Math.max(...samples.map((sample) => sample[of]));

/** What has grown from the second quarter to the last. */
function growth(samples: readonly Usage[], of: keyof Usage): number {
  const quarter = samples.length / 4;
  return highest(samples.slice(-quarter), of) - highest(samples.slice(quarter, 2 * quarter), of);
}

it(`a match of ${SECONDS} s: nothing grows, and every class keeps its promise`, async () => {
  const relay = start("relay");
  const match = start("match", JSON.stringify(await relay.heard<object>()));
  await match.heard<"ready">();
  const relaySamples: RelaySample[] = [];
  const matchSamples: MatchSample[] = [];
  process.stdout.write(
    "     s | relay MiB (cache)  match MiB | visits  reconnects  fetched | age p50, p99 ms\n",
  );
  for (let n = 1; n <= SAMPLES; n++) {
    await new Promise((resolve) => setTimeout(resolve, (SECONDS * 1_000) / SAMPLES));
    const held = await relay.ask<RelaySample>("sample");
    const played = await match.ask<MatchSample>("sample");
    relaySamples.push(held);
    matchSamples.push(played);
    const { visits, reconnects, fetched } = played.counts;
    const columns = [
      `${((SECONDS * n) / SAMPLES).toFixed(0).padStart(6)} |`,
      `${mib(held.rss).padStart(9)} (${mib(held.stats.cache.bytes).padStart(5)})`,
      `${mib(played.rss).padStart(10)} |`,
      `${String(visits).padStart(6)} ${String(reconnects).padStart(11)} ${String(fetched).padStart(8)} |`,
      `${played.ages.p50.toFixed(2)}, ${played.ages.p99.toFixed(2)}`,
    ];
    process.stdout.write(`${columns.join(" ")}\n`);
  }
  const end = await match.ask<MatchEnd>("end");
  // A farewell that the bad network lost is found out by silence.
  await expect
    .poll(async () => (await relay.ask<RelaySample>("sample")).stats.sessions.open, {
      timeout: 10_000,
      interval: 500,
    })
    .toBe(0);
  const left = await relay.ask<RelaySample>("sample");
  await Promise.all([relay.end(), match.ended]);

  // Something happened at all.
  const { visits, reconnects, fetched } = matchSamples.at(-1)!.counts;
  expect(visits).toBeGreaterThan(SECONDS);
  expect(reconnects).toBeGreaterThan(0);
  expect(fetched).toBeGreaterThan(visits);
  expect(end.failures).toEqual([]);

  for (const { delivery, where, ...seen } of end.verdicts) {
    const name = `${delivery}, ${where}`;
    expect({ name, ...seen }).toMatchObject({ name, back: 0, ended: null });
    expect(seen.objects, name).toBeGreaterThan(60);
    // The other two classes may lose their last update.
    if (delivery === "reliable" || delivery === "latest") expect(seen.behind, name).toBe(0);
    if (delivery === "reliable") expect(seen.missing, name).toBe(0);
  }

  // While it goes on.
  const withoutCache = relaySamples.map((sample) => ({
    ...sample,
    rss: sample.rss - sample.stats.cache.bytes,
  }));
  for (const samples of [withoutCache, matchSamples]) {
    expect(growth(samples, "rss")).toBeLessThan(GROWTH);
    expect(growth(samples, "threads")).toBeLessThanOrEqual(0);
  }
  // And afterwards.
  expect(left.stats).toMatchObject({
    sessions: { open: 0, violations: 0 },
    subscriptions_open: 0,
    namespaces_open: 0,
    upstreams_open: 0,
    queues: { bytes: 0 },
  });
  expect(left.files).toBeLessThanOrEqual(highest(relaySamples, "files"));
});
