import type { Carrier, Host } from "@moq-game/core";
import type { Random } from "@moq-game/impair/random";
import { vi } from "vitest";
import { type BadNetwork, type Condition, OUTAGE } from "../src/conditions.js";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A world in which time passes only when nothing is left to do: the same seed, the same run. */
export class World implements Host {
  time = 1_000;
  #order = 0;
  readonly #timers = new Set<Timer>();
  readonly random: () => number;

  constructor(random: Random) {
    this.random = () => random.next();
    vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 });
  }

  now(): number {
    return this.time;
  }

  setTimer(run: () => void, ms: number): Timer {
    this.#order += 1;
    const timer = { at: this.time + Math.max(0, ms), order: this.#order, run };
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(handle: unknown): void {
    this.#timers.delete(handle as Timer);
  }

  sleep = (ms: number): Promise<void> => new Promise((wake) => this.setTimer(wake, ms));

  /** Lets time pass until `work` is done. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const end = (): void => {
      done = true;
    };
    work.then(end, end);
    for (;;) {
      // Everything that promises cause comes first.
      await new Promise((resolve) => setImmediate(resolve));
      if (done) break;
      const next = this.#next();
      if (next === undefined) throw new Error("nothing is left that could happen");
      this.#timers.delete(next);
      vi.setSystemTime(Date.now() + next.at - this.time);
      this.time = next.at;
      next.run();
    }
    vi.useRealTimers();
    return work;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      const sooner = first === undefined || timer.at < first.at;
      if (sooner || (timer.at === first?.at && timer.order < first.order)) first = timer;
    }
    return first;
  }
}

/** The network of a condition for an in-memory connection: both sides' in a row. */
export class MemoryNetwork {
  readonly #world: World;
  readonly #sides: readonly BadNetwork[];
  readonly #last = new Map<unknown, number>();
  #outageUntil = 0;

  constructor(world: World, condition: Condition) {
    this.#world = world;
    this.#sides = [condition.publisher ?? {}, condition.subscriber ?? {}];
  }

  outage(): void {
    this.#outageUntil = this.#world.time + OUTAGE;
  }

  /** What is in flight at a time on a link of this rate. */
  get window(): number | undefined {
    const slow = this.#sides.find(({ rate }) => rate !== undefined);
    return slow?.rate === undefined ? undefined : (slow.rate * (slow.delay ?? 0)) / 1_000 + 3_000;
  }

  readonly carry: Carrier = (lane, arrive) => {
    const { time, random } = this.#world;
    let due = time;
    for (const network of this.#sides) {
      const { delay = 0, jitter = 0, loss = 0, reorder = 0 } = network;
      const once = (): number => delay + random() * jitter + (random() < reorder ? 10 : 0);
      due += once();
      if (lane === "datagram") {
        if (random() >= loss) continue;
        this.#world.setTimer(() => arrive(true), due - time);
        return;
      }
      // Sent again after a round trip and a little.
      while (random() < loss) due += 2 * delay + 30 + once();
    }
    if (due < this.#outageUntil || time < this.#outageUntil) {
      if (lane === "datagram") {
        this.#world.setTimer(() => arrive(true), due - time);
        return;
      }
      due = Math.max(due, this.#outageUntil + random() * 500);
    }
    if (lane !== "datagram") {
      // A stream's own events keep their order; streams overtake each other.
      due = Math.max(due, this.#last.get(lane) ?? 0);
      this.#last.set(lane, due);
    }
    this.#world.setTimer(arrive, due - time);
  };
}
