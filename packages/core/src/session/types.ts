import type { CloseReason, Dir, StreamId } from "../transport.js";
import type {
  Fetch,
  Goaway,
  Publish,
  PublishNamespace,
  RequestError,
  RequestMessage,
  RequestOk,
  RequestUpdate,
  ResponseMessage,
  Subscribe,
  SubscribeNamespace,
  SubscribeTracks,
  TrackStatus,
} from "../wire/message.js";
import type { FetchItem, ObjectDatagram, SubgroupHeader, SubgroupObject } from "../wire/object.js";
import type { DraftProfile } from "../wire/profile.js";
import type { SetupOptions } from "../wire/setup.js";
import type { AuthToken } from "../wire/token.js";
import type { Utf8 } from "../wire/utf8.js";

/** Which side of the connection a session is: a client's request ids are even, a server's odd. */
export type Role = "client" | "server";

/**
 * Id of a request, unique in the session: the parity says who made it. Ids of requests that a peer
 * made are bounded by the window of {@link SessionLimits.requestIdWindow}, so a number holds them.
 */
export type RequestId = number;

/** Bounds on what a peer or a caller can make a session hold. */
export interface SessionLimits {
  /** Live requests that the peer may have; more are answered EXCESSIVE_LOAD. Default 1,024. */
  readonly maxRequests: number;
  /** Live requests of ours, those waiting for stream credit included. Default 1,024. */
  readonly maxOwnRequests: number;
  /** Updates on one request without an answer, each way. Default 16. */
  readonly maxUpdates: number;
  /** How far ahead of the smallest unused request id a peer may go. Default 65,536. */
  readonly requestIdWindow: number;
  /** Incoming unidirectional streams at a time; more are stopped. Default 4,096. */
  readonly maxStreams: number;
  /** Largest object payload in bytes; the stream of a larger one is stopped. Default 16 MiB. */
  readonly maxObjectSize: number;
  /** Largest properties of an object in bytes. Default 65,536. */
  readonly maxPropertiesSize: number;
  /** Bytes held for incomplete objects on all streams; over it a stream is stopped. Default 64 MiB. */
  readonly maxReceiveBuffer: number;
  /** Streams held for a track alias or a request not known yet. Default 64. */
  readonly maxEarlyStreams: number;
  /** Datagrams held for a track alias not known yet. Default 64. */
  readonly maxEarlyDatagrams: number;
  /** Milliseconds that early data is held. Default 2,000. */
  readonly earlyDataTimeout: number;
  /** Track aliases remembered after their subscription ended. Default 1,024. */
  readonly maxRetiredAliases: number;
  /** Namespaces that one SUBSCRIBE_NAMESPACE of ours may list at a time. Default 16,384. */
  readonly maxNamespaces: number;
  /**
   * Bytes that the peer may leave untaken on one request stream; over it the request is cancelled
   * with EXCESSIVE_LOAD. Default 1 MiB.
   */
  readonly maxRequestBacklog: number;
  /**
   * Milliseconds after PUBLISH_DONE for which streams that have not come yet are waited for.
   * Default 2,000.
   */
  readonly doneTimeout: number;
  /**
   * Milliseconds within which a request of ours has to be answered (a RENDEZVOUS_TIMEOUT is added).
   * Default 30,000.
   */
  readonly responseTimeout: number;
  /** Milliseconds within which the peer has to send SETUP. Default 10,000. */
  readonly setupTimeout: number;
  /** Bytes of registered authorization tokens that we keep for the peer. Default 4,096. */
  readonly maxAuthTokenCacheSize: number;
}

/** What a session is made with. */
export interface SessionConfig {
  readonly role: Role;
  /** Milliseconds from any start, never going back. */
  readonly now: () => number;
  /** The draft that the connection negotiated. Default draft-18. */
  readonly profile?: DraftProfile | undefined;
  /** PATH and AUTHORITY belong here over native QUIC and are refused over WebTransport. */
  readonly setup?: SetupOptions | undefined;
  /** Over native QUIC a client states PATH and AUTHORITY in SETUP. Default false. */
  readonly nativeQuic?: boolean | undefined;
  readonly limits?: Partial<SessionLimits> | undefined;
  /** UTF-8 coder of the host; a built-in one otherwise. */
  readonly utf8?: Utf8 | undefined;
}

/** What the peer said in its SETUP. */
export interface PeerInfo {
  readonly options: SetupOptions;
  /** Its authorization tokens, aliases resolved. */
  readonly tokens: readonly ResolvedToken[];
}

/** A request of ours: the session assigns its id. */
export type OutgoingRequest =
  | Omit<Subscribe, "requestId">
  | Omit<Publish, "requestId">
  | Omit<Fetch, "requestId">
  | Omit<TrackStatus, "requestId">
  | Omit<PublishNamespace, "requestId">
  | Omit<SubscribeNamespace, "requestId">
  | Omit<SubscribeTracks, "requestId">;

/** Authorization tokens of a message with aliases resolved. */
export type ResolvedToken = Extract<AuthToken, { kind: "use_value" }>;

/** Why a request stream is over. */
export type RequestEnd =
  /** We cancelled it. */
  | { readonly by: "local"; readonly code: number }
  /** The peer reset its half or stopped ours. */
  | { readonly by: "peer"; readonly code: number }
  /** No answer came within {@link SessionLimits.responseTimeout}. */
  | { readonly by: "timed_out" }
  /** Both halves ended after a final message (REQUEST_ERROR, PUBLISH_DONE …) or a plain FIN. */
  | { readonly by: "finished" };

