import type {
  Delivery,
  DrainOptions,
  DrainResult,
  EndReason,
  Gap,
  MoqObject,
  Subscription,
  SubscriptionStats,
} from "../api.js";
import { deferred } from "../client/deferred.js";
import { Listeners } from "../client/listeners.js";
import { ReaderQueue } from "../client/reader.js";
import { MoqError } from "../errors.js";
import { type ResolvedSubscribeOptions, type ResolvedTrack, trackLabel } from "../options.js";
import type { RecordObject } from "./objects.js";
import { type RecordCursor, RecordKind } from "./records.js";
import { type RecordSink, requireHandle, type SinkOwner, whileAwaiting } from "./sink.js";

/** What the library counts of one subscription. */
export type NativeCounters = Pick<
  SubscriptionStats,
  "queuedObjects" | "queuedBytes" | "stale" | "late" | "overflow" | "reset"
>;

/** What a subscription needs beside what every handle needs. */
export interface SubscriptionOwner extends SinkOwner {
  /** `ended`: the last ones of a subscription that ended, for a while. */
  counters(handle: number, ended: boolean): NativeCounters | undefined;
}

const NOTHING: NativeCounters = {
  queuedObjects: 0,
  queuedBytes: 0,
  stale: 0,
  late: 0,
  overflow: 0,
  reset: 0,
};

/** One reader of a track through the native library. */
export class NativeSubscription implements Subscription, RecordSink {
  readonly namespace: readonly string[];
  readonly name: string;
  readonly label: string;
  readonly handle: number;
  readonly #owner: SubscriptionOwner;
  readonly #options: ResolvedSubscribeOptions;
  readonly #ready = deferred<void>();
  readonly #notReady: () => void;
  readonly #ends: Listeners<[EndReason]>;
  readonly #gaps: Listeners<[Gap]>;
  #queue: ReaderQueue<RecordObject>;
  #delivery: Delivery;
  #stopSignal: () => void = () => {};
  #listening: (() => void) | undefined;
  #objects = 0;
  #bytes = 0;
  #gapCount = 0;
  #end: EndReason | undefined;
  #last: NativeCounters = NOTHING;
  /** {@link #last} is as of the end. */
  #settled = false;

  constructor(
    owner: SubscriptionOwner,
    client: number,
    track: ResolvedTrack,
    options: ResolvedSubscribeOptions,
  ) {
    this.#owner = owner;
    this.#options = options;
    this.#ends = new Listeners((error) => owner.listenerFailed(error));
    this.#gaps = new Listeners((error) => owner.listenerFailed(error));
    this.namespace = track.namespace;
    this.name = track.name;
    this.label = trackLabel(track);
    this.#delivery = options.delivery;
    this.#queue = this.#makeQueue();
    const { signal, ...rest } = options;
    const request = JSON.stringify({ ...track, ...rest });
    this.handle = requireHandle(owner.port, owner.port.request(client, "subscribe", request));
    this.#notReady = owner.awaiting();
    if (signal !== undefined) {
      const abort = (): void => this.close();
      signal.addEventListener("abort", abort);
      this.#stopSignal = () => signal.removeEventListener("abort", abort);
      if (signal.aborted) owner.later(abort);
    }
  }

  get delivery(): Delivery {
    return this.#delivery;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get stats(): SubscriptionStats {
    const native = this.#counters();
    return {
      objects: this.#objects,
      bytes: this.#bytes,
      queuedObjects: this.#queue.length + (this.#end === undefined ? native.queuedObjects : 0),
      queuedBytes: this.#queue.queuedBytes + (this.#end === undefined ? native.queuedBytes : 0),
      stale: native.stale + this.#queue.stale,
      late: native.late,
      overflow: native.overflow + this.#queue.overflow,
      reset: native.reset,
      gaps: this.#gapCount,
    };
  }

