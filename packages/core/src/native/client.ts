import type {
  Client,
  ClientState,
  ClientStats,
  CloseOptions,
  EndReason,
  FetchOptions,
  MoqObject,
  NamespaceChange,
  NamespaceLike,
  ProtocolInfo,
  Publication,
  PublishOptions,
  Signal,
  SubscribeOptions,
  Subscription,
  TokenSource,
  TrackRef,
  TrackStatus,
} from "../api.js";
import { deferred } from "../client/deferred.js";
import { Listeners } from "../client/listeners.js";
import { MoqError } from "../errors.js";
import { currentToken } from "../options/credentials.js";
import {
  resolveCloseOptions,
  resolveFetchOptions,
  resolveNamespacePrefix,
  resolvePublishOptions,
  resolveSignalOptions,
  resolveSubscribeOptions,
  resolveTrack,
  trackLabel,
} from "../options.js";
import { encodeUtf8 } from "../wire/utf8.js";
import { Inbox } from "./inbox.js";
import type { RecordObjects } from "./objects.js";
import { NATIVE_ABI_VERSION, type NativeHost, type NativePort, PUBLISH_MORE } from "./port.js";
import { NativePublication } from "./publication.js";
import { type RecordCursor, RecordKind } from "./records.js";
import { NativeDiscovery, NativeFetch, NativeStatus } from "./requests.js";
import { portError, type RecordSink, requireHandle } from "./sink.js";
import type { RawStats } from "./stats.js";
import { type NativeCounters, NativeSubscription, type SubscriptionOwner } from "./subscription.js";

const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);

/** Updates of one turn that wait for its end before they leave all the same. */
const MOST_HELD = 64;
const DONE: Promise<void> = Promise.resolve();
/** For how many ms statistics of the library are used again. */
const STATS_AGE = 5;

