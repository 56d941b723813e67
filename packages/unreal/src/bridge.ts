/** The class `MoqBridge` that the plugin MoqPuerts gives to scripts: {@link NativePort} with other names. */
import { MoqError } from "@moq-game/core";
import type { NativePort, NativeRequest } from "@moq-game/core/native";

/** An instance of the native class. It owns the clients that are opened through it. */
export interface MoqBridge {
  Problem(): string;
  Version(): string;
  AbiVersion(): number;
  LastError(): string;
  Now(): number;
  Open(options: string): number;
  Close(client: number, flushMs: number): number;
  Request(client: number, kind: string, options: string): number;
  SupplyToken(client: number, attempt: number, token: Uint8Array): number;
  RefuseToken(client: number, attempt: number, reason: string): number;
  Publish(publication: number, flags: number, bytes: Uint8Array): number;
  PublishPacked(updates: Uint8Array, results: Int32Array): number;
  Flush(client: number): number;
  End(publication: number, flushMs: number): number;
  CloseHandle(handle: number): number;
  Update(subscription: number, options: string): number;
  Hold(handle: number, held: boolean): number;
  PollInto(client: number, buffer: Uint8Array, at: number): number;
  Stats(client: number): string;
}

/** Makes bridges: the class as C++ registered it. */
export type MoqBridgeClass = new () => MoqBridge;

declare function require(name: string): unknown;
declare function setInterval(run: () => void, ms: number): unknown;
declare function clearInterval(timer: unknown): void;

/** ms between polls of the timer; inside Unreal timers fire once a frame. */
const TIMER_MS = 1;
const INVALID_ARGUMENT = -1;

/** The port of a script environment. Clients are polled by {@link BridgePort.tick}, or by a timer. */
export class BridgePort implements NativePort {
  readonly #bridge: MoqBridge;
  readonly #wakes = new Map<number, () => void>();
  #timer: unknown;
  #ticked = false;
  #ownError = "";

  constructor(bridge: MoqBridge) {
    this.#bridge = bridge;
  }

  /** Takes what arrived for all clients: one native call for each, and nothing at all without clients. */
  tick(): void {
    this.#ticked = true;
    this.#poll();
  }

  abiVersion(): number {
    return this.#bridge.AbiVersion();
  }

  version(): string {
    return this.#bridge.Version();
  }

  lastError(): string {
    const own = this.#ownError;
    this.#ownError = "";
    return own === "" ? this.#bridge.LastError() : own;
  }

  now(): number {
    return this.#bridge.Now();
  }

  open(options: string): number {
    return this.#bridge.Open(options);
  }

  supplyToken(client: number, attempt: number, token: Uint8Array): number {
    return this.#bridge.SupplyToken(client, attempt, token);
  }

  refuseToken(client: number, attempt: number, reason: string): number {
    return this.#bridge.RefuseToken(client, attempt, reason);
  }

  close(client: number, flushMs: number): number {
    return this.#bridge.Close(client, flushMs);
  }

  request(client: number, kind: NativeRequest, options: string): number {
    return this.#bridge.Request(client, kind, options);
  }

  publish(publication: number, flags: number, bytes: Uint8Array): number {
    // Native code cannot tell memory that is gone from none.
    if (bytes.length === 0 && isGone(bytes)) {
      this.#ownError =
        "The memory of these bytes is gone: their buffer was transferred. Send a copy.";
      return INVALID_ARGUMENT;
    }
    return this.#bridge.Publish(publication, flags, bytes);
  }

  flush(client: number): number {
    return this.#bridge.Flush(client);
  }

  publishBatch(updates: Uint8Array, results: Int32Array): number {
    return this.#bridge.PublishPacked(updates, results);
  }

  end(publication: number, flushMs: number): number {
    return this.#bridge.End(publication, flushMs);
  }

  closeHandle(handle: number): number {
    return this.#bridge.CloseHandle(handle);
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
    if (this.#wakes.size > 0) {
      this.#timer ??= setInterval(() => this.#onTimer(), TIMER_MS);
    } else if (this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    return 0;
  }

  /** A game that ticks needs no timer; one that stopped to tick, or does not, has it. */
  #onTimer(): void {
    if (this.#ticked) this.#ticked = false;
    else this.#poll();
  }

  #poll(): void {
    for (const wake of this.#wakes.values()) wake();
  }
}

/** Whether the buffer behind it was detached: ECMAScript refuses to make a view of such a one. */
function isGone(bytes: Uint8Array): boolean {
  try {
    new Uint8Array(bytes.buffer);
    return false;
  } catch {
    return true;
  }
}

let shared: BridgePort | undefined;

/** The port of this script environment, made on first use. */
export function bridgePort(): BridgePort {
  shared ??= new BridgePort(makeBridge(() => require("cpp") as { MoqBridge?: MoqBridgeClass }));
  return shared;
}

/** Polls the port if there is one. */
export function tickBridge(): void {
  shared?.tick();
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
  const problem = bridge.Problem();
  if (problem !== "") throw new MoqError("unavailable", problem);
  return bridge;
}
