/** Fetch, discovery and status over the native library: handles that end by themselves. */
import type {
  Delivery,
  EndReason,
  MoqObject,
  NamespaceChange,
  Signal,
  TrackStatus,
} from "../api.js";
import { type Deferred, deferred } from "../client/deferred.js";
import { ReaderQueue } from "../client/reader.js";
import { MoqError } from "../errors.js";
import { type ResolvedFetchOptions, type ResolvedTrack, trackLabel } from "../options.js";
import type { RecordObject } from "./objects.js";
import { type RecordCursor, RecordFlag, RecordKind } from "./records.js";
import { type RecordSink, requireHandle, type SinkOwner, whileAwaiting } from "./sink.js";

/** Bytes that a fetch holds for its reader before the library holds the rest back. */
const FETCH_QUEUE_BYTES = 8 * 1024 * 1024;
/** Namespace changes that wait for their reader before the library holds the rest back. */
const MAX_CHANGES = 4_096;

/** Calls `abort` when the signal does, soon if it did already; gives the function that stops that. */
function onAbort(owner: SinkOwner, signal: Signal | undefined, abort: () => void): () => void {
  if (signal === undefined) return () => {};
  signal.addEventListener("abort", abort);
  if (signal.aborted) owner.later(abort);
  return () => signal.removeEventListener("abort", abort);
}

/** Past objects of a track. */
export class NativeFetch implements RecordSink, AsyncIterator<readonly MoqObject[]> {
  readonly handle: number;
  readonly #owner: SinkOwner;
  readonly #queue: ReaderQueue<RecordObject>;
  readonly #iterator: AsyncIterator<readonly MoqObject[]>;
  readonly #stopSignal: () => void;
  #over = false;

  constructor(
    owner: SinkOwner,
    client: number,
    track: ResolvedTrack,
    options: ResolvedFetchOptions,
  ) {
    this.#owner = owner;
    this.#queue = new ReaderQueue({
      queueBytes: FETCH_QUEUE_BYTES,
      policy: "push-back",
      now: owner.now,
      ownsBytes: false,
      release: (object) => owner.objects.release(object),
      onFull: (full) => {
        if (!this.#over) owner.port.hold(this.handle, full);
      },
      onWake: (queue) => owner.later(() => queue.wake()),
    });
    this.#iterator = this.#queue[Symbol.asyncIterator]();
    const { signal, ...rest } = options;
    const request = JSON.stringify({ ...track, ...rest });
    this.handle = requireHandle(owner.port, owner.port.request(client, "fetch", request));
    this.#stopSignal = onAbort(owner, signal, () => this.#close());
  }

  next(): Promise<IteratorResult<readonly MoqObject[]>> {
    return whileAwaiting(this.#owner, this.#iterator.next());
  }

  return(): Promise<IteratorResult<readonly MoqObject[]>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  record(record: RecordCursor): void {
    if (record.kind === RecordKind.Object) {
      this.#queue.push(this.#owner.objects.take(record));
    } else if (record.kind === RecordKind.End) {
      this.#finish(record.toEnd());
      this.#owner.release(this.handle);
    }
  }

  discard(reason: EndReason): void {
    if (reason.kind !== "error") this.#queue.close();
    this.#finish(reason);
  }

  #close(): void {
    this.#queue.close();
    if (this.#over) return;
    this.#finish({ kind: "closed", error: undefined });
    this.#owner.release(this.handle);
  }

  #finish(reason: EndReason): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopSignal();
    this.#queue.end(reason);
  }
}

/** Namespaces that appear and go away. */
export class NativeDiscovery implements RecordSink, AsyncIterator<NamespaceChange> {
  readonly handle: number;
  readonly #owner: SinkOwner;
  readonly #stopSignal: () => void;
  #changes: NamespaceChange[] = [];
  #waiting: Deferred<IteratorResult<NamespaceChange>>[] = [];
  #held = false;
  #end: EndReason | undefined;
  #errorTold = false;

