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

/** Bytes of a datagram that are not payload: type, track alias, group id. */
const DATAGRAM_OVERHEAD = 10;
/** Counted per waiting object beside its bytes. */
const OBJECT_OVERHEAD = 64;

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
    const worker = this.#client.workerStats("publications", this.label);
    return {
      objects: this.#objects,
      bytes: this.#bytes,
      queuedObjects: this.#waitingObjects + (worker?.queuedObjects ?? 0),
      queuedBytes: this.#waitingBytes + (worker?.queuedBytes ?? 0),
      dropped: worker?.dropped ?? 0,
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
    const cost = this.#cost();
    if (cost > 0 && cost + bytes.byteLength + OBJECT_OVERHEAD > this.#options.queueBytes) {
      this.#refused = true;
      return false;
    }
    this.#objects += 1;
    this.#bytes += bytes.byteLength;
    this.#waitingObjects += 1;
    this.#waitingBytes += bytes.byteLength;
    this.#client.send({ publication: this.#id, keyframe, bytes: bytes.slice() });
    return true;
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
