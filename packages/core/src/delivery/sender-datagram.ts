import type { StreamId } from "../transport.js";
import { ObjectStatus } from "../wire/object.js";
import { varintSize } from "../wire/varint.js";
import type { Sender, SenderConfig } from "./sender.js";
import type { SourceObject } from "./source.js";

/** Most datagrams that wait for the transport: those behind are of no use to anyone. */
const MAX_WAITING = 256;

/** Bytes of an OBJECT_DATAGRAM before its payload: type, an alias of up to 21 bits, the group. */
export function datagramOverhead(group: number): number {
  return 1 + 3 + varintSize(group);
}

/** Each update in one datagram; when they wait, the oldest is dropped and counted. */
export class DatagramSender implements Sender {
  readonly #config: SenderConfig;
  #queue: SourceObject[] = [];
  #queuedBytes = 0;
  #cancelled = false;
  readonly streamCount = 0;

  constructor(config: SenderConfig) {
    this.#config = config;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get queuedObjects(): number {
    return this.#queue.length;
  }

  get flushed(): boolean {
    return this.#cancelled || this.#queue.length === 0;
  }

  push(object: SourceObject): void {
    if (this.#cancelled) return;
    this.#queue.push(object);
    this.#queuedBytes += object.payload.byteLength;
    this.#pump();
    while (
      this.#queue.length > MAX_WAITING ||
      (this.#queue.length > 1 && this.#queuedBytes > this.#config.queueBytes)
    ) {
      this.#shift();
      this.#config.onDropped(1);
    }
  }

  end(): void {}

  cancel(_code: number): void {
    this.#cancelled = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#config.onProgress();
  }

  setPriority(_subscriberPriority: number): void {}
  writable(_stream: StreamId): void {}
  acked(_stream: StreamId): void {}
  stopped(_stream: StreamId): void {}
  streamsAvailable(): void {}

  datagramsAvailable(): void {
    this.#pump();
    this.#config.onProgress();
  }

  #pump(): void {
    for (let update = this.#queue[0]; update !== undefined; update = this.#queue[0]) {
      const result = this.#config.session.sendDatagram({
        trackAlias: this.#config.trackAlias,
        group: update.group,
        object: update.object,
        properties: update.properties,
        endOfGroup: true,
        status: ObjectStatus.Normal,
        payload: update.payload,
      });
      if (result === "blocked") return;
      this.#shift();
      // The path's limit fell since `send` checked it, or the connection is gone.
      if (result !== "sent") this.#config.onDropped(1);
    }
  }

  #shift(): void {
    const update = this.#queue.shift();
    if (update !== undefined) this.#queuedBytes -= update.payload.byteLength;
  }
}