  constructor(
    owner: SinkOwner,
    client: number,
    prefix: readonly string[],
    signal: Signal | undefined,
  ) {
    this.#owner = owner;
    const request = JSON.stringify({ prefix });
    this.handle = requireHandle(owner.port, owner.port.request(client, "discover", request));
    this.#stopSignal = onAbort(owner, signal, () => void this.return());
  }

  next(): Promise<IteratorResult<NamespaceChange>> {
    const change = this.#changes.shift();
    if (change !== undefined) {
      if (this.#held && this.#changes.length === 0 && this.#end === undefined) {
        this.#held = false;
        this.#owner.port.hold(this.handle, false);
      }
      return Promise.resolve({ done: false, value: change });
    }
    if (this.#end !== undefined) return this.#last(this.#end);
    const next = deferred<IteratorResult<NamespaceChange>>();
    this.#waiting.push(next);
    return whileAwaiting(this.#owner, next.promise);
  }

  return(): Promise<IteratorResult<NamespaceChange>> {
    this.#changes = [];
    this.#errorTold = true;
    if (this.#end === undefined) {
      this.#finish({ kind: "closed", error: undefined });
      this.#owner.release(this.handle);
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  record(record: RecordCursor): void {
    if (record.kind === RecordKind.Namespace) {
      const kind = (record.flags & RecordFlag.Removed) === 0 ? "added" : "removed";
      this.#add({ kind, namespace: record.json() as string[] });
    } else if (record.kind === RecordKind.End) {
      this.#finish(record.toEnd());
      this.#owner.release(this.handle);
    }
  }

  discard(reason: EndReason): void {
    if (reason.kind !== "error") this.#changes = [];
    this.#finish(reason);
  }

  #add(change: NamespaceChange): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: change });
      return;
    }
    this.#changes.push(change);
    if (this.#changes.length >= MAX_CHANGES && !this.#held) {
      this.#held = true;
      this.#owner.port.hold(this.handle, true);
    }
  }

  #finish(reason: EndReason): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    this.#stopSignal();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const next of waiting) this.#last(reason).then(next.resolve, next.reject);
  }

  /** What comes after the last change: the error once, then nothing. */
  #last(reason: EndReason): Promise<IteratorResult<NamespaceChange>> {
    if (reason.error === undefined || this.#errorTold) {
      return Promise.resolve({ done: true, value: undefined });
    }
    this.#errorTold = true;
    return Promise.reject(reason.error);
  }
}

/** One question about a track. */
export class NativeStatus implements RecordSink {
  readonly handle: number;
  readonly answer: Promise<TrackStatus>;
  readonly #owner: SinkOwner;
  readonly #label: string;
  readonly #answer = deferred<TrackStatus>();
  readonly #stopSignal: () => void;

  constructor(owner: SinkOwner, client: number, track: ResolvedTrack, signal: Signal | undefined) {
    this.#owner = owner;
    this.#label = trackLabel(track);
    const request = JSON.stringify(track);
    this.handle = requireHandle(owner.port, owner.port.request(client, "status", request));
    this.answer = whileAwaiting(owner, this.#answer.promise);
    this.#stopSignal = onAbort(owner, signal, () => {
      const what = `The request for the status of ${this.#label}`;
      this.#finish(new MoqError("cancelled", `${what} was aborted by its signal.`));
      owner.release(this.handle);
    });
  }

  record(record: RecordCursor): void {
    if (record.kind === RecordKind.Status) {
      const known = (record.flags & RecordFlag.HasLargest) !== 0;
      const { delivery } = record.json() as { delivery?: Delivery };
      this.#answer.resolve({
        largest: known ? { group: record.group, object: record.object } : undefined,
        delivery,
      });
    } else if (record.kind === RecordKind.End) {
      this.#finish(record.toError());
      this.#owner.release(this.handle);
    }
  }

  discard(reason: EndReason): void {
    this.#finish(reason.error);
  }

  #finish(error: MoqError | undefined): void {
    this.#stopSignal();
    // Does nothing after an answer.
    this.#answer.reject(
      error ??
        new MoqError("closed", `The request for the status of ${this.#label} got no answer.`, {
          retryable: true,
        }),
    );
  }
}
