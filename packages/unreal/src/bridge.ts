/** The class `MoqBridge` that the plugin MoqPuerts gives to scripts: {@link NativePort} with other names. */
import { MoqError } from "@moq-game/core";
import type { NativePort, NativeRequest, NativeTurn } from "@moq-game/core/native";
import type { TickStats } from "./tick.js";

/**
 * An instance of the native class. It owns the clients that are opened through it. Whatever fails gives minus one of
 * `ERROR_CODES`, and `LastError` tells why.
 */
export interface MoqBridge {
  /** JSON: {@link About}. */
  About(): string;
  LastError(): string;
  /** The clock of records, in µs. */
  Now(): number;
  /** A client, of client 0, or a request of one: its handle. `options` is JSON. */
  Open(client: number, kind: "client" | NativeRequest, options: string): number;
  /** With {@link AT_ONCE} nothing comes of the handle any more; otherwise, of clients and publications, its END. */
  Close(handle: number, flushMs: number): number;
  Update(subscription: number, options: string): number;
  Hold(handle: number, held: boolean): number;
  /** A refusal that is not empty says why there is no token. */
  AnswerToken(client: number, attempt: number, token: Uint8Array, refusal: string): number;
  Publish(publication: number, flags: number, bytes: Uint8Array): number;
  Flush(client: number): number;
  PollInto(client: number, buffer: Uint8Array, at: number): number;
  Stats(client: number): string;
}

/** What `About` tells of the native library; `problem` is empty when it is there. */
interface About {
  readonly version: string;
  readonly abiVersion: number;
  readonly problem: string;
}

/** For `Close`: at once, without a time to flush. */
const AT_ONCE = -1;
const NO_TOKEN = new Uint8Array(0);

/** Makes bridges: the class as C++ registered it. */
export type MoqBridgeClass = new () => MoqBridge;

declare function require(name: string): unknown;
declare function setInterval(run: () => void, ms: number): unknown;
declare function clearInterval(timer: unknown): void;

/** ms between polls of the timer; inside Unreal timers fire once a frame. */
const TIMER_MS = 1;
/** A game that has not ticked for so many ms, or not yet, is polled by the timer; ms between looks at one that ticks. */
const QUIET_MS = 100;

/** The port of a script environment. Clients are polled by {@link BridgePort.tick}, or by a timer. */
export class BridgePort implements NativePort {
  /** Of the tick that runs. */
  readonly turn: NativeTurn = { until: Number.POSITIVE_INFINITY, left: false };
  readonly #bridge: MoqBridge;
  /** By client. */
  readonly #wakes = new Map<number, () => void>();
  /** The same, in the order of their turns. */
  #order: readonly (() => void)[] = [];
  /** Whose turn is first, so that nobody waits for those before them for ever. */
  #first = 0;
  /** ms of the library's clock, to the microsecond. */
  readonly #microClock = (): number => this.#bridge.Now() / 1_000;
  #timer: unknown;
  /** Of the timer; 0 without one. */
  #timerMs = 0;
  #ticking = false;
  /** By `Date`, which scripts have without a native call. */
  #tickedAt = Number.NEGATIVE_INFINITY;
  #ticks = 0;
  #ticksOverBudget = 0;
  #longestTick = 0;
  #timeInTicks = 0;

  constructor(bridge: MoqBridge) {
    this.#bridge = bridge;
  }

