/** A {@link NativePort} for tests: what it tells is written by the test, what it is told is kept. */

import type { NativePort, NativeRequest } from "../../src/native/port.js";
import { RECORD_HEADER_SIZE, RecordKind } from "../../src/native/records.js";
import { encodeUtf8 } from "../../src/wire/utf8.js";

export interface FakeRecord {
  readonly kind: number;
  readonly handle: number;
  readonly flags?: number;
  readonly group?: number;
  readonly object?: number;
  readonly extra?: number;
  readonly code?: number;
  readonly payload?: Uint8Array | object;
}

export function encodeRecord(record: FakeRecord): Uint8Array {
  const { payload = new Uint8Array(0) } = record;
  const body = payload instanceof Uint8Array ? payload : encodeUtf8(JSON.stringify(payload));
  const length = RECORD_HEADER_SIZE + Math.ceil(body.length / 8) * 8;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, record.kind, true);
  view.setUint16(6, record.flags ?? 0, true);
  const words = [record.handle, record.group ?? 0, record.object ?? 0, 0, 0, record.extra ?? 0];
  for (const [index, word] of words.entries()) {
    view.setBigUint64(8 + index * 8, BigInt(word), true);
  }
  view.setUint32(56, body.length, true);
  view.setUint32(60, record.code ?? 0, true);
  bytes.set(body, RECORD_HEADER_SIZE);
  return bytes;
}

export interface FakeCall {
  readonly name: string;
  readonly args: readonly unknown[];
}

export class FakePort implements NativePort {
  readonly calls: FakeCall[] = [];
  /** What `publish` gives. */
  publishResult = 0;
  /** What every other call gives that may fail. */
  result = 0;
  error = "it failed";
  alive = false;
  /** Records in the library's queue. */
  queue: Uint8Array[] = [];
  held = new Set<number>();
  #next = 0;
  #wake: (() => void) | undefined;

  /** Tells records, and wakes like the library does. */
  tell(...records: FakeRecord[]): void {
    const wasEmpty = this.queue.length === 0;
    this.queue.push(...records.map(encodeRecord));
    if (wasEmpty) this.#wake?.();
  }

  opened(handle = 1): void {
    const capabilities = { fetch: true, discover: true, datagrams: true, subscribeUpdate: true };
    const payload = { draft: 18, transport: "quic", peer: null, capabilities };
    this.tell({ kind: RecordKind.State, handle, code: 1, payload });
  }

  of(name: string): readonly (readonly unknown[])[] {
    return this.calls.filter((call) => call.name === name).map((call) => call.args);
  }

  abiVersion(): number {
    return 1;
  }
  version(): string {
    return "0.0.0";
  }
  lastError(): string {
    return this.error;
  }
  now(): number {
    return 5_000_000;
  }
  open(options: string): number {
    return this.#call("open", [options], true);
  }
  supplyToken(client: number, attempt: number, token: Uint8Array): number {
    return this.#call("supplyToken", [client, attempt, token], false);
  }
  refuseToken(client: number, attempt: number, reason: string): number {
    return this.#call("refuseToken", [client, attempt, reason], false);
  }
  close(client: number, flushMs: number): number {
    return this.#call("close", [client, flushMs], false);
  }
  request(client: number, kind: NativeRequest, options: string): number {
    return this.#call("request", [client, kind, options], true);
  }
  publish(publication: number, flags: number, bytes: Uint8Array): number {
    this.calls.push({ name: "publish", args: [publication, flags, bytes.slice()] });
    return this.publishResult;
  }
  flush(client: number): number {
    return this.#call("flush", [client], false);
  }
  end(publication: number, flushMs: number): number {
    return this.#call("end", [publication, flushMs], false);
  }
  closeHandle(handle: number): number {
    return this.#call("closeHandle", [handle], false);
  }
  update(handle: number, options: string): number {
    return this.#call("update", [handle, options], false);
  }
  hold(handle: number, held: boolean): number {
    if (held) this.held.add(handle);
    else this.held.delete(handle);
    return this.#call("hold", [handle, held], false);
  }
  poll(client: number, whole: Uint8Array, at: number): number {
    const buffer = whole.subarray(at);
    this.calls.push({ name: "poll", args: [client, buffer.length] });
    let bytes = 0;
    for (;;) {
      const next = this.queue[0];
      if (next === undefined) return bytes * 2;
      if (bytes + next.length > buffer.length) {
        return bytes === 0 ? -next.length - 1_000 : bytes * 2 + 1;
      }
      buffer.set(next, bytes);
      bytes += next.length;
      this.queue.shift();
    }
  }
  /** Of the subscriptions that live and of those that ended. */
  counters: readonly object[] = [];
  ended: readonly object[] = [];
  stats(): string {
    return JSON.stringify({
      reconnects: 2,
      rtt: 1.5,
      bytesSent: 10,
      bytesReceived: 20,
      packetsSent: 3,
      packetsLost: 0,
      datagramsDropped: 4,
      subscriptions: this.counters,
      ended: this.ended,
      publications: [],
    });
  }
  setWaker(client: number, wake: (() => void) | undefined): number {
    this.#wake = wake;
    return this.#call("setWaker", [client], false);
  }
  keepAlive(_client: number, on: boolean): void {
    this.alive = on;
  }

  #call(name: string, args: readonly unknown[], handle: boolean): number {
    this.calls.push({ name, args });
    if (this.result < 0) return this.result;
    if (!handle) return 0;
    this.#next += 1;
    return this.#next;
  }
}
