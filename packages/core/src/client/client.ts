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
import type { PeerInfo, SessionEnd } from "../session/types.js";
import { PublishDoneCode, SessionCode } from "../wire/error.js";
import type { Namespace } from "../wire/name.js";
import type { Utf8 } from "../wire/utf8.js";
import { deferred } from "./deferred.js";
import { Discovery } from "./discovery.js";
import { closedError, sessionError } from "./errors.js";
import { Feed } from "./feed.js";
import { Fetcher } from "./fetcher.js";
import { clockOf, type Host } from "./host.js";
import type { Link, LinkOwner } from "./link.js";
import { Listeners } from "./listeners.js";
import { decodeFields, encodeFields, type TrackId, trackId } from "./names.js";
import { CorePublication } from "./publication.js";
import { Publisher } from "./publisher.js";
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
}

/** The client over a {@link Link}: publications and subscriptions, which outlive connections. */
export class CoreClient implements Client, LinkOwner {
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
  #link: Link | undefined;
  #state: ClientState = "connecting";
  #peer: string | undefined;
  #closing = false;

  constructor(setup: ClientSetup) {
    this.#setup = setup;
    this.#clock = clockOf(setup.host);
    this.#publisher = new Publisher(this.#clock);
    this.#states = new Listeners((error) => this.#listenerFailed(error));
    this.#discovery = new Discovery({
      clock: this.#clock,
      decode: (namespace: Namespace) => decodeFields(namespace, setup.utf8),
      unsupported: () => {
        this.#capabilities.discover = false;
      },
    });
  }

  /** Takes the connection; `opened` settles with its SETUP. */
  attach(link: Link): void {
    this.#link = link;
    link.batch(() => {
      this.#publisher.attach(link);
      this.#discovery.attach(link);
      for (const feed of this.#feeds.values()) feed.attach(link);
    });
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
        datagrams: this.#link?.session.maxDatagramSize() !== undefined,
      },
    };
  }

  publish(track: TrackRef, options?: PublishOptions): Publication {
    const id = this.#track(track);
    const resolved = resolvePublishOptions(options);
    this.#requireOpen(`publish ${id.label}`);
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
    this.#requireOpen(`subscribe to ${id.label}`);
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
    this.#requireOpen("discover namespaces");
    if (!this.#capabilities.discover) {
      throw new MoqError("unsupported", "This relay offers no discovery of namespaces.");
    }
    const encoded = encodeFields(fields, this.#setup.utf8);
    return {
      [Symbol.asyncIterator]: () => {
        this.#requireOpen("discover namespaces");
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
    this.#requireOpen(`fetch from ${id.label}`);
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

  // ---- LinkOwner

  ready(peer: PeerInfo): void {
    this.#peer = peer.options.implementation;
    if (this.#state !== "connecting") return;
    this.#state = "open";
    this.#opened.resolve();
    this.#states.emit("open", undefined);
  }

  request(...[id, request]: Parameters<LinkOwner["request"]>): void {
    if (this.#link !== undefined) this.#publisher.request(this.#link, id, request);
  }

  goaway(...[goaway]: Parameters<LinkOwner["goaway"]>): void {
    const where = goaway.uri === "" ? "" : ` It names ${goaway.uri}.`;
    this.#log("warn", `The relay announced that it goes away.${where}`);
  }

  closed(end: SessionEnd): void {
    this.#end(sessionError(end, this.#state !== "connecting"));
  }

  /** Ends connecting with `error`, for timeouts and signals. */
  abandon(error: MoqError): void {
    if (this.#state === "closed") return;
    const link = this.#link;
    this.#end(error);
    link?.close(SessionCode.NoError, "");
  }

  // ---- inner workings

  #end(error: MoqError | undefined): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
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

  #requireOpen(what: string): Link {
    const link = this.#link;
    if (this.#state === "closed" || this.#closing || link === undefined) throw closedError(what);
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