  /**
   * Takes what arrived for all clients: one native call for each, and none without clients. After `budgetMs` it
   * ends, and the next one goes on; true when something was left. It always gets on, by one client at least. From
   * inside itself, in a listener, it does nothing: the tick that runs goes on within its own budget.
   */
  tick(budgetMs: number): boolean {
    if (this.#ticking || this.#order.length === 0) return false;
    const { turn } = this;
    // A budget wants the library's clock, at a native call for each look at it; without one a tick polls and no more.
    const clock = budgetMs === Number.POSITIVE_INFINITY ? Date.now : this.#microClock;
    const from = clock();
    turn.until = from + budgetMs;
    let left = false;
    this.#ticking = true;
    try {
      this.#poll();
    } finally {
      this.#ticking = false;
      // What is left is not the timer's to stop at, should the game tick no more.
      ({ left } = turn);
      turn.left = false;
      turn.until = Number.POSITIVE_INFINITY;
      this.#tickedAt = Date.now();
      // Somebody may set the computer's clock.
      const took = Math.max(0, clock() - from);
      this.#ticks += 1;
      this.#timeInTicks += took;
      if (took > this.#longestTick) this.#longestTick = took;
      if (left) this.#ticksOverBudget += 1;
    }
    return left;
  }

  get tickStats(): TickStats {
    return {
      ticks: this.#ticks,
      ticksOverBudget: this.#ticksOverBudget,
      longestTick: this.#longestTick,
      timeInTicks: this.#timeInTicks,
    };
  }

  abiVersion(): number {
    return aboutLibrary(this.#bridge).abiVersion;
  }

  version(): string {
    return aboutLibrary(this.#bridge).version;
  }

  lastError(): string {
    return this.#bridge.LastError();
  }

  now(): number {
    return this.#bridge.Now();
  }

  open(options: string): number {
    return this.#bridge.Open(0, "client", options);
  }

  supplyToken(client: number, attempt: number, token: Uint8Array): number {
    return this.#bridge.AnswerToken(client, attempt, token, "");
  }

  refuseToken(client: number, attempt: number, reason: string): number {
    return this.#bridge.AnswerToken(client, attempt, NO_TOKEN, reason || "There is no token.");
  }

  close(client: number, flushMs: number): number {
    return this.#bridge.Close(client, flushMs > 0 ? flushMs : AT_ONCE);
  }

  request(client: number, kind: NativeRequest, options: string): number {
    return this.#bridge.Open(client, kind, options);
  }

  publish(publication: number, flags: number, bytes: Uint8Array): number {
    return this.#bridge.Publish(publication, flags, bytes);
  }

  flush(client: number): number {
    return this.#bridge.Flush(client);
  }

  end(publication: number, flushMs: number): number {
    return this.#bridge.Close(publication, flushMs);
  }

  closeHandle(handle: number): number {
    return this.#bridge.Close(handle, AT_ONCE);
  }

  update(handle: number, options: string): number {
    return this.#bridge.Update(handle, options);
  }

  hold(handle: number, held: boolean): number {
    return this.#bridge.Hold(handle, held);
  }

  poll(client: number, buffer: Uint8Array, at: number): number {
    return this.#bridge.PollInto(client, buffer, at);
  }

  stats(client: number): string {
    return this.#bridge.Stats(client);
  }

  /** Native code never calls a script: what would be called is called by the tick. */
  setWaker(client: number, wake: (() => void) | undefined): number {
    if (wake === undefined) this.#wakes.delete(client);
    else this.#wakes.set(client, wake);
    this.#order = [...this.#wakes.values()];
    if (this.#wakes.size === 0) this.#setTimer(0);
    else if (this.#timerMs === 0) this.#setTimer(TIMER_MS);
    return 0;
  }

  /** A game that ticks needs no timer; one that stopped to tick, or does not, has it. */
  #onTimer(): void {
    const quiet = Math.abs(Date.now() - this.#tickedAt) >= QUIET_MS;
    this.#setTimer(quiet ? TIMER_MS : QUIET_MS);
    if (quiet) this.#poll();
  }

  #setTimer(ms: number): void {
    if (ms === this.#timerMs) return;
    if (this.#timerMs > 0) clearInterval(this.#timer);
    this.#timer = ms > 0 ? setInterval(() => this.#onTimer(), ms) : undefined;
    this.#timerMs = ms;
  }

  #poll(): void {
    // As it is now: a client that is opened or closed meanwhile makes another one.
    const order = this.#order;
    const { turn } = this;
    const first = this.#first;
    for (let done = 0; done < order.length; done++) {
      const at = (first + done) % order.length;
      if (turn.left || (done > 0 && turn.until !== Infinity && this.#microClock() >= turn.until)) {
        turn.left = true;
        this.#first = at;
        return;
      }
      order[at]?.();
    }
  }
}

let shared: BridgePort | undefined;

/** The port of this script environment, made on first use. */
export function bridgePort(): BridgePort {
  shared ??= new BridgePort(makeBridge(() => require("cpp") as { MoqBridge?: MoqBridgeClass }));
  return shared;
}

/** The port if there is one. */
export function existingPort(): BridgePort | undefined {
  return shared;
}

function aboutLibrary(bridge: MoqBridge): About {
  return JSON.parse(bridge.About()) as About;
}

/** A bridge that works, or throws one `unavailable` that says what to do. */
export function makeBridge(find: () => { MoqBridge?: MoqBridgeClass | undefined }): MoqBridge {
  let bridge: MoqBridge;
  try {
    const found = find().MoqBridge;
    if (typeof found !== "function") throw new Error("there is no class MoqBridge");
    bridge = new found();
  } catch (error) {
    const [why] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new MoqError(
      "unavailable",
      `The plugin MoqPuerts was not found (${why}). ` +
        "Enable the plugins Moq and MoqPuerts in the project, and restart the editor.",
    );
  }
  const { problem } = aboutLibrary(bridge);
  if (problem !== "") throw new MoqError("unavailable", problem);
  return bridge;
}
