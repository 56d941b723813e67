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
import type { decodeTrackClass } from "../delivery/class.js";
import type { Clock } from "../delivery/clock.js";
import { createReceiver, type Receiver, type ReceiverCounters } from "../delivery/receiver.js";
import { MoqError } from "../errors.js";
import type { ResolvedSubscribeOptions } from "../options.js";
import type { StreamId } from "../transport.js";
import { type Deferred, deferred } from "./deferred.js";
import { Listeners } from "./listeners.js";
import type { TrackId } from "./names.js";
import { ReaderQueue } from "./reader.js";

/** What a subscription needs of the feed that it reads from. */
export interface SubscriptionOwner {
  readonly clock: Clock;
  /** Runs `work` when the event at hand is dealt with. */
  later(work: () => void): void;
  /** The reader wants no more for now, or wants more again. */
  pushBack(subscription: CoreSubscription, full: boolean): void;
  /** The receiver holds back a stream of its own, or lets it go. */
  holdBack(subscription: CoreSubscription, stream: StreamId, paused: boolean): void;
  /** The application closed it. */
  left(subscription: CoreSubscription): void;
  listenerFailed(error: unknown): void;
}

/** One reader of a track. It outlives connections: a receiver is made anew for each. */
export class CoreSubscription implements Subscription {
  readonly namespace: readonly string[];
  readonly name: string;
  readonly label: string;
  readonly options: ResolvedSubscribeOptions;
  readonly #owner: SubscriptionOwner;
  readonly #ready: Deferred<void>;
  readonly #queue: ReaderQueue;
  readonly #ends: Listeners<[EndReason]>;
  readonly #gaps: Listeners<[Gap]>;
  #delivery: Delivery;
  #receiver: Receiver | undefined;
  /** Drops of receivers of earlier connections. */
  #earlier: ReceiverCounters = { stale: 0, late: 0, reset: 0 };
  #objects = 0;
  #bytes = 0;
  #gapCount = 0;
  #end: EndReason | undefined;
  /** Group of the newest object delivered, for what follows a new start. */
  lastGroup: number | undefined;

  constructor(owner: SubscriptionOwner, track: TrackId, options: ResolvedSubscribeOptions) {
    this.#owner = owner;
    this.#ready = deferred<void>();
    this.#ends = new Listeners((error) => owner.listenerFailed(error));
    this.#gaps = new Listeners((error) => owner.listenerFailed(error));
    this.namespace = track.namespace;
    this.name = track.name;
    this.label = track.label;
    this.options = options;
    this.#delivery = options.delivery;
    this.#queue = this.#makeQueue(options.delivery);
    const { signal } = options;
    if (signal !== undefined) {
      const abort = (): void => this.close();
      signal.addEventListener("abort", abort);
      this.#ends.add(() => signal.removeEventListener("abort", abort));
      if (signal.aborted) owner.later(abort);
    }
  }

  get delivery(): Delivery {
    return this.#delivery;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get receiver(): Receiver | undefined {
    return this.#receiver;
  }

  get ended(): EndReason | undefined {
    return this.#end;
  }

  get stats(): SubscriptionStats {
    const counters = this.#receiver?.counters;
    return {
      objects: this.#objects,
      bytes: this.#bytes,
      queuedObjects: this.#queue.length,
      queuedBytes: this.#queue.queuedBytes,
      stale: this.#earlier.stale + (counters?.stale ?? 0) + this.#queue.stale,
      late: this.#earlier.late + (counters?.late ?? 0),
      overflow: this.#queue.overflow,
      reset: this.#earlier.reset + (counters?.reset ?? 0),
      gaps: this.#gapCount,
    };
  }

  drain(visitor: (object: MoqObject) => void, options?: DrainOptions): DrainResult {
    return this.#queue.drain(visitor, options);
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly MoqObject[]> {
    return this.#queue[Symbol.asyncIterator]();
  }

  onReadable(listener: () => void): () => void {
    return this.#queue.onReadable(listener);
  }

  onEnd(listener: (reason: EndReason) => void): () => void {
    const end = this.#end;
    if (end === undefined) return this.#ends.add(listener);
    // Ended already: tells it, once, after the caller has its return value.
    let wanted = true;
    this.#owner.clock.after(0, () => {
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
    if (this.#end !== undefined) {
      this.#queue.close();
      return;
    }
    this.#queue.close();
    this.#finish({ kind: "closed", error: undefined });
    this.#owner.left(this);
  }

  /** The peer accepted: objects follow. */
  accept({ delivery, deadline, firstGroup }: ReturnType<typeof decodeTrackClass>): void {
    if (this.#end !== undefined) return;
    this.#delivery = delivery ?? this.options.delivery;
    this.#queue.setPolicy(policyOf(this.#delivery));
    this.#retireReceiver();
    this.#receiver = createReceiver(this.#delivery, {
      clock: this.#owner.clock,
      deadline,
      gapTimeout: this.options.gapTimeout,
      unordered: this.options.unordered,
      contiguous: delivery !== undefined,
      firstGroup,
      holdBytes: this.options.queueBytes,
      deliver: (object) => this.#deliver(object),
      onGap: (gap) => this.reportGap(gap),
      onHold: (stream, paused) => this.#owner.holdBack(this, stream, paused),
    });
  }

  /** Monotonic ms. */
  now(): number {
    return this.#owner.clock.now();
  }

  /** Resolves `ready`. */
  confirm(): void {
    this.#ready.resolve();
  }

  reportGap(gap: Gap): void {
    if (this.#end !== undefined) return;
    this.#gapCount += 1;
    this.#gaps.emit(gap);
  }

  /** The peer ended it, or the connection is gone. What waits can still be read. */
  finish(reason: EndReason): void {
    if (this.#end !== undefined) return;
    this.#receiver?.finish();
    this.#queue.end(reason);
    this.#finish(reason);
  }

  /** Ends it because the client was closed: nothing more is delivered. */
  discard(): void {
    this.#queue.close();
    if (this.#end === undefined) this.#finish({ kind: "closed", error: undefined });
  }

  #makeQueue(delivery: Delivery): ReaderQueue {
    return new ReaderQueue({
      queueBytes: this.options.queueBytes,
      policy: policyOf(delivery),
      maxAge: this.options.maxAge,
      now: () => this.#owner.clock.now(),
      ownsBytes: false,
      onMore: (queue) => void this.#owner.clock.after(0, () => queue.wake()),
      onFull: (full) => this.#owner.pushBack(this, full),
      onDrop: (object, cause) =>
        this.reportGap({
          fromGroup: object.group,
          toGroup: object.group,
          objects: 1,
          reason: cause,
        }),
      onReturn: () => this.close(),
      onWake: (queue) => this.#owner.later(() => queue.wake()),
      onListenerError: (error) => this.#owner.listenerFailed(error),
    });
  }

  #deliver(object: MoqObject): void {
    this.#objects += 1;
    this.#bytes += object.bytes.byteLength;
    this.lastGroup = object.group;
    this.#queue.push(object);
  }

  #finish(reason: EndReason): void {
    this.#end = reason;
    this.#retireReceiver();
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

  #retireReceiver(): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    this.#receiver = undefined;
    receiver.close();
    const { stale, late, reset } = receiver.counters;
    this.#earlier = {
      stale: this.#earlier.stale + stale,
      late: this.#earlier.late + late,
      reset: this.#earlier.reset + reset,
    };
  }
}

function policyOf(delivery: Delivery): "push-back" | "drop-oldest" {
  return delivery === "reliable" ? "push-back" : "drop-oldest";
}
