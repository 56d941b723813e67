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
  resolveCloseOptions,
  resolveFetchOptions,
  resolveNamespacePrefix,
  resolvePublishOptions,
  resolveSignalOptions,
  resolveSubscribeOptions,
  resolveTrack,
} from "../options.js";
import type { RequestId } from "../session/types.js";
import { PublishDoneCode } from "../wire/error.js";
import type { RequestMessage } from "../wire/message.js";
import type { Namespace } from "../wire/name.js";
import { Connection, type ConnectionOwner } from "./connection.js";
import type { ConnectorSetup } from "./connector.js";
import { Discovery } from "./discovery.js";
import { closedError, reconnectingError } from "./errors.js";
import { Feed } from "./feed.js";
import { Fetcher } from "./fetcher.js";
import { clockOf } from "./host.js";
import type { Link } from "./link.js";
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
export interface ClientSetup extends ConnectorSetup {
  readonly transport: ProtocolInfo["transport"];
}

/** The client: publications and subscriptions, which outlive the connections that carry them. */
export class CoreClient implements Client, ConnectionOwner {
  readonly #setup: ClientSetup;
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #publisher: Publisher;
  readonly #discovery: Discovery;
  readonly #feeds = new Map<string, Feed>();
  readonly #fetchers = new Set<Fetcher>();
  /** Publications that ended and whose last objects are still on their way. */
  readonly #ending = new Set<CorePublication>();
  readonly #capabilities = { fetch: true, discover: true, subscribeUpdate: true };
  #closing: Promise<void> | undefined;

  constructor(setup: ClientSetup) {
    this.#setup = setup;
    this.#clock = clockOf(setup.host);
    this.#publisher = new Publisher(this.#clock);
    this.#connection = new Connection(setup, this, (error) => this.#listenerFailed(error));
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
    this.#connection.start();
  }

  /** Resolves once the peer's SETUP arrived; rejects when the connection fails before. */
  get opened(): Promise<void> {
    return this.#connection.opened;
  }

  get state(): ClientState {
    return this.#connection.state;
  }

  get protocol(): ProtocolInfo {
    const { peer, datagrams } = this.#connection;
    return {
      draft: 18,
      transport: this.#setup.transport,
      peer,
      capabilities: { ...this.#capabilities, datagrams },
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
          maxDatagramSize: () => this.#connection.link?.session.maxDatagramSize(),
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
        const { link } = this.#connection;
        if (link !== undefined) feed.attach(link, false);
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
        if (signal !== undefined) watcher.follow(signal);
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
    const { state, reconnects, transportStats } = this.#connection;
    return collectStats(
      { state, reconnects },
      transportStats,
      this.#feeds.values(),
      this.#publisher.publications,
    );
  }

  onState(listener: (state: ClientState, reason: MoqError | undefined) => void): () => void {
    return this.#connection.onState(listener);
  }

  close(options?: CloseOptions): Promise<void> {
    try {
      const flush = resolveCloseOptions("close", options);
      this.#closing ??= this.#close(flush);
      return this.#closing;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  [ASYNC_DISPOSE](): Promise<void> {
    return this.close();
  }

  /** Ends connecting with `error`, for signals. */
  abandon(error: MoqError): void {
    this.#connection.end(error);
  }

  // ---- ConnectionOwner

  attach(link: Link, again: boolean): void {
    this.#publisher.attach(link);
    this.#discovery.attach(link);
    for (const feed of this.#feeds.values()) feed.attach(link, again);
  }

  detach(): void {
    this.#publisher.detach();
    for (const publication of this.#ending) publication.disconnected();
    this.#ending.clear();
    this.#discovery.detach();
    for (const feed of this.#feeds.values()) feed.detach();
    for (const fetcher of [...this.#fetchers]) {
      fetcher.fail(reconnectingError("go on with this fetch"));
    }
  }

  request(link: Link, id: RequestId, request: RequestMessage): void {
    this.#publisher.request(link, id, request);
  }

  ended(error: MoqError | undefined): void {
    const why = error ?? closedError("go on");
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
  }

  // ---- inner workings

  async #close(flush: number): Promise<void> {
    if (flush > 0) await this.#flush(flush);
    this.#connection.end(undefined);
  }

  #endFeed(feed: Feed, error: MoqError | undefined): void {
    const readers = [...feed.readers];
    feed.detach();
    for (const reader of readers) {
      if (error === undefined) reader.discard();
      else reader.finish({ kind: "error", error });
    }
  }

  /** Ends all publications and waits until what they accepted is acknowledged, at most `ms`. */
  async #flush(ms: number): Promise<void> {
    const until = this.#clock.now() + ms;
    await this.#connection.restored(ms);
    const left = Math.max(0, until - this.#clock.now());
    const error = closedError("publish");
    const open = [...this.#publisher.publications];
    const ending = [...this.#ending].map((publication) => publication.flush(left));
    await Promise.all([
      ...open.map((publication) => publication.deliverAndFinish(error, left)),
      ...ending,
    ]);
  }

  #publicationEnded(publication: CorePublication): void {
    this.#publisher.remove(publication);
    if (publication.flushed || this.state === "closed") return;
    this.#ending.add(publication);
    const forget = (): void => void this.#ending.delete(publication);
    // Acknowledgements end it sooner; a peer that never gives any does not keep it.
    publication.flush(60_000).then(forget, forget);
  }

  #makeFeed(track: TrackId): Feed {
    const owner = this;
    const { reconnect } = this.#setup.options;
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
        recoverTimeout: reconnect === undefined ? 0 : reconnect.timeout || Infinity,
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
    if (this.state === "closed" || this.#closing !== undefined) throw closedError(what);
  }

  #requireOpen(what: string): Link {
    this.#requireAlive(what);
    const { link } = this.#connection;
    if (!link?.takesRequests) throw reconnectingError(what);
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
    const { link } = this.#connection;
    if (link === undefined) return work();
    let result: T | undefined;
    link.batch(() => {
      result = work();
    });
    return result as T;
  }

  #later(work: () => void): void {
    const { link } = this.#connection;
    if (link === undefined) work();
    else link.later(work);
  }

  #listenerFailed(error: unknown): void {
    this.#setup.host.log?.("error", `A listener threw: ${String(error)}`);
  }
}
