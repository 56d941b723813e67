import type { StreamId } from "../transport.js";
import { ObjectStatus } from "../wire/object.js";
import { streamPriority } from "./class.js";
import type { Sender, SenderConfig } from "./sender.js";
import type { SourceObject } from "./source.js";

/**
 * Every object in order: one subgroup stream per group, finished when the next group starts. What
 * the transport does not take waits; the publication's `send` is refused while too much waits.
 */
export class ReliableSender implements Sender {
  readonly #config: SenderConfig;
  #priority: number;
  #queue: SourceObject[] = [];
  #head = 0;
  #queuedBytes = 0;
  /** The stream of the group that is being written. */
  #stream: { readonly id: StreamId; readonly group: number } | undefined;
  /** Bytes of the object that waits in the session; the stream takes no more meanwhile. */
  #blockedBytes = 0;
  /** The subscriber wants no more of this group. */
  #skipGroup = -1;
  #unacked = new Set<StreamId>();
  #streamCount = 0;
  #ended = false;
  #cancelled = false;

  constructor(config: SenderConfig) {
    this.#config = config;
    this.#priority = config.subscriberPriority;
  }

  get queuedBytes(): number {
    return this.#queuedBytes + this.#blockedBytes;
  }

  get queuedObjects(): number {
    return this.#queue.length - this.#head + (this.#blockedBytes > 0 ? 1 : 0);
  }

  get streamCount(): number {
    return this.#streamCount;
  }

  get flushed(): boolean {
    return this.#cancelled || (this.queuedObjects === 0 && this.#unacked.size === 0);
  }

  push(object: SourceObject): void {
    if (this.#ended || this.#cancelled) return;
    this.#queue.push(object);
    this.#queuedBytes += object.payload.byteLength;
    this.#pump();
  }

  end(): void {
    this.#ended = true;
    this.#pump();
  }

  cancel(code: number): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    for (const stream of this.#unacked) {
      this.#config.session.resetStream(stream, code);
      this.#config.onStream(stream, false);
    }
    this.#unacked.clear();
    this.#stream = undefined;
    this.#queue = [];
    this.#head = 0;
    this.#queuedBytes = 0;
    this.#blockedBytes = 0;
    this.#config.onProgress();
  }

  setPriority(subscriberPriority: number): void {
    this.#priority = subscriberPriority;
  }

  writable(stream: StreamId): void {
    if (this.#stream?.id !== stream) return;
    this.#blockedBytes = 0;
    this.#pump();
    this.#config.onProgress();
  }

  acked(stream: StreamId): void {
    if (!this.#unacked.delete(stream)) return;
    this.#config.onStream(stream, false);
    this.#config.onProgress();
  }

  stopped(stream: StreamId): void {
    if (!this.#unacked.delete(stream)) return;
    this.#config.onStream(stream, false);
    if (this.#stream?.id === stream) this.#abandonGroup(this.#stream.group);
    this.#pump();
    this.#config.onProgress();
  }

  streamsAvailable(): void {
    this.#pump();
    this.#config.onProgress();
  }

  datagramsAvailable(): void {}

  #pump(): void {
    while (!this.#cancelled && this.#blockedBytes === 0) {
      const object = this.#queue[this.#head];
      if (object === undefined) {
        if (this.#ended) this.#finish();
        return;
      }
      if (object.group === this.#skipGroup) {
        this.#shift();
        this.#config.onDropped(1);
        continue;
      }
      if (this.#stream?.group !== object.group && !this.#open(object)) return;
      this.#write(object);
    }
  }

  #open(object: SourceObject): boolean {
    this.#finish();
    const { session, trackAlias, publisherPriority } = this.#config;
    const id = session.openSubgroup(
      {
        trackAlias,
        group: object.group,
        subgroup: 0,
        hasProperties: object.properties.byteLength > 0,
        endOfGroup: true,
        firstObject: object.object === 0,
      },
      streamPriority(this.#priority, publisherPriority, object.group, false),
    );
    if (id === undefined) return false;
    this.#stream = { id, group: object.group };
    this.#streamCount += 1;
    this.#unacked.add(id);
    this.#config.onStream(id, true);
    return true;
  }

  #write(object: SourceObject): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#shift();
    const result = this.#config.session.writeObject(stream.id, {
      object: object.object,
      status: ObjectStatus.Normal,
      properties: object.properties,
      payload: object.payload,
    });
    // An empty object that is blocked still counts as something that waits.
    if (result === "blocked") this.#blockedBytes = Math.max(1, object.payload.byteLength);
    if (result === "closed") {
      this.#unacked.delete(stream.id);
      this.#config.onStream(stream.id, false);
      this.#config.onDropped(1);
      this.#abandonGroup(stream.group);
    }
  }

  #abandonGroup(group: number): void {
    this.#stream = undefined;
    this.#blockedBytes = 0;
    this.#skipGroup = group;
  }

  #finish(): void {
    if (this.#stream === undefined) return;
    this.#config.session.finishStream(this.#stream.id);
    this.#stream = undefined;
  }

  #shift(): void {
    const object = this.#queue[this.#head];
    if (object === undefined) return;
    this.#head += 1;
    this.#queuedBytes -= object.payload.byteLength;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}
