import {
  type Delivery,
  type DrainOptions,
  type DrainResult,
  type EndReason,
  type Gap,
  Listeners,
  MoqError,
  type MoqObject,
  ReaderQueue,
  type ResolvedSubscribeOptions,
  type ResolvedTrack,
  type Subscription,
  type SubscriptionStats,
} from "@moq-game/core";
import type { PageClient } from "./worker-client.js";
import { decodeBatch, type PostedBatch } from "./worker-protocol.js";

/** The page's view of a subscription in the worker. */
export class PageSubscription implements Subscription {
  readonly namespace: readonly string[];
  readonly name: string;
  readonly label: string;
  readonly ready: Promise<void>;
  readonly #client: PageClient;
  readonly #id: number;
  readonly #queue: ReaderQueue;
  readonly #ends: Listeners<[EndReason]>;
  readonly #gaps: Listeners<[Gap]>;
  #delivery: Delivery;
  #resolve: () => void = () => {};
  #reject: (error: MoqError) => void = () => {};
  #objects = 0;
  #bytes = 0;
  #gapCount = 0;
  /** The worker's counters, as of its last report. */
  #counted: SubscriptionStats | undefined;
  #reason: EndReason | undefined;

  constructor(
    client: PageClient,
    id: number,
    track: ResolvedTrack,
    options: ResolvedSubscribeOptions,
  ) {
    this.#client = client;
    this.#id = id;
    this.#delivery = options.delivery;
    this.namespace = track.namespace;
    this.name = track.name;
    this.label = `${track.namespace.join("/")}/${track.name}`;
    this.#ends = new Listeners((error) => client.listenerFailed(error));
    this.#gaps = new Listeners((error) => client.listenerFailed(error));
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ready.catch(() => {});
    this.#queue = new ReaderQueue({
      queueBytes: options.queueBytes,
      policy: options.delivery === "reliable" ? "push-back" : "drop-oldest",
      maxAge: options.maxAge,
      now: () => client.host.now(),
      // Each batch came in a buffer of its own.
      ownsBytes: true,
      onFull: (full) => this.#post({ type: "hold", id, held: full }),
      onDrop: (object, reason) =>
        this.gap({ fromGroup: object.group, toGroup: object.group, objects: 1, reason }),
      onReturn: () => this.close(),
      onMore: (queue) => void client.host.setTimer(() => queue.wake(), 0),
      onWake: (queue) => void Promise.resolve().then(() => queue.wake()),
      onListenerError: (error) => client.listenerFailed(error),
    });
    const { signal } = options;
    if (signal === undefined) return;
    const abort = (): void => this.close();
    signal.addEventListener("abort", abort);
    this.#ends.add(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) Promise.resolve().then(abort);
  }

  get delivery(): Delivery {
    return this.#delivery;
  }

  get stats(): SubscriptionStats {
    const worker = this.#counted;
    return {
      objects: this.#objects,
      bytes: this.#bytes,
      queuedObjects: this.#queue.length,
      queuedBytes: this.#queue.queuedBytes,
      stale: this.#queue.stale + (worker?.stale ?? 0),
      late: worker?.late ?? 0,
      overflow: this.#queue.overflow + (worker?.overflow ?? 0),
      reset: worker?.reset ?? 0,
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
    const reason = this.#reason;
    if (reason === undefined) return this.#ends.add(listener);
    let wanted = true;
    Promise.resolve().then(() => {
      if (wanted) listener(reason);
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
    if (this.#reason !== undefined) return;
    this.#finish({ kind: "closed", error: undefined });
    this.#post({ type: "stop", id: this.#id });
    this.#client.forget(this.#id);
  }

  // ---- the worker's messages

  settle(error: MoqError | undefined, delivery: Delivery): void {
    if (error !== undefined) {
      this.#reject(error);
      return;
    }
    this.#delivery = delivery;
    this.#queue.setPolicy(delivery === "reliable" ? "push-back" : "drop-oldest");
    this.#resolve();
  }

  receive(batch: PostedBatch, clockOffset: number): void {
    for (const object of decodeBatch(batch, clockOffset)) {
      this.#objects += 1;
      this.#bytes += object.bytes.byteLength;
      this.#queue.push(object);
    }
  }

  count(counted: SubscriptionStats): void {
    this.#counted = counted;
  }

  gap(gap: Gap): void {
    if (this.#reason !== undefined) return;
    this.#gapCount += 1;
    this.#gaps.emit(gap);
  }

  end(reason: EndReason): void {
    if (reason.kind === "closed") this.discard();
    if (this.#reason !== undefined) return;
    this.#queue.end(reason);
    this.#finish(reason);
  }

  discard(): void {
    this.#queue.close();
    if (this.#reason === undefined) this.#finish({ kind: "closed", error: undefined });
  }

  #finish(reason: EndReason): void {
    this.#reason = reason;
    this.#reject(
      reason.error ??
        new MoqError("closed", `The subscription to ${this.label} ended before it was accepted.`),
    );
    this.#ends.emit(reason);
    this.#ends.clear();
    this.#gaps.clear();
  }

  #post(message: Parameters<PageClient["post"]>[0]): void {
    if (this.#client.state !== "closed") this.#client.post(message, []);
  }
}
