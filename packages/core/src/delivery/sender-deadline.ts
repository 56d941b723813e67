import type { StreamId } from "../transport.js";
import { StreamCode } from "../wire/error.js";
import { streamPriority } from "./class.js";
import type { Sender, SenderConfig } from "./sender.js";
import type { SourceObject } from "./source.js";
import { openUpdate } from "./update.js";

interface Started {
  readonly sentAt: number;
  blockedBytes: number;
}

/**
 * Updates in order while they are worth something: what is older than the deadline is dropped
 * before it starts, or reset until it is acknowledged.
 */
export class DeadlineSender implements Sender {
  readonly #config: SenderConfig;
  #priority: number;
  #queue: SourceObject[] = [];
  #queuedBytes = 0;
  readonly #started = new Map<StreamId, Started>();
  #streamCount = 0;
  #cancelled = false;
  #timer: (() => void) | undefined;

  constructor(config: SenderConfig) {
    this.#config = config;
    this.#priority = config.subscriberPriority;
  }

  get queuedBytes(): number {
    let bytes = this.#queuedBytes;
    for (const started of this.#started.values()) bytes += started.blockedBytes;
    return bytes;
  }

  get queuedObjects(): number {
    let objects = this.#queue.length;
    for (const started of this.#started.values()) if (started.blockedBytes > 0) objects += 1;
    return objects;
  }

  get streamCount(): number {
    return this.#streamCount;
  }

  get flushed(): boolean {
    return this.#cancelled || (this.#queue.length === 0 && this.#started.size === 0);
  }

  push(object: SourceObject): void {
    if (this.#cancelled) return;
    this.#queue.push(object);
    this.#queuedBytes += object.payload.byteLength;
    this.#pump();
    while (this.#queue.length > 1 && this.#queuedBytes > this.#config.queueBytes)
      this.#dropOldest();
  }

  end(): void {}

  cancel(code: number): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#timer?.();
    this.#queue = [];
    this.#queuedBytes = 0;
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
    this.stopped(stream);
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
    this.#expire();
    while (this.#queue.length > 0 && !this.#isBlocked()) {
      const update = this.#queue[0] as SourceObject;
      const { publisherPriority } = this.#config;
      const priority = streamPriority(this.#priority, publisherPriority, update.group, false);
      const opened = openUpdate(this.#config, update, priority);
      if (opened === undefined) break;
      this.#queue.shift();
      this.#queuedBytes -= update.payload.byteLength;
      this.#streamCount += 1;
      this.#started.set(opened.stream, {
        sentAt: update.sentAt,
        blockedBytes: opened.blockedBytes,
      });
    }
    this.#arm();
  }

  #isBlocked(): boolean {
    for (const started of this.#started.values()) if (started.blockedBytes > 0) return true;
    return false;
  }

  /** Drops and resets what is past the deadline. */
  #expire(): void {
    const limit = this.#config.clock.now() - this.#config.deadline;
    while (this.#queue.length > 0 && (this.#queue[0] as SourceObject).sentAt <= limit) {
      this.#dropOldest();
    }
    // Streams are started in order of sentAt.
    for (const [stream, started] of [...this.#started]) {
      if (started.sentAt > limit) break;
      this.#reset(stream, StreamCode.DeliveryTimeout);
      this.#config.onDropped(1);
    }
  }

  #arm(): void {
    this.#timer?.();
    this.#timer = undefined;
    let oldest = this.#queue[0]?.sentAt ?? Infinity;
    for (const started of this.#started.values()) {
      oldest = Math.min(oldest, started.sentAt);
      break;
    }
    if (oldest === Infinity || this.#cancelled) return;
    const { clock, deadline } = this.#config;
    this.#timer = clock.after(Math.max(1, oldest + deadline - clock.now()), () => {
      this.#timer = undefined;
      this.#pump();
      this.#config.onProgress();
    });
  }

  #dropOldest(): void {
    const dropped = this.#queue.shift();
    if (dropped === undefined) return;
    this.#queuedBytes -= dropped.payload.byteLength;
    this.#config.onDropped(1);
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
