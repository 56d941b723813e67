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
import { Resumption } from "./resumption.js";

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
  /** The newest object delivered, for what follows a new start. */
  #last: Place | undefined;
  /** Where delivery begins that has not begun; `undefined` while that is not known. */
  #begins: Place | undefined;
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

  /** Where an interrupted reader goes on: the first place that it has not got. */
  get resumesAt(): Place | undefined {
    return this.#resumption?.next;
  }

  /** It goes on with the newest group, whatever came before that. */
  get skipsPast(): boolean {
    return this.#resumption?.newestOnly === true;
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

  /**
   * The session or the publisher was lost, or (`behind`) the reader was too slow and has been told of
   * the gap. Another {@link accept} follows.
   */
  interrupted(behind = false): void {
    // What it holds back for something earlier comes again by FETCH, if it can be had.
    if (this.#delivery !== "reliable") this.#receiver?.finish();
    this.#retireReceiver();
    if (this.#resumption !== undefined) {
      this.#resumption.again();
      return;
    }
    const last = this.#last;
    const next = last === undefined ? this.#begins : { group: last.group, object: last.object + 1 };
    if (next !== undefined) this.#resumption = new Resumption(next, last, behind);
  }

  /** What lay between the interruption and the newest group cannot be had. */
  pastIsLost(): void {
    this.#resumption?.pastIsLost();
  }

  /** Nothing of what lay between the interruption and now can be had. */
  allIsLost(): void {
    const resumption = this.#resumption;
    resumption?.pastIsLost();
    const gap = this.#delivery === "reliable" ? resumption?.lost() : undefined;
    if (gap !== undefined) this.reportGap(gap);
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
    if (this.#last === undefined) this.#begins ??= this.#beginsAt(largest, firstGroup);
  }

  #resume(receiver: Receiver, contiguous: boolean, largest: Place | undefined): void {
    const resumption = this.#resumption;
    if (resumption === undefined) return;
    if (resumption.accepted(largest, contiguous)) {
      receiver.resume(resumption.next);
      return;
    }
    this.#resumption = undefined;
    const { group } = resumption.next;
    const gap = { fromGroup: group, toGroup: group, objects: undefined };
    if (!resumption.newestOnly) this.reportGap({ ...gap, reason: "reconnected" });
  }

  /** From where on a reader without an object so far has a right to all of a `reliable` track. */
  #beginsAt(largest: Place | undefined, firstGroup: number | undefined): Place | undefined {
    if (largest === undefined) {
      return firstGroup === undefined ? undefined : { group: firstGroup, object: 0 };
    }
    switch (this.options.start) {
      case "now":
        return { group: largest.group, object: largest.object + 1 };
      case "next":
        return { group: largest.group + 1, object: 0 };
      case "latest-group":
        return { group: largest.group, object: 0 };
    }
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
    const lost = gap.reason === "lost" || gap.reason === "reset";
    const told = lost ? (this.#resumption?.tell(gap) ?? gap) : gap;
    this.#gapCount += 1;
    this.#gaps.emit(told);
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
      const gap = resumption.missedBefore(object, this.#delivery);
      if (gap !== undefined) this.reportGap(gap);
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
