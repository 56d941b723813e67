import type { CloseOptions, Delivery, Publication, PublicationStats } from "../api.js";
import type { Clock } from "../delivery/clock.js";
import { datagramOverhead } from "../delivery/sender-datagram.js";
import { type SourceObject, TrackSource } from "../delivery/source.js";
import { MoqError } from "../errors.js";
import { type ResolvedPublishOptions, requireBytes, resolveCloseOptions } from "../options.js";
import { PublishDoneCode } from "../wire/error.js";
import { type Deferred, deferred } from "./deferred.js";
import { Listeners } from "./listeners.js";
import type { TrackId } from "./names.js";
import type { Served, ServedOwner } from "./served.js";
import type { ServedFetch } from "./served-fetch.js";

/** Counted per waiting object beside its bytes, so that empty objects are bounded too. */
const OBJECT_OVERHEAD = 64;
/** Least time in ms between two calls of a "keyframe wanted" listener. */
const KEYFRAME_INTERVAL = 1_000;

/** What a publication needs of its client. */
export interface PublicationOwner {
  readonly clock: Clock;
  /** Largest object in bytes that peers accept by default. */
  readonly maxObjectSize: number;
  /** Largest whole datagram in bytes on the connection; `undefined` while there is none. */
  maxDatagramSize(): number | undefined;
  /** The track takes no more objects. */
  ended(publication: CorePublication): void;
  /** Runs what sends, so that timers and wakes follow. */
  batch(work: () => void): void;
  listenerFailed(error: unknown): void;
}

/** A track that this client publishes. It outlives connections. */
export class CorePublication implements Publication, ServedOwner {
  readonly namespace: readonly string[];
  readonly name: string;
  readonly delivery: Delivery;
  readonly ready: Promise<void>;
  readonly label: string;
  readonly key: string;
  readonly track: TrackId;
  readonly source: TrackSource;
  readonly queueBytes: number;
  readonly clock: Clock;
  readonly #owner: PublicationOwner;
  readonly #options: ResolvedPublishOptions;
  readonly #served = new Set<Served>();
  readonly #keyframeWanted: Listeners<[]>;
  #writers: Deferred<void>[] = [];
  #flushers: Deferred<void>[] = [];
  /** It takes no more objects. */
  #closed: MoqError | undefined;
  /** It takes no more subscriptions either. */
  #end: MoqError | undefined;
  #objects = 0;
  #bytes = 0;
  #dropped = 0;
  /** `send` gave false and the queue has not drained since. */
  #refused = false;
  #keyframeAskedAt = -Infinity;
  /** Subscriptions were lost with a connection, and none has come since. */
  #orphaned = false;
  /** Answers to joining FETCHes that are on their way. */
  readonly #answers = new Set<ServedFetch>();
  #owes = false;

  constructor(
    owner: PublicationOwner,
    track: TrackId,
    options: ResolvedPublishOptions,
    ready: Promise<void>,
  ) {
    this.#owner = owner;
    this.#options = options;
    this.#keyframeWanted = new Listeners((error) => owner.listenerFailed(error));
    this.namespace = track.namespace;
    this.name = track.name;
    this.track = track;
    this.label = track.label;
    this.key = track.key;
    this.delivery = options.delivery;
    this.ready = ready;
    this.clock = owner.clock;
    this.queueBytes = options.queueBytes;
    this.source = new TrackSource({
      delivery: options.delivery,
      deadline: options.deadline,
      priority: options.priority,
      retainBytes: options.retainBytes,
      firstGroup: Date.now(),
    });
  }

  get subscribers(): number {
    return this.#served.size;
  }

  get stats(): PublicationStats {
    let queuedBytes = 0;
    let queuedObjects = 0;
    for (const served of this.#served) {
      queuedBytes = Math.max(queuedBytes, served.queuedBytes);
      queuedObjects = Math.max(queuedObjects, served.queuedObjects);
    }
    return {
      objects: this.#objects,
      bytes: this.#bytes,
      queuedObjects,
      queuedBytes,
      dropped: this.#dropped,
      subscribers: this.#served.size,
    };
  }

  /**
   * Subscribers lost with a connection have not got all that was accepted; the group that is kept is
   * theirs when they come again.
   */
  get owes(): boolean {
    return this.#owes;
  }

