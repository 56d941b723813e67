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
import {
  comparePlaces,
  createReceiver,
  type Place,
  type Receiver,
  type ReceiverCounters,
} from "../delivery/receiver.js";
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

/** An interruption that no object has followed yet. */
interface Resumption {
  readonly after: Place;
  /** The publisher numbers groups without holes. */
  contiguous: boolean;
  /** Not all since then could be fetched. */
  pastIsLost: boolean;
  /** A gap was reported for it. */
  told: boolean;
}

/** The groups that are missing between an interruption and the first object after it. */
function missed(
  { after, contiguous, pastIsLost }: Resumption,
  first: Place,
  delivery: Delivery,
): { readonly fromGroup: number; readonly toGroup: number } | undefined {
  if (first.group === after.group) {
    if (delivery !== "reliable" || first.object <= after.object + 1) return undefined;
    return { fromGroup: first.group, toGroup: first.group };
  }
  // Whether the group at hand had more objects, only a FETCH can tell.
  const fromGroup = delivery === "reliable" && pastIsLost ? after.group : after.group + 1;
  const toGroup = delivery === "reliable" && first.object > 0 ? first.group : first.group - 1;
  if (fromGroup > toGroup || (!contiguous && !pastIsLost)) return undefined;
  return { fromGroup, toGroup };
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
  /** The newest object delivered, for what follows a new start. */
  #last: Place | undefined;
  #resumption: Resumption | undefined;

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

  /** Group of the newest object delivered. */
  get lastGroup(): number | undefined {
    return this.#last?.group;
  }

  /** Where an interrupted reader goes on: after this place. */
  get resumesAfter(): Place | undefined {
    return this.#resumption?.after;
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

  /** The session or the publisher was lost; another {@link accept} follows. */
  interrupted(): void {
    if (this.#last === undefined || this.#resumption !== undefined) return;
    this.#resumption = { after: this.#last, contiguous: true, pastIsLost: false, told: false };
  }

  /** What lay between the interruption and the newest group cannot be had. */
  pastIsLost(): void {
    if (this.#resumption !== undefined) this.#resumption.pastIsLost = true;
  }

  /** The peer accepted: objects follow. `largest`: the newest that it knows. */
  accept(
    { delivery, deadline, firstGroup }: ReturnType<typeof decodeTrackClass>,
    largest: Place | undefined,
  ): void {
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
    this.#resume(this.#receiver, delivery !== undefined, largest);
  }

  #resume(receiver: Receiver, contiguous: boolean, largest: Place | undefined): void {
    const resumption = this.#resumption;
    if (resumption === undefined) return;
    const { after } = resumption;
    if (largest === undefined || comparePlaces(largest, after) < 0) {
      // The track began anew, with ids that say nothing about the old ones.
      this.#resumption = undefined;
      const { group } = after;
      const gap = { fromGroup: group, toGroup: group, objects: undefined };
      this.reportGap({ ...gap, reason: "reconnected" });
      return;
    }
    resumption.contiguous = contiguous;
    receiver.resume(after);
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
    const resumption = this.#resumption;
    const lost = gap.reason === "lost" || gap.reason === "reset";
    if (resumption !== undefined && lost) resumption.told = true;
    this.#gapCount += 1;
    this.#gaps.emit(resumption !== undefined && lost ? { ...gap, reason: "reconnected" } : gap);
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
    const resumption = this.#resumption;
    if (resumption !== undefined) {
      this.#resumption = undefined;
      const gap = resumption.told ? undefined : missed(resumption, object, this.#delivery);
      if (gap !== undefined) this.reportGap({ ...gap, objects: undefined, reason: "reconnected" });
    }
    this.#objects += 1;
    this.#bytes += object.bytes.byteLength;
    this.#last = { group: object.group, object: object.object };
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
