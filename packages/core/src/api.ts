/**
 * The one client interface that Node, the browser and Unreal share. Hosts return it from
 * `connect(url, options)`; gameplay code written against it runs on all three. Every host's package
 * exports all of this file.
 */
import type { MoqError } from "./errors.js";

export { type CertificateReason, ERROR_CODES, MoqError, type MoqErrorCode } from "./errors.js";

/** What happens when the network cannot keep up; see each class's promise in the README. */
export type Delivery = "reliable" | "latest" | "deadline" | "datagram";

/** Namespace as fields, or one string split on `/` (one trailing slash is ignored). */
export type NamespaceLike = string | readonly string[];

/** Namespace and track name. */
export type TrackRef = readonly [namespace: NamespaceLike, name: string];

/** The part of `AbortSignal` that the library uses, so that any host's own kind will do. */
export interface Signal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** A certificate hash as `WebTransport` takes it, or the same as 64 hexadecimal digits. */
export type CertificateHash =
  | string
  | { readonly algorithm: "sha-256"; readonly value: ArrayBufferView | ArrayBuffer };

/**
 * Gives a token for each connection: asked before the first and before every further one, so that a
 * token that expires can be renewed. What it throws fails that attempt.
 */
export type TokenSource = () => string | Uint8Array | Promise<string | Uint8Array>;

/** How a lost connection is repaired: attempts with exponential backoff and jitter. */
export interface ReconnectOptions {
  /** Upper bound in ms of the wait before the second attempt; it doubles with each. Default 200; 1–60,000. */
  readonly initialDelay?: number;
  /** Longest wait in ms between attempts. Default 5,000; at most 600,000. */
  readonly maxDelay?: number;
  /**
   * The client closes after so many ms without a connection, and a subscription ends whose publisher
   * has been away for as long. Default 120,000; 0: never.
   */
  readonly timeout?: number;
}

/** Options of `connect`, the same on every host. Unknown names are refused with a message that names them. */
export interface ClientOptions {
  /** Sent as authorization token with SETUP; a function is asked anew for every connection. */
  readonly token?: string | Uint8Array | TokenSource;
  /** SHA-256 of accepted server certificates (development certificates, at most 14 days valid). */
  readonly serverCertificateHashes?: readonly CertificateHash[];
  /** Longest wait for the connection and SETUP in ms. Default 10,000; 1–300,000. */
  readonly connectTimeout?: number;
  /**
   * Longest wait in ms for the answer to a request (publish, subscribe, fetch, discover, status),
   * beside the `wait` of a subscription. Default 30,000; 1–600,000. A `signal` ends one call earlier.
   */
  readonly requestTimeout?: number;
  /**
   * Interval in ms of keep-alive packets. Default 4,000; 0 turns it off, and in browsers the effect of
   * `idleTimeout` with it.
   */
  readonly keepAlive?: number;
  /** The connection counts as lost after this silence in ms. Default 15,000. */
  readonly idleTimeout?: number;
  /** Largest object in bytes that is accepted from the peer. Default 16 MiB; at most 64 MiB. */
  readonly maxObjectSize?: number;
  /**
   * Repairs a connection that is lost: connects again, announces and subscribes again from where each
   * subscription stood. `false`: a loss closes the client. Default `true`. The first connection is not
   * tried again: `connect` rejects.
   */
  readonly reconnect?: boolean | ReconnectOptions;
  /** Ends connecting early, or closes the client. */
  readonly signal?: Signal;
}

/** connecting → open → closed. `reconnecting` stands between two `open`s. */
export type ClientState = "connecting" | "open" | "reconnecting" | "closed";

/** What was negotiated. */
export interface ProtocolInfo {
  /** MoQ Transport draft, for example 18. */
  readonly draft: number;
  /** What carries it. */
  readonly transport: "webtransport" | "quic" | "memory";
  /** The peer's MOQT_IMPLEMENTATION, when it told. */
  readonly peer: string | undefined;
  readonly capabilities: {
    readonly fetch: boolean;
    readonly discover: boolean;
    readonly datagrams: boolean;
    readonly subscribeUpdate: boolean;
  };
}