/** How an incoming data stream ended. Objects not whole by then are dropped. */
export type StreamEnd =
  | { readonly kind: "fin" }
  | { readonly kind: "reset"; readonly code: number }
  /** We stopped it; `reason` says which limit, or that {@link Session.stopStream} was called. */
  | { readonly kind: "stopped"; readonly reason: "too_large" | "buffer_full" | "caller" };

/** How a session ended. `code` is a session termination code. */
export type SessionEnd =
  /** The caller closed it. */
  | { readonly kind: "local"; readonly code: number; readonly reason: string }
  /** The peer broke the protocol (or a timeout ran out) and we closed with `code`. */
  | { readonly kind: "error"; readonly code: number; readonly reason: string }
  /** The transport ended. */
  | { readonly kind: "transport"; readonly reason: CloseReason };

/** The answer to a REQUEST_UPDATE. */
export type UpdateResponse = RequestOk | RequestError;

/**
 * What a session tells its owner. Every call of the session is allowed within every callback.
 * After `closed` nothing follows.
 */
export interface SessionEvents {
  /** The peer's SETUP arrived. Our own requests need not wait for it. */
  ready(peer: PeerInfo): void;
  /** The peer made a request: answer with `respond` or `reject`. `tokens`: aliases resolved. */
  request(id: RequestId, request: RequestMessage, tokens: readonly ResolvedToken[]): void;
  /** An answer to a request of ours, the first or a later one (PUBLISH_DONE, NAMESPACE …). */
  response(id: RequestId, response: ResponseMessage): void;
  /** The peer sent REQUEST_UPDATE on request `id`: answer with `respondUpdate`, in order. */
  update(id: RequestId, update: RequestUpdate, tokens: readonly ResolvedToken[]): void;
  /** The answer to the oldest unanswered `update` call on request `id`. */
  updateResponse(id: RequestId, response: UpdateResponse): void;
  /** The request is over and its id is forgotten. Exactly once for each request. */
  requestClosed(id: RequestId, end: RequestEnd): void;
  /**
   * A data stream of the subscription `id` (our SUBSCRIBE or the peer's PUBLISH) began. It may come
   * after `requestClosed` while the alias is not reused: then it is dropped without an event.
   */
  subgroupOpened(stream: StreamId, id: RequestId, header: SubgroupHeader): void;
  /** A whole object. Its bytes are views of receive buffers that stay untouched. */
  object(stream: StreamId, object: SubgroupObject): void;
  /** The stream of our FETCH `id` began. */
  fetchOpened(stream: StreamId, id: RequestId): void;
  fetchItem(stream: StreamId, item: FetchItem): void;
  /** An incoming data stream that was reported ended. */
  streamEnded(stream: StreamId, end: StreamEnd): void;
  /** An object in a datagram of the subscription `id`. */
  datagram(id: RequestId, datagram: ObjectDatagram): void;
  /** The peer no longer wants our data stream; it has been reset in answer. */
  stopped(stream: StreamId, code: number): void;
  /** Everything on our data stream and its end reached the peer. */
  acked(stream: StreamId): void;
  /** Our data stream is no longer blocked: nothing of it waits in the session. */
  writable(stream: StreamId): void;
  /** After `openSubgroup` or `openFetch` gave `undefined`. */
  streamsAvailable(dir: Dir): void;
  /** After `sendDatagram` gave `"blocked"`. */
  datagramsAvailable(): void;
  /** The peer is going away; `id` is set when it means one request only. */
  goaway(goaway: Goaway, id: RequestId | undefined): void;
  closed(end: SessionEnd): void;
}

/** What became of a write: `"blocked"` means that it was taken and waits in the session. */
export type WriteResult = "written" | "blocked" | "closed";

/** Counters; each only grows. */
export interface SessionStats {
  /** Streams and datagrams dropped because their track alias or request stayed unknown. */
  readonly unknownAliasStreams: number;
  readonly unknownAliasDatagrams: number;
  /** Streams and datagrams of subscriptions that had ended. */
  readonly lateStreams: number;
  readonly lateDatagrams: number;
  /** Incoming streams stopped for {@link SessionLimits.maxStreams}. */
  readonly refusedStreams: number;
  /** Streams stopped because an object or the receive buffer was over its limit. */
  readonly tooLargeStreams: number;
  readonly bufferFullStreams: number;
  /** Requests of the peer refused for {@link SessionLimits.maxRequests}. */
  readonly refusedRequests: number;
  /** Padding bytes received, in streams and datagrams. */
  readonly paddingBytes: number;
  readonly objectsReceived: number;
  readonly objectsSent: number;
  readonly datagramsReceived: number;
  readonly datagramsSent: number;
}

/** What a call was refused for. */
export type SessionErrorKind =
  /** The session is closed. */
  | "closed"
  /** The peer sent GOAWAY and takes no new requests. */
  | "going_away"
  /** One of {@link SessionLimits} is reached. */
  | "limit"
  /** No such request, or it does not take this call. */
  | "unknown_request"
  /** The message cannot be encoded, or is not allowed here. */
  | "invalid";

/** A call that was refused; nothing changed. */
export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly kind: SessionErrorKind;

  constructor(kind: SessionErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