  /** True when nothing accepted waits for an acknowledgement. */
  get flushed(): boolean {
    if (this.#owes || this.#answers.size > 0) return false;
    for (const served of this.#served) if (!served.flushed) return false;
    return true;
  }

  send(bytes: Uint8Array): boolean {
    requireBytes("send", bytes);
    return this.#publish(bytes, false);
  }

  keyframe(bytes: Uint8Array): boolean {
    requireBytes("keyframe", bytes);
    return this.#publish(bytes, true);
  }

  writable(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (!this.#refused) return Promise.resolve();
    const writer = deferred<void>();
    this.#writers.push(writer);
    return writer.promise;
  }

  onKeyframeWanted(listener: () => void): () => void {
    return this.#keyframeWanted.add(listener);
  }

  async end(options?: CloseOptions): Promise<void> {
    const flush = resolveCloseOptions("end", options);
    const error = new MoqError(
      "closed",
      `The publication of ${this.label} has ended. Publish the track again.`,
    );
    if (flush === 0) this.finish(error, PublishDoneCode.TrackEnded);
    else await this.deliverAndFinish(error, flush);
  }

  /** Ends the track and waits until all that it accepted is acknowledged, at most `ms`. */
  async deliverAndFinish(error: MoqError, ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    // What a lost connection took has to be asked for again, while the track is still there.
    if (this.#owes) {
      this.#closed ??= error;
      await this.flush(ms);
    }
    this.finish(error, PublishDoneCode.TrackEnded);
    await this.flush(Math.max(0, until - this.clock.now()));
  }

  /** Takes no more objects; subscribers get what was accepted and then PUBLISH_DONE. */
  finish(error: MoqError, status: number): void {
    if (this.#end !== undefined) return;
    this.#closed ??= error;
    this.#end = error;
    // Nobody can subscribe to it any more.
    this.#owes = false;
    this.#owner.batch(() => {
      for (const served of [...this.#served]) served.end(status, "the track ended");
    });
    this.#keyframeWanted.clear();
    const writers = this.#writers;
    this.#writers = [];
    for (const writer of writers) writer.reject(error);
    this.#owner.ended(this);
  }

  /** Waits until all is acknowledged, at most `ms`. */
  async flush(ms: number): Promise<void> {
    if (this.flushed) return;
    const flusher = deferred<void>();
    this.#flushers.push(flusher);
    const stop = this.clock.after(ms, () => flusher.resolve());
    await flusher.promise;
    stop();
  }

  /** The connection is gone: its subscriptions with it. */
  disconnected(): void {
    if (this.#served.size > 0 && this.#end === undefined) {
      this.#orphaned = true;
      if (!this.flushed) this.#owes = true;
    }
    this.#answers.clear();
    for (const served of [...this.#served]) served.drop();
    this.progressed();
  }

  adopt(served: Served): void {
    this.#served.add(served);
    this.#orphaned = false;
    // Without an object there is no past to ask for.
    if (this.source.largest === undefined) this.#owes = false;
  }

  /** `answer` brings a subscriber what came before its subscription. */
  answers(answer: ServedFetch): void {
    this.#owes = false;
    if (!answer.isOver) this.#answers.add(answer);
  }

  answered(answer: ServedFetch): void {
    if (this.#answers.delete(answer)) this.progressed();
  }

  progressed(): void {
    if (this.#refused && !this.#isAbove(this.queueBytes / 2)) {
      this.#refused = false;
      const writers = this.#writers;
      this.#writers = [];
      for (const writer of writers) writer.resolve();
    }
    if (this.#flushers.length > 0 && this.flushed) {
      const flushers = this.#flushers;
      this.#flushers = [];
      for (const flusher of flushers) flusher.resolve();
    }
  }

  dropped(count: number): void {
    this.#dropped += count;
  }

  gone(served: Served): void {
    if (this.#served.delete(served)) this.progressed();
  }

  keyframeWanted(): void {
    const now = this.clock.now();
    if (now - this.#keyframeAskedAt < KEYFRAME_INTERVAL) return;
    this.#keyframeAskedAt = now;
    this.#keyframeWanted.emit();
  }

  #publish(bytes: Uint8Array, keyframe: boolean): boolean {
    if (this.#closed !== undefined) throw this.#closed;
    this.#checkSize(bytes.byteLength);
    if (this.#isFull(bytes.byteLength)) {
      this.#refused = true;
      return false;
    }
    const object = this.source.next(bytes.slice(), keyframe, this.clock.now(), Date.now());
    this.#objects += 1;
    this.#bytes += bytes.byteLength;
    if (this.#orphaned) this.#owes = true;
    if (this.#served.size > 0) this.#owner.batch(() => this.#push(object));
    return true;
  }

  #push(object: SourceObject): void {
    for (const served of [...this.#served]) served.push(object);
  }

  /** Whether `bytes` more do not fit. Classes other than `reliable` drop instead of refusing. */
  #isFull(bytes: number): boolean {
    if (this.delivery !== "reliable") return false;
    // An object larger than the whole queue is taken when nothing waits.
    return this.#isAbove(Math.max(0, this.queueBytes - bytes - OBJECT_OVERHEAD));
  }

  /** Whether more than `limit` bytes wait for one of the subscribers. */
  #isAbove(limit: number): boolean {
    for (const served of this.#served) {
      if (served.queuedBytes + served.queuedObjects * OBJECT_OVERHEAD > limit) return true;
    }
    return false;
  }

  #checkSize(size: number): void {
    if (this.delivery === "datagram") {
      const path = this.#owner.maxDatagramSize() ?? Infinity;
      const whole = Math.min(path, this.#options.maxDatagramSize);
      const limit = whole - datagramOverhead(this.source.nextGroup);
      if (size <= limit) return;
      throw new MoqError(
        "too_large",
        `This update has ${size} bytes; a datagram of ${this.label} carries at most ${limit} ` +
          `(${whole} bytes with headers). Send less, or publish it as "latest" or "deadline".`,
      );
    }
    const limit = this.#owner.maxObjectSize;
    if (size <= limit) return;
    throw new MoqError(
      "too_large",
      `This object has ${size} bytes; at most ${limit} are allowed (option maxObjectSize of connect). ` +
        "Split it, or raise the limit on all sides.",
    );
  }
}
