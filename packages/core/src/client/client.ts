import type {
  Client,
  ClientState,
  ClientStats,
  CloseOptions,
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
  TrackRef,
  TrackStatus,
} from "../api.js";
import type { Clock } from "../delivery/clock.js";
import { MoqError } from "../errors.js";
import {
  type ResolvedClientOptions,
  resolveCloseOptions,
  resolveFetchOptions,
  resolveNamespacePrefix,
  resolvePublishOptions,
  resolveSignalOptions,
  resolveSubscribeOptions,
  resolveTrack,
} from "../options.js";
import type { PeerInfo, RequestId, Role, SessionEnd } from "../session/types.js";
import type { Transport } from "../transport.js";
import { PublishDoneCode, SessionCode } from "../wire/error.js";
import type { Goaway, RequestMessage } from "../wire/message.js";
import type { Namespace } from "../wire/name.js";
import type { Utf8 } from "../wire/utf8.js";
import { Connector, type ConnectorOwner, type Dial } from "./connector.js";
import { deferred } from "./deferred.js";
import { Discovery } from "./discovery.js";
import { closedError, reconnectingError, sessionError } from "./errors.js";
import { Feed } from "./feed.js";
import { Fetcher } from "./fetcher.js";
import { clockOf, type Host } from "./host.js";
import type { Link } from "./link.js";
import { Listeners } from "./listeners.js";
import { decodeFields, encodeFields, type TrackId, trackId } from "./names.js";
import { CorePublication } from "./publication.js";
import { Publisher } from "./publisher.js";
import { canReconnect } from "./reconnect.js";
import { collectStats } from "./stats.js";
import { askStatus } from "./status.js";
import { CoreSubscription } from "./subscription.js";

/** Engines before ES2026 lack the symbol; `await using` compiled for them looks it up like this. */
const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);

/** What a client is made with. */
export interface ClientSetup {
  readonly options: ResolvedClientOptions;
  readonly host: Host;
  readonly utf8: Utf8;
  readonly transport: ProtocolInfo["transport"];
  readonly role: Role;
  /** Makes connections, or is one. */
  readonly source: Transport | Dial;
}

/** The client: publications and subscriptions, which outlive the connections that carry them. */
export class CoreClient implements Client, ConnectorOwner {
  readonly #setup: ClientSetup;
  readonly #clock: Clock;
  readonly #publisher: Publisher;
  readonly #discovery: Discovery;
  readonly #feeds = new Map<string, Feed>();
  readonly #fetchers = new Set<Fetcher>();
  /** Publications that ended and whose last objects are still on their way. */
  readonly #ending = new Set<CorePublication>();
  readonly #states: Listeners<[ClientState, MoqError | undefined]>;
  readonly #opened = deferred<void>();
  readonly #closed = deferred<void>();
  readonly #capabilities = { fetch: true, discover: true, datagrams: true, subscribeUpdate: true };
  readonly #connector: Connector;
  #link: Link | undefined;
  #state: ClientState = "connecting";
  #peer: string | undefined;
  /** Whether the newest connection carries datagrams. */
  #datagrams = false;
  #reconnects = 0;
  #closing = false;