/** The client over a {@link NativePort}, shared by every script host. */
export class NativeClient implements Client, SubscriptionOwner {
  readonly port: NativePort;
  readonly now: () => number;
  readonly handle: number;
  readonly #host: NativeHost;
  readonly objects: RecordObjects;
  readonly #inbox: Inbox;
  /** Tracks that are published now; the library would tell of a second one only later. */
  readonly #published = new Map<string, NativePublication>();
  readonly #states: Listeners<[ClientState, MoqError | undefined]>;
  readonly #opened = deferred<void>();
  readonly #closed = deferred<void>();
  #state: ClientState = "connecting";
  #endedBy: MoqError | undefined;
  #closing = false;
  #protocol: ProtocolInfo = {
    draft: 18,
    transport: "quic",
    peer: undefined,
    capabilities: { fetch: true, discover: true, datagrams: true, subscribeUpdate: true },
  };
  #awaited = 0;
  #stats: RawStats | undefined;
  #statsAt = -Infinity;
  #stopSignal: () => void = () => {};
  /** Updates published in this turn, and whether there were several in the last one. */
  #sends = 0;
  #manySends = false;
  readonly #turnOver = (): void => {
    if (this.#sends > 1 || this.#manySends) this.port.flush(this.handle);
    this.#manySends = this.#sends > 1;
    this.#sends = 0;
  };

  readonly #token: TokenSource | undefined;

  /** Begins to connect; `opened` settles when it is known how that went. `token`: asked when the library asks. */
  constructor(port: NativePort, host: NativeHost, options: string, token?: TokenSource) {
    const version = port.abiVersion();
    if (version !== NATIVE_ABI_VERSION) {
      throw new MoqError(
        "unavailable",
        `The native library has ABI version ${version}; this package needs ${NATIVE_ABI_VERSION}. ` +
          "Install one version of all @moq-game packages.",
      );
    }
    this.port = port;
    this.#host = host;
    this.#token = token;
    this.now = host.now;
    this.#states = new Listeners((error) => this.listenerFailed(error));
    this.handle = requireHandle(port, port.open(options));
    this.#inbox = new Inbox(port, host, this.handle, {
      failed: (error) => this.#end(error),
      listenerFailed: (error) => this.listenerFailed(error),
    });
    this.objects = this.#inbox.objects;
    this.#inbox.add(this.handle, {
      record: (record) => this.#record(record),
      discard: () => {},
    });
    const opened = this.awaiting();
    this.#opened.promise.then(opened, opened);
    const woken = port.setWaker(this.handle, () => this.poll());
    if (woken < 0) throw portError(port, woken);
  }

  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Why the client closed, if it did not just close because it was told to. */
  get endedBy(): MoqError | undefined {
    return this.#endedBy;
  }

  get state(): ClientState {
    return this.#state;
  }

  get protocol(): ProtocolInfo {
    return this.#protocol;
  }

  /** Lets `signal` end connecting, and close the client later on. */
  follow(signal: Signal | undefined): void {
    if (signal === undefined) return;
    const abort = (): void => {
      const error =
        this.#state === "connecting"
          ? new MoqError("cancelled", "Connecting was aborted by its signal.")
          : undefined;
      this.#end(error);
    };
    signal.addEventListener("abort", abort);
    this.#stopSignal = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
  }

  publish(track: TrackRef, options?: PublishOptions): Publication {
    const resolved = resolveTrack(track);
    const resolvedOptions = resolvePublishOptions(options);
    const label = trackLabel(resolved);
    this.#requireOpen(`publish ${label}`);
    const key = JSON.stringify(resolved);
    if (this.#published.get(key)?.ended === false) {
      throw new MoqError(
        "duplicate",
        `This client publishes ${label} already. Use that publication, or end it first.`,
      );
    }
    const publication = new NativePublication(this, this.handle, resolved, resolvedOptions);
    this.#published.set(key, publication);
    return this.#adopt(publication);
  }

  subscribe(track: TrackRef, options?: SubscribeOptions): Subscription {
    const resolved = resolveTrack(track);
    const resolvedOptions = resolveSubscribeOptions(options);
    this.#requireOpen(`subscribe to ${trackLabel(resolved)}`);
    return this.#adopt(new NativeSubscription(this, this.handle, resolved, resolvedOptions));
  }

  discover(
    prefix: NamespaceLike,
    options?: { readonly signal?: Signal },
  ): AsyncIterable<NamespaceChange> {
    const fields = resolveNamespacePrefix(prefix);
    const signal = resolveSignalOptions("discover", options);
    this.#requireOpen("discover namespaces");
    return {
      [Symbol.asyncIterator]: () => {
        this.#requireOpen("discover namespaces");
        return this.#adopt(new NativeDiscovery(this, this.handle, fields, signal));
      },
    };
  }

  fetch(track: TrackRef, options: FetchOptions): AsyncIterable<readonly MoqObject[]> {
    const resolved = resolveTrack(track);
    const resolvedOptions = resolveFetchOptions(options);
    const what = `fetch from ${trackLabel(resolved)}`;
    this.#requireOpen(what);
    return {
      [Symbol.asyncIterator]: () => {
        this.#requireOpen(what);
        return this.#adopt(new NativeFetch(this, this.handle, resolved, resolvedOptions));
      },
    };
  }

  async status(track: TrackRef, options?: { readonly signal?: Signal }): Promise<TrackStatus> {
    const resolved = resolveTrack(track);
    const signal = resolveSignalOptions("status", options);
    this.#requireOpen(`ask for the status of ${trackLabel(resolved)}`);
    return this.#adopt(new NativeStatus(this, this.handle, resolved, signal)).answer;
  }

  stats(): ClientStats {
    const raw = this.#rawStats();
    const subscriptions = [];
    const publications = [];
    for (const sink of this.#inbox.sinks) {
      if (sink instanceof NativeSubscription) {
        subscriptions.push({ ...sink.stats, track: sink.label, delivery: sink.delivery });
      } else if (sink instanceof NativePublication && !sink.ended) {
        const native = raw?.publications.find((entry) => entry.handle === sink.handle);
        publications.push({
          objects: native?.objects ?? 0,
          bytes: native?.bytes ?? 0,
          queuedObjects: native?.queuedObjects ?? 0,
          queuedBytes: native?.queuedBytes ?? 0,
          dropped: native?.dropped ?? 0,
          subscribers: sink.subscribers,
          track: sink.label,
          delivery: sink.delivery,
        });
      }
    }
    return {
      state: this.#state,
      reconnects: raw?.reconnects ?? 0,
      rtt: raw?.rtt ?? undefined,
      bytesSent: raw?.bytesSent ?? undefined,
      bytesReceived: raw?.bytesReceived ?? undefined,
      packetsSent: raw?.packetsSent ?? undefined,
      packetsLost: raw?.packetsLost ?? undefined,
      datagramsDropped: raw?.datagramsDropped ?? 0,
      subscriptions,
      publications,
    };
  }

  onState(listener: (state: ClientState, reason: MoqError | undefined) => void): () => void {
    return this.#states.add(listener);
  }

  async close(options?: CloseOptions): Promise<void> {
    const flush = resolveCloseOptions("close", options);
    if (this.#state === "closed") return this.#closed.promise;
    if (flush === 0 || this.#state !== "open") {
      this.#end(undefined);
    } else if (!this.#closing) {
      this.#closing = true;
      const done = this.awaiting();
      this.#closed.promise.then(done, done);
      if (this.port.close(this.handle, flush) < 0) this.#end(undefined);
    }
    return this.#closed.promise;
  }

  [ASYNC_DISPOSE](): Promise<void> {
    return this.close();
  }

  /**
   * Takes what waits in the library and hands it out, within the host's turn if it is bounded. Wakes
   * do this by themselves; hosts without wakes call it once a tick.
   */
  poll(): void {
    this.#inbox.poll();
  }

  // ---- what publications, subscriptions and requests need

  soon(work: () => void): void {
    this.#host.schedule(work);
  }

  /**
   * Updates of one turn of the event loop leave together at its end: they share packets, and the
   * library is woken once for all. A turn that publishes one update sends it at once, and so does
   * the first of a turn that comes after such a one.
   */
  publishFlags(): number {
    this.#sends += 1;
    if (this.#sends === 1) {
      void DONE.then(this.#turnOver);
      return this.#manySends ? PUBLISH_MORE : 0;
    }
    return this.#sends % MOST_HELD === 0 ? 0 : PUBLISH_MORE;
  }

  later(work: () => void): void {
    this.#inbox.later(work);
  }

  awaiting(): () => void {
    this.#awaited += 1;
    if (this.#awaited === 1) this.port.keepAlive?.(this.handle, true);
    let done = false;
    return () => {
      if (done) return;
      done = true;
      this.#awaited -= 1;
      if (this.#awaited === 0 && this.#state !== "closed") {
        this.port.keepAlive?.(this.handle, false);
      }
    };
  }

  release(handle: number): void {
    const sink = this.#inbox.remove(handle);
    if (sink instanceof NativePublication) {
      const key = JSON.stringify({ namespace: sink.namespace, name: sink.name });
      if (this.#published.get(key) === sink) this.#published.delete(key);
    }
    // Nothing to free once the client is closed.
    if (this.#state !== "closed") this.port.closeHandle(handle);
  }

  counters(handle: number, ended: boolean): NativeCounters | undefined {
    const raw = this.#rawStats();
    const find = (list: RawStats["ended"] | undefined): NativeCounters | undefined =>
      list?.find((entry) => entry.handle === handle);
    // What ended with its client has its last counters where it always had.
    const live = ended && this.#state !== "closed" ? undefined : find(raw?.subscriptions);
    return (ended ? find(raw?.ended) : undefined) ?? live;
  }

  listenerFailed(error: unknown): void {
    this.#host.onListenerError?.(error);
  }

  // ---- inner workings

  #adopt<T extends RecordSink & { readonly handle: number }>(sink: T): T {
    this.#inbox.add(sink.handle, sink);
    return sink;
  }

  /** A call, because listeners change the state while a loop looks at it. */
  #isOver(): boolean {
    return this.#state === "closed";
  }

  #requireOpen(what: string): void {
    if (this.#state !== "closed" && !this.#closing) return;
    throw new MoqError(
      "closed",
      `Cannot ${what}: the client is closed. Make a new one with connect.`,
    );
  }

  #record(record: RecordCursor): void {
    if (record.kind === RecordKind.State) {
      this.#changeState(record);
    } else if (record.kind === RecordKind.TokenWanted) {
      void this.#answer(record.extra);
    } else if (record.kind === RecordKind.End) {
      // A close that was asked for is no failure, and neither is one that could not flush in time.
      this.#end(this.#closing ? undefined : record.toError());
    }
  }

  #changeState(record: RecordCursor): void {
    const state = record.toState();
    if (state === this.#state) return;
    if (state === "open") {
      const told = record.json() as Omit<ProtocolInfo, "peer"> & { peer: string | null };
      this.#protocol = { ...told, peer: told.peer ?? undefined };
    }
    this.#state = state;
    const reason = state === "reconnecting" ? record.toLoss() : undefined;
    if (state === "open") this.#opened.resolve();
    this.#states.emit(state, reason);
  }

  /** The token for one attempt to connect. */
  async #answer(attempt: number): Promise<void> {
    try {
      const token = (await currentToken(this.#token)) ?? "";
      const bytes = typeof token === "string" ? encodeUtf8(token) : token;
      if (this.#isOver()) return;
      const result = this.port.supplyToken(this.handle, attempt, bytes);
      if (result < 0) throw portError(this.port, result);
    } catch (reason) {
      if (this.#isOver()) return;
      const error = reason as MoqError;
      // A source that gives what is no token will not mend itself.
      if (error.code === "unauthorized") this.port.refuseToken(this.handle, attempt, error.message);
      else this.#end(error);
    }
  }

  #end(error: MoqError | undefined): void {
    if (this.#state === "closed") return;
    this.#stats = this.#rawStats();
    this.port.keepAlive?.(this.handle, false);
    this.#state = "closed";
    this.#endedBy = error;
    this.#stopSignal();
    this.port.setWaker(this.handle, undefined);
    this.port.close(this.handle, 0);
    const reason: EndReason = { kind: error === undefined ? "closed" : "error", error };
    this.#published.clear();
    this.#inbox.close(reason);
    this.#opened.reject(
      error ?? new MoqError("cancelled", "The client was closed before the connection stood."),
    );
    this.#states.emit("closed", error);
    this.#states.clear();
    this.#inbox.settle();
    this.#closed.resolve();
  }

  #rawStats(): RawStats | undefined {
    if (this.#state === "closed") return this.#stats;
    const now = this.now();
    if (this.#stats === undefined || now - this.#statsAt >= STATS_AGE) {
      const text = this.port.stats(this.handle);
      if (text !== "") this.#stats = JSON.parse(text) as RawStats;
      this.#statsAt = now;
    }
    return this.#stats;
  }
}
