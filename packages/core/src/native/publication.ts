import type { CloseOptions, Delivery, EndReason, Publication } from "../api.js";
import { type Deferred, deferred } from "../client/deferred.js";
import { Listeners } from "../client/listeners.js";
import { ERROR_CODES, MoqError } from "../errors.js";
import {
  type ResolvedPublishOptions,
  type ResolvedTrack,
  requireBytes,
  resolveCloseOptions,
  trackLabel,
} from "../options.js";
import { PUBLISH_KEYFRAME } from "./port.js";
import { type RecordCursor, RecordKind } from "./records.js";
import {
  portError,
  type RecordSink,
  requireHandle,
  type SinkOwner,
  whileAwaiting,
} from "./sink.js";

const WOULD_BLOCK = -ERROR_CODES.would_block;

/** A track that this client publishes through the native library. */
export class NativePublication implements Publication, RecordSink {
  readonly namespace: readonly string[];
  readonly name: string;
  readonly delivery: Delivery;
  readonly label: string;
  readonly handle: number;
  readonly #owner: SinkOwner;
  readonly #ready = deferred<void>();
  readonly #keyframeWanted: Listeners<[]>;
  readonly #ended = deferred<void>();
  readonly #notReady: () => void;
  #writable: Deferred<void> | undefined;
  #blocked = false;
  #end: MoqError | undefined;
  #subscribers = 0;

  constructor(
    owner: SinkOwner,
    client: number,
    track: ResolvedTrack,
    options: ResolvedPublishOptions,
  ) {
    this.#owner = owner;
    this.#keyframeWanted = new Listeners((error) => owner.listenerFailed(error));
    this.namespace = track.namespace;
    this.name = track.name;
    this.label = trackLabel(track);
    this.delivery = options.delivery;
    const request = JSON.stringify({ ...track, ...options });
    this.handle = requireHandle(owner.port, owner.port.request(client, "publish", request));
    this.#notReady = owner.awaiting();
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** It takes no more updates; its last ones may still be on their way. */
  get ended(): boolean {
    return this.#end !== undefined;
  }

  get subscribers(): number {
    return this.#subscribers;
  }

  send(bytes: Uint8Array): boolean {
    requireBytes("send", bytes);
    return this.#publish(bytes, 0);
  }

  keyframe(bytes: Uint8Array): boolean {
    requireBytes("keyframe", bytes);
    return this.#publish(bytes, PUBLISH_KEYFRAME);
  }

  writable(): Promise<void> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (!this.#blocked) return Promise.resolve();
    this.#writable ??= deferred<void>();
    return whileAwaiting(this.#owner, this.#writable.promise);
  }

  onKeyframeWanted(listener: () => void): () => void {
    return this.#keyframeWanted.add(listener);
  }

  async end(options?: CloseOptions): Promise<void> {
    const flush = resolveCloseOptions("end", options);
    if (this.#end === undefined) {
      this.#finish(
        new MoqError(
          "closed",
          `The publication of ${this.label} has ended. Publish the track again.`,
        ),
      );
      // The handle is freed by its END, so that what was accepted is still sent.
      this.#owner.port.end(this.handle, flush);
    }
    if (flush > 0) await whileAwaiting(this.#owner, this.#ended.promise);
  }

  record(record: RecordCursor): void {
    switch (record.kind) {
      case RecordKind.Ready:
        this.#notReady();
        this.#ready.resolve();
        break;
      case RecordKind.Subscribers:
        this.#subscribers = record.extra;
        break;
      case RecordKind.Writable:
        this.#unblock();
        break;
      case RecordKind.KeyframeWanted:
        this.#keyframeWanted.emit();
        break;
      case RecordKind.End:
        this.#over(record.toError());
        this.#owner.release(this.handle);
        break;
    }
  }

  discard(reason: EndReason): void {
    this.#over(reason.error);
  }

  #over(error: MoqError | undefined): void {
    this.#finish(
      error ??
        new MoqError("closed", `The publication of ${this.label} has ended. Publish it again.`),
    );
    this.#subscribers = 0;
    this.#ended.resolve();
  }

  #publish(bytes: Uint8Array, flags: number): boolean {
    if (this.#end !== undefined) throw this.#end;
    const owner = this.#owner;
    const result = owner.port.publish(this.handle, flags | owner.publishFlags(), bytes);
    if (result === 0) return true;
    if (result !== WOULD_BLOCK) throw portError(this.#owner.port, result);
    this.#blocked = true;
    return false;
  }

  #unblock(): void {
    this.#blocked = false;
    const writable = this.#writable;
    this.#writable = undefined;
    writable?.resolve();
  }

  #finish(error: MoqError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#notReady();
    this.#ready.reject(error);
    this.#writable?.reject(error);
    this.#writable = undefined;
    this.#keyframeWanted.clear();
  }
}