  constructor(setup: ClientSetup) {
    this.#setup = setup;
    this.#clock = clockOf(setup.host);
    this.#publisher = new Publisher(this.#clock);
    this.#connector = new Connector({ ...setup, dial: dialOf(setup.source) }, this);
    this.#states = new Listeners((error) => this.#listenerFailed(error));
    this.#discovery = new Discovery({
      clock: this.#clock,
      decode: (namespace: Namespace) => decodeFields(namespace, setup.utf8),
      unsupported: () => {
        this.#capabilities.discover = false;
      },
    });
  }

  /** Begins to connect; `opened` settles with the peer's SETUP. */
  start(): void {
    if (this.#state !== "connecting") return;
    const { source } = this.#setup;
    if (typeof source === "function") this.#connector.connect();
    else this.#connector.connectOver(source);
  }

  /** Resolves once the peer's SETUP arrived; rejects when the connection fails before. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get state(): ClientState {
    return this.#state;
  }

  get protocol(): ProtocolInfo {
    return {
      draft: 18,
      transport: this.#setup.transport,
      peer: this.#peer,
      capabilities: {
        ...this.#capabilities,
        // Between connections: what the last one could.
        datagrams:
          this.#link === undefined
            ? this.#datagrams
            : this.#link.session.maxDatagramSize() !== undefined,
      },
    };
  }

  publish(track: TrackRef, options?: PublishOptions): Publication {
    const id = this.#track(track);
    const resolved = resolvePublishOptions(options);
    this.#requireAlive(`publish ${id.label}`);
    if (this.#publisher.find(id.key) !== undefined) {
      throw new MoqError(
        "duplicate",
        `This client publishes ${id.label} already. Use that publication, or end it first.`,
      );
    }
    if (resolved.delivery === "datagram" && !this.protocol.capabilities.datagrams) {
      throw new MoqError(
        "unsupported",
        `The connection carries no datagrams. Publish ${id.label} as "latest" instead.`,
      );
    }
    return this.#batch(() => {
      const label = id.namespace.join("/");
      const ready = this.#publisher.announce(id.wire.namespace, label);
      const publication = new CorePublication(
        {
          clock: this.#clock,
          maxObjectSize: this.#setup.options.maxObjectSize,
          maxDatagramSize: () => this.#link?.session.maxDatagramSize(),
          ended: (ended) => this.#publicationEnded(ended),
          batch: (work) => this.#batch(work),
          listenerFailed: (error) => this.#listenerFailed(error),
        },
        id,
        resolved,
        ready,
      );
      this.#publisher.add(publication);
      return publication;
    });
  }

  subscribe(track: TrackRef, options?: SubscribeOptions): Subscription {
    const id = this.#track(track);
    const resolved = resolveSubscribeOptions(options);
    this.#requireAlive(`subscribe to ${id.label}`);
    return this.#batch(() => {
      let feed = this.#feeds.get(id.key);
      if (feed === undefined) {
        feed = this.#makeFeed(id);
        this.#feeds.set(id.key, feed);
        if (this.#link !== undefined) feed.attach(this.#link);
      }
      const subscription = new CoreSubscription(feed, id, resolved);
      feed.add(subscription);
      return subscription;
    });
  }

  discover(
    prefix: NamespaceLike,
    options?: { readonly signal?: Signal },
  ): AsyncIterable<NamespaceChange> {
    const fields = resolveNamespacePrefix(prefix);
    const signal = resolveSignalOptions("discover", options);
    this.#requireAlive("discover namespaces");
    if (!this.#capabilities.discover) {
      throw new MoqError("unsupported", "This relay offers no discovery of namespaces.");
    }
    const encoded = encodeFields(fields, this.#setup.utf8);
    return {
      [Symbol.asyncIterator]: () => {
        this.#requireAlive("discover namespaces");
        const watcher = this.#batch(() => this.#discovery.watch(encoded));
        if (signal !== undefined) {
          const abort = (): void => void watcher.return();
          signal.addEventListener("abort", abort);
          if (signal.aborted) abort();
        }
        return watcher;
      },
    };
  }

  fetch(track: TrackRef, options: FetchOptions): AsyncIterable<readonly MoqObject[]> {
    const id = this.#track(track);
    const resolved = resolveFetchOptions(options);
    this.#requireAlive(`fetch from ${id.label}`);
    this.#requireFetch();
    return {
      [Symbol.asyncIterator]: () => {
        const link = this.#requireOpen(`fetch from ${id.label}`);
        this.#requireFetch();
        const fetcher = new Fetcher(
          link,
          {
            clock: this.#clock,
            later: (work) => this.#later(work),
            fetchUnsupported: () => this.#fetchUnsupported(),
            gone: (gone) => void this.#fetchers.delete(gone),
          },
          id,
          resolved,
        );
        this.#fetchers.add(fetcher);
        this.#batch(() => fetcher.start());
        return fetcher.queue[Symbol.asyncIterator]();
      },
    };
  }

  status(track: TrackRef, options?: { readonly signal?: Signal }): Promise<TrackStatus> {
    // Async, so that refusals of arguments reject as well.
    return Promise.resolve().then(() => {
      const id = this.#track(track);
      const signal = resolveSignalOptions("status", options);
      return askStatus(this.#requireOpen(`ask for the status of ${id.label}`), id, signal);
    });
  }

  stats(): ClientStats {
    return collectStats(
      this.#state,
      this.#reconnects,
      this.#link?.session.transportStats(),
      this.#feeds.values(),
      this.#publisher.publications,
    );
  }

  onState(listener: (state: ClientState, reason: MoqError | undefined) => void): () => void {
    return this.#states.add(listener);
  }

  async close(options?: CloseOptions): Promise<void> {
    const flush = resolveCloseOptions("close", options);
    if (this.#state === "closed" || this.#closing) return this.#closed.promise;
    this.#closing = true;
    if (flush > 0 && this.#state === "open") await this.#flush(flush);
    const link = this.#link;
    if (link !== undefined && !link.isClosed) link.close(SessionCode.NoError, "");
    this.#end(undefined);
    return this.#closed.promise;
  }

  [ASYNC_DISPOSE](): Promise<void> {
    return this.close();
  }

  // ---- ConnectorOwner

  connected(link: Link, peer: PeerInfo): void {
    const before = this.#link;
    // Sent elsewhere by a GOAWAY: the old session stood until now.
    if (before !== undefined) this.#detach();
    this.#link = link;
    this.#peer = peer.options.implementation;
    this.#datagrams = link.session.maxDatagramSize() !== undefined;
    const first = this.#state === "connecting";
    this.#state = "open";
    link.batch(() => {
      this.#publisher.attach(link);
      this.#discovery.attach(link);
      for (const feed of this.#feeds.values()) feed.attach(link);
    });
    before?.close(SessionCode.NoError, "");
    if (first) this.#opened.resolve();
    else {
      this.#reconnects += 1;
      this.#log("info", "The connection stands again.");
    }
    this.#states.emit("open", undefined);
  }

  request(link: Link, id: RequestId, request: RequestMessage): void {
    this.#publisher.request(link, id, request);
  }

  goaway(link: Link, { uri }: Goaway): void {
    if (link !== this.#link || this.#closing) return;
    const where = uri === "" ? "" : ` It names ${uri}.`;
    const reason = new MoqError("going_away", `The relay goes away.${where}`);
    this.#log("warn", reason.message);
    if (this.#setup.options.reconnect === undefined) return;
    this.#connector.restore(reason, uri);
    if (this.#state !== "open") return;
    this.#state = "reconnecting";
    this.#states.emit("reconnecting", reason);
  }

  lost(link: Link, end: SessionEnd): void {
    if (link !== this.#link) return;
    const error = sessionError(end, true);
    const { reconnect, token } = this.#setup.options;
    const renews = typeof token === "function";
    if (
      error === undefined ||
      this.#closing ||
      reconnect === undefined ||
      !canReconnect(error, renews)
    ) {
      this.#end(error);
      return;
    }
    this.#log("warn", error.message);
    this.#detach();
    this.#connector.restore(error);
    if (this.#state === "reconnecting") return;
    this.#state = "reconnecting";
    this.#states.emit("reconnecting", error);
  }

  failed(error: MoqError): void {
    const link = this.#link;
    this.#end(error);
    link?.close(SessionCode.NoError, "");
  }

  /** Ends connecting with `error`, for timeouts and signals. */
  abandon(error: MoqError): void {
    if (this.#state !== "closed") this.failed(error);
  }

  // ---- inner workings

  /** The session is over and another one is to come: what it carried waits for that. */
  #detach(): void {
    this.#publisher.detach();
    for (const publication of this.#ending) publication.disconnected();
    this.#ending.clear();
    this.#discovery.detach();
    for (const feed of this.#feeds.values()) feed.detach();
    for (const fetcher of [...this.#fetchers]) {
      fetcher.fail(reconnectingError("go on with this fetch"));
    }
    this.#link = undefined;
  }

  #end(error: MoqError | undefined): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#connector.stop();
    const why = error ?? closedError("go on");
    this.#opened.reject(
      error ?? new MoqError("cancelled", "The client was closed before the connection stood."),
    );
    this.#publisher.detach();
    this.#publisher.fail(why);
    for (const publication of [...this.#publisher.publications]) {
      publication.finish(why, PublishDoneCode.GoingAway);
    }
    for (const publication of this.#ending) publication.disconnected();
    this.#discovery.finish(error);
    this.#discovery.detach();
    for (const fetcher of [...this.#fetchers]) fetcher.fail(error);
    for (const feed of [...this.#feeds.values()]) this.#endFeed(feed, error);
    this.#feeds.clear();
    this.#log(error === undefined ? "info" : "warn", error?.message ?? "The client was closed.");
    this.#states.emit("closed", error);
    this.#states.clear();
    this.#closed.resolve();
  }

  #endFeed(feed: Feed, error: MoqError | undefined): void {
    const readers = [...feed.readers];
    feed.detach();
    for (const reader of readers) {
      if (error === undefined) reader.discard();
      else reader.finish({ kind: "error", error });
    }
  }

  async #flush(ms: number): Promise<void> {
    const publications = [...this.#publisher.publications];
    const error = closedError("publish");
    for (const publication of publications) {
      publication.finish(error, PublishDoneCode.TrackEnded);
    }
    const waits = [...publications, ...this.#ending].map((publication) => publication.flush(ms));
    await Promise.all(waits);
  }

  #publicationEnded(publication: CorePublication): void {
    this.#publisher.remove(publication);
    if (publication.flushed || this.#state === "closed") return;
    this.#ending.add(publication);
    const forget = (): void => void this.#ending.delete(publication);
    // Acknowledgements end it sooner; a peer that never gives any does not keep it.
    publication.flush(60_000).then(forget, forget);
  }

  #makeFeed(track: TrackId): Feed {
    const owner = this;
    return new Feed(
      {
        clock: this.#clock,
        later: (work) => this.#later(work),
        batch: (work) => this.#batch(work),
        listenerFailed: (error) => this.#listenerFailed(error),
        fetchUnsupported: () => this.#fetchUnsupported(),
        get canFetch() {
          return owner.#capabilities.fetch;
        },
        recovers: this.#setup.options.reconnect !== undefined,
        emptied: (feed) => {
          if (this.#feeds.get(track.key) === feed) this.#feeds.delete(track.key);
        },
      },
      track,
    );
  }

  #track(track: TrackRef): TrackId {
    return trackId(resolveTrack(track), this.#setup.utf8);
  }

  #requireAlive(what: string): void {
    if (this.#state === "closed" || this.#closing) throw closedError(what);
  }

  #requireOpen(what: string): Link {
    this.#requireAlive(what);
    const link = this.#link;
    if (link === undefined) throw reconnectingError(what);
    return link;
  }

  #requireFetch(): void {
    if (this.#capabilities.fetch) return;
    throw new MoqError(
      "unsupported",
      "This relay offers no FETCH. Subscribe to the track instead.",
    );
  }

  #fetchUnsupported(): void {
    this.#capabilities.fetch = false;
  }

  #batch<T>(work: () => T): T {
    const link = this.#link;
    if (link === undefined) return work();
    let result: T | undefined;
    link.batch(() => {
      result = work();
    });
    return result as T;
  }

  #later(work: () => void): void {
    const link = this.#link;
    if (link === undefined) work();
    else link.later(work);
  }

  #listenerFailed(error: unknown): void {
    this.#log("error", `A listener threw: ${String(error)}`);
  }

  #log(level: "info" | "warn" | "error", message: string): void {
    this.#setup.host.log?.(level, message);
  }
}

function dialOf(source: Transport | Dial): Dial {
  return typeof source === "function" ? source : () => Promise.resolve(source);
}
