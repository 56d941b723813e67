import type { StreamId } from "../transport.js";
import { StreamCode } from "../wire/error.js";
import { streamPriority } from "./class.js";
import type { Sender, SenderConfig } from "./sender.js";
import type { SourceObject } from "./source.js";
import { openUpdate } from "./update.js";

/** Most updates on their way at a time; a newer one waits, and is replaced by one newer still. */
const MAX_STARTED = 16;

interface Started {
  readonly group: number;
  /** Bytes that wait in the session; 0: the transport has taken all. */
  blockedBytes: number;
}

/**
 * Only newer updates: one that has not started is replaced by a newer one; one that has started is
 * reset only once a newer one is acknowledged. So the newest is never cut, and a slow link gives
 * fewer updates but never none.
 */
export class LatestSender implements Sender {
  readonly #config: SenderConfig;
  #priority: number;
  #pending: SourceObject | undefined;
  readonly #started = new Map<StreamId, Started>();
  #streamCount = 0;
  #cancelled = false;

  constructor(config: SenderConfig) {
    this.#config = config;
    this.#priority = config.subscriberPriority;
  }

  get queuedBytes(): number {
    let bytes = this.#pending?.payload.byteLength ?? 0;
    for (const started of this.#started.values()) bytes += started.blockedBytes;
    return bytes;
  }

  get queuedObjects(): number {
    let objects = this.#pending === undefined ? 0 : 1;
    for (const started of this.#started.values()) if (started.blockedBytes > 0) objects += 1;
    return objects;
  }

  get streamCount(): number {
    return this.#streamCount;
  }

  get flushed(): boolean {
    return this.#cancelled || (this.#pending === undefined && this.#started.size === 0);
  }

  push(object: SourceObject): void {
    if (this.#cancelled) return;
    if (this.#pending !== undefined) this.#config.onDropped(1);
    this.#pending = object;
    this.#pump();
  }

  end(): void {}

  cancel(code: number): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#pending = undefined;
    for (const stream of [...this.#started.keys()]) this.#reset(stream, code);
    this.#config.onProgress();
  }

  setPriority(subscriberPriority: number): void {
    this.#priority = subscriberPriority;
  }

  writable(stream: StreamId): void {
    const started = this.#started.get(stream);
    if (started === undefined) return;
    started.blockedBytes = 0;
    this.#pump();
    this.#config.onProgress();
  }

  acked(stream: StreamId): void {
    const acked = this.#started.get(stream);
    if (acked === undefined) return;
    this.#forget(stream);
    for (const [other, started] of [...this.#started]) {
      if (started.group >= acked.group) continue;
      this.#reset(other, StreamCode.DeliveryTimeout);
      this.#config.onDropped(1);
    }
    this.#pump();
    this.#config.onProgress();
  }

  stopped(stream: StreamId): void {
    if (!this.#started.has(stream)) return;
    this.#forget(stream);
    this.#pump();
    this.#config.onProgress();
  }

  streamsAvailable(): void {
    this.#pump();
    this.#config.onProgress();
  }

  datagramsAvailable(): void {}

  #pump(): void {
    const update = this.#pending;
    if (update === undefined || this.#started.size >= MAX_STARTED) return;
    // While one waits for the network a newer one would only compete with it.
    for (const started of this.#started.values()) if (started.blockedBytes > 0) return;
    const priority = streamPriority(
      this.#priority,
      this.#config.publisherPriority,
      update.group,
      true,
    );
    const opened = openUpdate(this.#config, update, priority);
    if (opened === undefined) return;
    this.#pending = undefined;
    this.#streamCount += 1;
    this.#started.set(opened.stream, { group: update.group, blockedBytes: opened.blockedBytes });
  }

  #reset(stream: StreamId, code: number): void {
    this.#config.session.resetStream(stream, code);
    this.#forget(stream);
  }

  #forget(stream: StreamId): void {
    this.#started.delete(stream);
    this.#config.onStream(stream, false);
  }
}
