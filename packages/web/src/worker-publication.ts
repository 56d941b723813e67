import {
  type CloseOptions,
  type Delivery,
  Listeners,
  MoqError,
  type Publication,
  type PublicationStats,
  type ResolvedPublishOptions,
  type ResolvedTrack,
  requireBytes,
  resolveCloseOptions,
} from "@moq-game/core";
import type { PageClient } from "./worker-client.js";
import type { PostedUpdate } from "./worker-protocol.js";

/** Bytes of a datagram that are not payload: type, track alias, group id. */
const DATAGRAM_OVERHEAD = 10;
/** Counted per waiting object beside its bytes. */
const OBJECT_OVERHEAD = 64;
/** Most updates held on the page; those behind are of no use to anyone. */
const MAX_HELD = 256;

/** The page's view of a publication in the worker. */
export class PagePublication implements Publication {
  readonly namespace: readonly string[];
  readonly name: string;
  readonly label: string;
  readonly delivery: Delivery;
  readonly ready: Promise<void>;
  readonly #client: PageClient;
  readonly #id: number;
  readonly #options: ResolvedPublishOptions;
  readonly #keyframes: Listeners<[]>;
  #resolve: () => void = () => {};
  #reject: (error: MoqError) => void = () => {};
  #writers: { readonly resolve: () => void; readonly reject: (error: MoqError) => void }[] = [];
  #subscribers = 0;
  #objects = 0;
  #bytes = 0;
  /** Posted and not taken by the worker's publication. */
  #waitingObjects = 0;
  #waitingBytes = 0;
  #refused = false;
  /** Classes that do not refuse: what waits until the worker has taken more, newest last. */
  #held: PostedUpdate[] = [];
  #heldBytes = 0;
  #dropped = 0;
  #end: MoqError | undefined;

  constructor(
    client: PageClient,
    id: number,
    track: ResolvedTrack,
    options: ResolvedPublishOptions,
  ) {
    this.#client = client;
    this.#id = id;
    this.#options = options;
    this.#keyframes = new Listeners((error) => client.listenerFailed(error));
    this.namespace = track.namespace;
    this.name = track.name;
    this.label = `${track.namespace.join("/")}/${track.name}`;
    this.delivery = options.delivery;
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ready.catch(() => {});
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  get subscribers(): number {
    return this.#subscribers;
  }

  get stats(): PublicationStats {
    const worker = this.#client.workerStats(this.label);
    return {
      objects: this.#objects,
      bytes: this.#bytes,
      queuedObjects: this.#waitingObjects + this.#held.length + (worker?.queuedObjects ?? 0),
      queuedBytes: this.#waitingBytes + this.#heldBytes + (worker?.queuedBytes ?? 0),
      dropped: this.#dropped + (worker?.dropped ?? 0),
      subscribers: this.#subscribers,
    };
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
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (!this.#refused) return Promise.resolve();
    const waiting = new Promise<void>((resolve, reject) => this.#writers.push({ resolve, reject }));
    waiting.catch(() => {});
    return waiting;
  }

  onKeyframeWanted(listener: () => void): () => void {
    return this.#keyframes.add(listener);
  }

  async end(options?: CloseOptions): Promise<void> {
    const flush = resolveCloseOptions("end", options);
    if (this.#end !== undefined) return;
    const ending = this.#client.call((call) => ({ type: "end", id: this.#id, call, flush }));
    this.fail(
      new MoqError(
        "closed",
        `The publication of ${this.label} has ended. Publish the track again.`,
      ),
    );
    this.#client.forget(this.#id);
    await ending;
  }

  // ---- the worker's messages

  settle(error: MoqError | undefined): void {
    if (error === undefined) this.#resolve();
    else this.#reject(error);
  }

  setSubscribers(count: number): void {
    this.#subscribers = count;
  }

  taken(objects: number, bytes: number): void {
    this.#waitingObjects -= objects;
    this.#waitingBytes -= bytes;
    this.#release();
    if (!this.#refused || this.#cost() > this.#options.queueBytes / 2) return;
    this.#refused = false;
    const writers = this.#writers;
    this.#writers = [];
    for (const writer of writers) writer.resolve();
  }

  keyframeWanted(): void {
    this.#keyframes.emit();
  }

  fail(error: MoqError | undefined): void {
    if (this.#end !== undefined) return;
    const why = error ?? new MoqError("closed", `The publication of ${this.label} has ended.`);
    this.#end = why;
    this.#held = [];
    this.#heldBytes = 0;
    this.#subscribers = 0;
    this.#reject(why);
    this.#keyframes.clear();
    const writers = this.#writers;
    this.#writers = [];
    for (const writer of writers) writer.reject(why);
  }

  #publish(bytes: Uint8Array, keyframe: boolean): boolean {
    if (this.#end !== undefined) throw this.#end;
    this.#checkSize(bytes.byteLength);
    const fits = this.#fits(bytes.byteLength);
    if (!fits && this.delivery === "reliable") {
      this.#refused = true;
      return false;
    }
    this.#objects += 1;
    this.#bytes += bytes.byteLength;
    const update = { publication: this.#id, keyframe, bytes: bytes.slice() };
    if (fits && this.#held.length === 0) this.#post(update);
    else this.#hold(update);
    return true;
  }

  #post(update: PostedUpdate): void {
    this.#waitingObjects += 1;
    this.#waitingBytes += update.bytes.byteLength;
    this.#client.send(update);
  }

  /** Keeps the newest update (`latest`) or the newest ones, and counts those that they replace. */
  #hold(update: PostedUpdate): void {
    this.#held.push(update);
    this.#heldBytes += update.bytes.byteLength;
    const most = this.delivery === "latest" ? 1 : MAX_HELD;
    while (
      this.#held.length > most ||
      (this.#held.length > 1 && this.#heldBytes > this.#options.queueBytes)
    ) {
      this.#heldBytes -= this.#held.shift()?.bytes.byteLength ?? 0;
      this.#dropped += 1;
    }
  }

  #release(): void {
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      if (!this.#fits(next.bytes.byteLength)) return;
      this.#held.shift();
      this.#heldBytes -= next.bytes.byteLength;
      this.#post(next);
    }
  }

  #fits(bytes: number): boolean {
    const cost = this.#cost();
    return cost === 0 || cost + bytes + OBJECT_OVERHEAD <= this.#options.queueBytes;
  }

  #cost(): number {
    return this.#waitingBytes + this.#waitingObjects * OBJECT_OVERHEAD;
  }

  #checkSize(size: number): void {
    const datagram = this.delivery === "datagram";
    const limit = datagram
      ? this.#options.maxDatagramSize - DATAGRAM_OVERHEAD
      : this.#client.options.maxObjectSize;
    if (size <= limit) return;
    throw new MoqError(
      "too_large",
      datagram
        ? `This update has ${size} bytes; a datagram of ${this.label} carries at most ${limit} ` +
            `(${this.#options.maxDatagramSize} bytes with headers). Send less, or publish it as "latest" or "deadline".`
        : `This object has ${size} bytes; at most ${limit} are allowed (option maxObjectSize of connect). ` +
            "Split it, or raise the limit on all sides.",
    );
  }
}
