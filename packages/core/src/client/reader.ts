import type { DrainOptions, DrainResult, EndReason, MoqObject } from "../api.js";
import { MoqError } from "../errors.js";
import { Listeners } from "./listeners.js";
import { ownedCopy } from "./owned.js";

/** Counted against the queue's limit for each object beside its bytes, so that empty objects are bounded too. */
export const OBJECT_OVERHEAD = 64;

/** Most objects in one batch of the async iterator. */
export const MAX_BATCH = 1024;

/** Places in the smallest ring, and in the largest that an empty queue keeps. */
const LEAST_RING = 16;
const KEPT_RING = 4_096;

/** Why the queue itself dropped an object. */
export type ReaderDrop = "overflow" | "stale";

/** What a {@link ReaderQueue} of such objects needs of its owner. */
export interface ReaderConfig<T extends MoqObject = MoqObject> {
  /** Limit in bytes of what waits, {@link OBJECT_OVERHEAD} per object included. */
  readonly queueBytes: number;
  /**
   * When full: `push-back` keeps everything and tells `onFull`; `drop-oldest` drops the oldest and
   * counts it as overflow. The newest object is always kept.
   */
  readonly policy: "push-back" | "drop-oldest";
  /** Objects that waited longer than this many ms are dropped instead of read, and counted as stale. */
  readonly maxAge?: number | undefined;
  /** Monotonic clock in ms. */
  readonly now: () => number;
  /** True: `bytes` given to `push` belong to the queue. False: they are copied for the async iterator. */
  readonly ownsBytes: boolean;
  /** `push-back` only: true when the queue became full, false when half of it is free again. */
  readonly onFull?: (full: boolean) => void;
  /** The queue dropped this object. */
  readonly onDrop?: (object: T, cause: ReaderDrop) => void;
  /** The queue is done with an object: read, dropped or refused. Once for each that was pushed. */
  readonly release?: (object: T) => void;
  /** The consumer left its `for await` loop early. */
  readonly onReturn?: () => void;
  /**
   * Called once when the empty queue became non-empty; the owner calls {@link ReaderQueue.wake} when
   * its batch is done. Without it, the queue wakes its reader at once.
   */
  readonly onWake?: (queue: ReaderQueue<T>) => void;
  /**
   * A drain stopped at its budget and somebody listens, or a listener came late: the owner calls
   * {@link ReaderQueue.wake} soon, in a task of its own, so that neither a wake is lost nor the
   * thread held.
   */
  readonly onMore?: (queue: ReaderQueue<T>) => void;
  /** Hears what a listener threw. */
  readonly onListenerError?: (error: unknown) => void;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<readonly MoqObject[]>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The bounded queue between a subscription and its reader, with both ways of reading: `drain` for
 * game loops and the async iterator for backends. It knows nothing of sessions or hosts.
 */
export class ReaderQueue<T extends MoqObject = MoqObject>
  implements AsyncIterable<readonly MoqObject[]>
{
  readonly #config: ReaderConfig<T>;
  #policy: ReaderConfig["policy"];
  readonly #readable: Listeners<[]>;
  /** A ring: its length is a power of two, what waits begins at `#head`. */
  #items: (T | undefined)[] = newRing();
  #head = 0;
  #length = 0;
  #bytes = 0;
  #full = false;
  #draining = false;
  #wakePending = false;
  #end: EndReason | undefined;
  #endDelivered = false;
  #waiters: Waiter[] = [];
  #overflow = 0;
  #stale = 0;
  #readObjects = 0;
  #readBytes = 0;

  constructor(config: ReaderConfig<T>) {
    this.#config = config;
    this.#policy = config.policy;
    this.#readable = new Listeners(config.onListenerError);
  }

  /** Objects that wait. */
  get length(): number {
    return this.#length;
  }

  /** Payload bytes that wait. */
  get queuedBytes(): number {
    return this.#bytes;
  }

  /** Objects dropped because the queue was full. */
  get overflow(): number {
    return this.#overflow;
  }

  /** Objects dropped because they waited longer than `maxAge`. */
  get stale(): number {
    return this.#stale;
  }

  /** Objects handed to the reader so far. */
  get readObjects(): number {
    return this.#readObjects;
  }

  /** Payload bytes handed to the reader so far. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** True while a `push-back` queue is over its limit. */
  get full(): boolean {
    return this.#full;
  }

  /** Set once the queue takes no more objects. */
  get ended(): EndReason | undefined {
    return this.#end;
  }

  /** For tracks whose class is known only once the peer accepted. */
  setPolicy(policy: ReaderConfig["policy"]): void {
    this.#policy = policy;
  }

  /** Adds an object at the end. Ignored after `end` or `close`. */
  push(object: T): void {
    if (this.#end !== undefined) {
      this.#config.release?.(object);
      return;
    }
    const wasEmpty = this.#length === 0;
    if (this.#length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = object;
    this.#length += 1;
    this.#bytes += object.bytes.length;
    if (this.#cost() > this.#config.queueBytes) {
      if (this.#policy === "drop-oldest") this.#dropOldest();
      else this.#setFull(true);
    }
    if (wasEmpty) this.#requestWake();
  }

  /**
   * Takes no more objects. What waits can still be read; then the iterator ends, or throws the
   * error of `reason`. The first end counts.
   */
  end(reason: EndReason): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    this.#requestWake();
  }

  /** The reader stops: what waits is discarded and nothing is delivered any more. */
  close(): void {
    this.#end ??= { kind: "closed", error: undefined };
    this.#endDelivered = true;
    for (let object = this.#shift(); object !== undefined; object = this.#shift()) {
      this.#config.release?.(object);
    }
    this.#readable.clear();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.resolve({ done: true, value: undefined });
  }

  /** Tells listeners and a waiting iterator what {@link ReaderConfig.onWake} announced. */
  wake(): void {
    this.#wakePending = false;
    this.#serveWaiters();
    if (this.length > 0) this.#readable.emit();
  }

  /** A listener that comes when objects wait already is called for them, soon. */
  onReadable(listener: () => void): () => void {
    const remove = this.#readable.add(listener);
    if (this.length > 0) this.#wakeLater();
    return remove;
  }

  /**
   * Visits what waits, oldest first, within the budget. A visitor that throws has consumed its
   * object; the rest stays. Called from inside its own visitor it does nothing.
   */
  drain(visitor: (object: MoqObject) => void, options: DrainOptions = {}): DrainResult {
    if (typeof visitor !== "function") {
      throw new MoqError(
        "invalid_argument",
        "drain needs a function that is called with each object, as its first argument.",
      );
    }
    const maxObjects = budget("maxObjects", options.maxObjects);
    const maxBytes = budget("maxBytes", options.maxBytes);
    const maxTime = budget("maxTime", options.maxTime);
    if (this.#draining) return { objects: 0, more: this.length > 0 };
    const until = maxTime === Infinity ? Infinity : this.#config.now() + maxTime;
    let objects = 0;
    let bytes = 0;
    this.#draining = true;
    try {
      while (objects < maxObjects && (bytes < maxBytes || objects === 0)) {
        const object = this.#take();
        if (object === undefined) break;
        objects += 1;
        bytes += object.bytes.length;
        try {
          visitor(object);
        } finally {
          this.#config.release?.(object);
        }
        if (until !== Infinity && this.#config.now() >= until) break;
      }
    } finally {
      this.#draining = false;
      this.#relieve();
    }
    const more = this.#length > 0;
    if (more && this.#readable.size > 0) this.#wakeLater();
    return { objects, more };
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly MoqObject[]> {
    return {
      next: () => this.#next(),
      return: () => {
        this.close();
        this.#config.onReturn?.();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #next(): Promise<IteratorResult<readonly MoqObject[]>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      if (!this.#wakePending) this.#serveWaiters();
    });
  }

  #serveWaiters(): void {
    while (this.#waiters.length > 0) {
      const batch = this.#takeBatch();
      if (batch.length > 0) {
        this.#waiters.shift()?.resolve({ done: false, value: batch });
        continue;
      }
      if (this.#end === undefined) return;
      const error = this.#endDelivered ? undefined : this.#end.error;
      this.#endDelivered = true;
      const waiter = this.#waiters.shift();
      if (error === undefined) waiter?.resolve({ done: true, value: undefined });
      else waiter?.reject(error);
    }
  }

  #takeBatch(): MoqObject[] {
    const batch: MoqObject[] = [];
    while (batch.length < MAX_BATCH) {
      const object = this.#take();
      if (object === undefined) break;
      batch.push(this.#config.ownsBytes ? object : ownedCopy(object));
      this.#config.release?.(object);
    }
    this.#relieve();
    return batch;
  }

  /** The oldest object that is young enough. */
  #take(): T | undefined {
    const { maxAge } = this.#config;
    for (;;) {
      const object = this.#shift();
      if (object === undefined) return undefined;
      if (maxAge !== undefined && this.#config.now() - object.receivedAt > maxAge) {
        this.#stale += 1;
        this.#drop(object, "stale");
        continue;
      }
      this.#readObjects += 1;
      this.#readBytes += object.bytes.length;
      return object;
    }
  }

  #shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const object = this.#items[this.#head] as T;
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length -= 1;
    this.#bytes -= object.bytes.length;
    // A backlog that was read leaves no large ring behind.
    if (this.#length === 0 && this.#items.length > KEPT_RING) {
      this.#items = newRing();
      this.#head = 0;
    }
    return object;
  }

  #grow(): void {
    const old = this.#items;
    this.#items = newRing(old.length * 2);
    for (let i = 0; i < this.#length; i++) {
      this.#items[i] = old[(this.#head + i) & (old.length - 1)];
    }
    this.#head = 0;
  }

  #drop(object: T, cause: ReaderDrop): void {
    this.#config.onDrop?.(object, cause);
    this.#config.release?.(object);
  }

  #dropOldest(): void {
    while (this.#length > 1 && this.#cost() > this.#config.queueBytes) {
      const dropped = this.#shift();
      if (dropped === undefined) return;
      this.#overflow += 1;
      this.#drop(dropped, "overflow");
    }
  }

  #cost(): number {
    return this.#bytes + this.#length * OBJECT_OVERHEAD;
  }

  #relieve(): void {
    if (this.#full && this.#cost() <= this.#config.queueBytes / 2) this.#setFull(false);
  }

  #setFull(full: boolean): void {
    if (this.#full === full) return;
    this.#full = full;
    this.#config.onFull?.(full);
  }

  #wakeLater(): void {
    if (this.#wakePending || this.#config.onMore === undefined) return;
    this.#wakePending = true;
    this.#config.onMore(this);
  }

  #requestWake(): void {
    if (this.#wakePending) return;
    this.#wakePending = true;
    if (this.#config.onWake === undefined) this.wake();
    else this.#config.onWake(this);
  }
}

function newRing<T>(places: number = LEAST_RING): (T | undefined)[] {
  return new Array<T | undefined>(places).fill(undefined);
}

function budget(name: string, value: number | undefined): number {
  if (value === undefined) return Infinity;
  if (typeof value !== "number" || !(value > 0)) {
    throw new MoqError(
      "invalid_argument",
      `drain: ${name} must be a number above 0 (or left out for no limit), got ${String(value)}.`,
    );
  }
  return value;
}
