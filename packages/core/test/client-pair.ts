/** Helpers of the tests beside the client; no part of the package's public list. */
import type { Client, ClientOptions, MoqObject, Subscription } from "../src/api.js";
import { connectOverTransport } from "../src/client/connect.js";
import type { Host } from "../src/client/host.js";
import { type MemoryOptions, type MemoryPair, memoryPair } from "../src/memory.js";

/** A host whose clock moves by hand. */
export class TestHost implements Host {
  time = 1_000;
  readonly lines: string[] = [];
  #timers: { readonly at: number; readonly run: () => void }[] = [];

  now(): number {
    return this.time;
  }

  setTimer(run: () => void, ms: number): unknown {
    const timer = { at: this.time + ms, run };
    this.#timers.push(timer);
    return timer;
  }

  clearTimer(handle: unknown): void {
    this.#timers = this.#timers.filter((timer) => timer !== handle);
  }

  log(level: string, message: string): void {
    this.lines.push(`${level}: ${message}`);
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Lets time pass, running what becomes due in order. */
  advance(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= until);
      const next = due.sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.time = Math.max(this.time, next.at);
      this.clearTimer(next);
      next.run();
    }
    this.time = until;
  }
}

/** Two clients whose connection moves only in `settle`. */
export interface TestPair {
  readonly a: Client;
  readonly b: Client;
  readonly host: TestHost;
  readonly memory: MemoryPair;
  /** Delivers everything that is on its way. */
  settle(): Promise<void>;
}

export async function testPair(
  options?: ClientOptions,
  memoryOptions?: MemoryOptions,
): Promise<TestPair> {
  const host = new TestHost();
  const memory = memoryPair({ ...memoryOptions, schedule: "manual" });
  const clients = Promise.all([
    connectOverTransport(memory.a, options, host),
    connectOverTransport(memory.b, options, host, { role: "server" }),
  ]);
  const settle = async (): Promise<void> => {
    // Promises and events cause each other; a few rounds without any end it.
    for (let idle = 0; idle < 3; ) {
      idle = memory.run() === 0 ? idle + 1 : 0;
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  await settle();
  const [a, b] = await clients;
  return { a, b, host, memory, settle };
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** A payload that carries a number. */
export function numbered(value: number, size = 4): Uint8Array {
  const payload = new Uint8Array(Math.max(4, size));
  new DataView(payload.buffer).setUint32(0, value);
  return payload;
}

export function numberOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0);
}

/** Everything that waits, with copies of the bytes. */
export function drainAll(subscription: Subscription): MoqObject[] {
  const objects: MoqObject[] = [];
  subscription.drain((object) => objects.push({ ...object, bytes: object.bytes.slice() }));
  return objects;
}

export function drainNumbers(subscription: Subscription): number[] {
  return drainAll(subscription).map((object) => numberOf(object.bytes));
}

/** Fails instead of hanging. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("expected a rejection");
}