/** Options of `publish`. */
export interface PublishOptions {
  /** Delivery class. Default `reliable`. */
  readonly delivery?: Delivery;
  /** For `deadline`: age in ms after which an update is worthless. Default 200; 1–60,000. */
  readonly deadline?: number;
  /** 0 is the highest, 255 the lowest. Default 128. */
  readonly priority?: number;
  /**
   * Most bytes that may wait in this publication's queue. Beyond it `reliable` has `send` return false, the other
   * classes drop what is oldest; on native hosts up to 8 MiB of theirs may wait besides, where the script hands them
   * to the library. Default 1 MiB.
   */
  readonly queueBytes?: number;
  /** `reliable`: bytes of the current group kept for late joiners. Default 8 MiB. */
  readonly retainBytes?: number;
  /** Largest whole datagram in bytes for `datagram`. Default 1,100. */
  readonly maxDatagramSize?: number;
}

/** Options of `close` and `end`. */
export interface CloseOptions {
  /** Waits up to this long in ms until the next hop has acknowledged everything accepted. Default 0. */
  readonly flush?: number;
}

/** One track that this client publishes. */
export interface Publication {
  readonly namespace: readonly string[];
  readonly name: string;
  readonly delivery: Delivery;
  /** Resolves when the peer accepted the namespace, rejects with its reason. */
  readonly ready: Promise<void>;
  /** How many subscriptions the next hop holds on this track now. */
  readonly subscribers: number;
  /**
   * Publishes one update; the bytes are copied before it returns. Updates of one turn of the event
   * loop may leave together at its end.
   * False: the queue is full and nothing was accepted (back-pressure); see {@link writable}.
   * Throws `too_large` (the message names the limit) and `closed`.
   */
  send(bytes: Uint8Array): boolean;
  /** `reliable`: starts a group with this snapshot, where late joiners begin. Same results as `send`. */
  keyframe(bytes: Uint8Array): boolean;
  /** Resolves when `send` would be accepted again; rejects when the publication ends. */
  writable(): Promise<void>;
  /** Called when a subscriber asks for a new group; at most once a second. */
  onKeyframeWanted(listener: () => void): () => void;
  /** Ends the track. Idempotent. */
  end(options?: CloseOptions): Promise<void>;
}

/** Options of `subscribe`. */
export interface SubscribeOptions {
  /**
   * Where to begin: `latest-group` (default) at the newest group's start, joined with what follows;
   * `next` at the next group; `now` at the next object.
   */
  readonly start?: "latest-group" | "next" | "now";
  /** How to read a track whose publisher did not say its class. Default `reliable`. */
  readonly delivery?: Delivery;
  /** `datagram` only: deliver in arrival order, also what is older than the newest. Default false. */
  readonly unordered?: boolean;
  /** 0 is the highest, 255 the lowest. Default 128. */
  readonly priority?: number;
  /** Waits up to this long in ms for a publisher to appear (RENDEZVOUS_TIMEOUT). Default 0. */
  readonly wait?: number;
  /** Objects that waited longer than this in the reader's queue, in ms, are dropped and counted. Default: no limit. */
  readonly maxAge?: number;
  /** Most bytes that may wait for the reader. Default 8 MiB. When full: `reliable` pushes back, the others drop the oldest. */
  readonly queueBytes?: number;
  /** Bounded wait in ms for a missing group before it is reported as a gap (`reliable`). Default 2,000. */
  readonly gapTimeout?: number;
  /** Ends the subscription. */
  readonly signal?: Signal;
}

/**
 * One object. In `drain`, the object and its `bytes` are valid during the call only: both are used
 * again for the next. In async iteration they are the reader's to keep; the `bytes` of small objects
 * share an `ArrayBuffer`, so copy them before that buffer is transferred.
 */
export interface MoqObject {
  readonly group: number;
  readonly object: number;
  readonly subgroup: number;
  readonly bytes: Uint8Array;
  /** When it arrived, in ms of the host's monotonic clock. */
  readonly receivedAt: number;
  /** The publisher's time in unix ms, where it sent one (`deadline`). */
  readonly publishedAt: number | undefined;
  /** True for the first object of a group. */
  readonly keyframe: boolean;
}

/** Something that will not be delivered. */
export interface Gap {
  readonly fromGroup: number;
  readonly toGroup: number;
  /** Number of objects lost, when that can be known. */
  readonly objects: number | undefined;
  readonly reason:
    | "lost"
    | "reset"
    | "late"
    | "stale"
    | "overflow"
    | "too_far_behind"
    | "reconnected";
}

/** Why a subscription, publication or client ended. */
export interface EndReason {
  readonly kind: "ended" | "closed" | "error";
  /** Set when `kind` is `error`. */
  readonly error: MoqError | undefined;
}