  drain(visitor: (object: MoqObject) => void, options?: DrainOptions): DrainResult {
    return this.#queue.drain(visitor, options);
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly MoqObject[]> {
    const inner = this.#queue[Symbol.asyncIterator]();
    return {
      next: () => whileAwaiting(this.#owner, inner.next()),
      return: () => {
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  onReadable(listener: () => void): () => void {
    // Somebody who listens waits for objects, like one who awaits a batch.
    if (this.#end === undefined) this.#listening ??= this.#owner.awaiting();
    return this.#queue.onReadable(listener);
  }

  onEnd(listener: (reason: EndReason) => void): () => void {
    const end = this.#end;
    if (end === undefined) return this.#ends.add(listener);
    // Ended already: tells it, once, after the caller has its return value.
    let wanted = true;
    this.#owner.later(() => {
      if (wanted) listener(end);
    });
    return () => {
      wanted = false;
    };
  }

  onGap(listener: (gap: Gap) => void): () => void {
    return this.#gaps.add(listener);
  }

  close(): void {
    this.#queue.close();
    if (this.#end !== undefined) return;
    this.#finish({ kind: "closed", error: undefined });
    this.#owner.release(this.handle);
  }

  record(record: RecordCursor): void {
    if (this.#end !== undefined) return;
    switch (record.kind) {
      case RecordKind.Object:
        this.#deliver(this.#owner.objects.take(record));
        break;
      case RecordKind.Gap:
        this.#gap(record.toGap());
        break;
      case RecordKind.Ready:
        this.#accept((record.json() as { delivery?: Delivery }).delivery);
        break;
      case RecordKind.End: {
        const reason = record.toEnd();
        this.#queue.end(reason);
        this.#finish(reason);
        this.#owner.release(this.handle);
        break;
      }
    }
  }

  discard(reason: EndReason): void {
    if (reason.kind === "error") this.#queue.end(reason);
    else this.#queue.close();
    this.#finish(reason);
  }

  /** The library's counters, as new as they can be had. */
  #counters(): NativeCounters {
    if (this.#settled) return this.#last;
    const ended = this.#end !== undefined;
    const newest = this.#owner.counters(this.handle, ended);
    if (newest !== undefined) {
      this.#last = newest;
      this.#settled = ended;
    }
    return this.#last;
  }

  #accept(delivery: Delivery | undefined): void {
    if (delivery !== undefined && delivery !== this.#delivery) {
      this.#delivery = delivery;
      this.#queue.setPolicy(policyOf(delivery));
    }
    this.#notReady();
    this.#ready.resolve();
  }

  #deliver(object: RecordObject): void {
    this.#objects += 1;
    this.#bytes += object.bytes.length;
    this.#queue.push(object);
  }

  #gap(gap: Gap): void {
    this.#gapCount += 1;
    this.#gaps.emit(gap);
  }

  #makeQueue(): ReaderQueue<RecordObject> {
    return new ReaderQueue({
      queueBytes: this.#options.queueBytes,
      policy: policyOf(this.#delivery),
      maxAge: this.#options.maxAge,
      now: this.#owner.now,
      ownsBytes: false,
      release: (object) => this.#owner.objects.release(object),
      onFull: (full) => {
        if (this.#end === undefined) this.#owner.port.hold(this.handle, full);
      },
      onDrop: (object, reason) =>
        this.#gap({ fromGroup: object.group, toGroup: object.group, objects: 1, reason }),
      onReturn: () => this.close(),
      onWake: (queue) => this.#owner.later(() => queue.wake()),
      onMore: (queue) => this.#owner.soon(() => queue.wake()),
      onListenerError: (error) => this.#owner.listenerFailed(error),
    });
  }

  #finish(reason: EndReason): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    this.#notReady();
    this.#listening?.();
    this.#stopSignal();
    this.#ready.reject(
      reason.error ??
        new MoqError(
          reason.kind === "ended" ? "closed" : "cancelled",
          `The subscription to ${this.label} ended before the peer accepted it.`,
        ),
    );
    this.#ends.emit(reason);
    this.#ends.clear();
    this.#gaps.clear();
  }
}

function policyOf(delivery: Delivery): "push-back" | "drop-oldest" {
  return delivery === "reliable" ? "push-back" : "drop-oldest";
}