export interface DrainOptions {
  /** Default: all that wait. */
  readonly maxObjects?: number;
  readonly maxBytes?: number;
  /** Stop after about this many ms. */
  readonly maxTime?: number;
}

export interface DrainResult {
  readonly objects: number;
  /** True when the budget ended before the queue did. */
  readonly more: boolean;
}

/** One track that this client reads. Read it with `drain` (game loops) or `for await` (backends), not both. */
export interface Subscription extends AsyncIterable<readonly MoqObject[]> {
  readonly namespace: readonly string[];
  readonly name: string;
  /** The class in force: the publisher's, or else the option. Known once `ready`. */
  readonly delivery: Delivery;
  /** Accepted, or rejects with the peer's reason. */
  readonly ready: Promise<void>;
  drain(visitor: (object: MoqObject) => void, options?: DrainOptions): DrainResult;
  /** Called once whenever the empty queue became non-empty; a hint to call `drain`. */
  onReadable(listener: () => void): () => void;
  /** Called exactly once. */
  onEnd(listener: (reason: EndReason) => void): () => void;
  onGap(listener: (gap: Gap) => void): () => void;
  readonly stats: SubscriptionStats;
  /** Stops reading. Nothing is delivered afterwards. Idempotent. */
  close(): void;
}

export interface SubscriptionStats {
  readonly objects: number;
  readonly bytes: number;
  /** Objects and bytes waiting for the reader. */
  readonly queuedObjects: number;
  readonly queuedBytes: number;
  /** Dropped here, by cause. */
  readonly stale: number;
  readonly late: number;
  readonly overflow: number;
  /** Streams reset or cut before their end. */
  readonly reset: number;
  /** Gaps reported. */
  readonly gaps: number;
}

export interface PublicationStats {
  readonly objects: number;
  readonly bytes: number;
  readonly queuedObjects: number;
  readonly queuedBytes: number;
  /** Updates replaced by a newer one, dropped or reset past their deadline before they were sent. */
  readonly dropped: number;
  readonly subscribers: number;
}

/** A namespace that appeared or went away. */
export interface NamespaceChange {
  readonly kind: "added" | "removed";
  readonly namespace: readonly string[];
}

export interface FetchOptions {
  /** First group. */
  readonly fromGroup: number;
  /** Last group, inclusive. */
  readonly toGroup: number;
  readonly order?: "ascending" | "descending";
  readonly priority?: number;
  readonly signal?: Signal;
}

/** What the next hop knows of a track. */
export interface TrackStatus {
  readonly largest: { readonly group: number; readonly object: number } | undefined;
  readonly delivery: Delivery | undefined;
}

/** Counters since `connect`. */
export interface ClientStats {
  readonly state: ClientState;
  /** How often a lost connection was replaced. */
  readonly reconnects: number;
  /** Smoothed round-trip time in ms; undefined where the host cannot know. */
  readonly rtt: number | undefined;
  readonly bytesSent: number | undefined;
  readonly bytesReceived: number | undefined;
  readonly packetsSent: number | undefined;
  readonly packetsLost: number | undefined;
  readonly datagramsDropped: number;
  readonly subscriptions: readonly (SubscriptionStats & {
    readonly track: string;
    readonly delivery: Delivery;
  })[];
  readonly publications: readonly (PublicationStats & {
    readonly track: string;
    readonly delivery: Delivery;
  })[];
}

/** A connection to a relay. */
export interface Client {
  readonly state: ClientState;
  readonly protocol: ProtocolInfo;
  publish(track: TrackRef, options?: PublishOptions): Publication;
  subscribe(track: TrackRef, options?: SubscribeOptions): Subscription;
  /** Namespaces at or under a prefix: those that exist now, then changes. Ends when the client closes. */
  discover(
    prefix: NamespaceLike,
    options?: { readonly signal?: Signal },
  ): AsyncIterable<NamespaceChange>;
  /** Past objects, in batches; ends after the last. */
  fetch(track: TrackRef, options: FetchOptions): AsyncIterable<readonly MoqObject[]>;
  status(track: TrackRef, options?: { readonly signal?: Signal }): Promise<TrackStatus>;
  stats(): ClientStats;
  onState(listener: (state: ClientState, reason: MoqError | undefined) => void): () => void;
  /** Idempotent. Nothing is delivered after it resolves. */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
