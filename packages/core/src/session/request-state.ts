import type { StreamId } from "../transport.js";
import { violation } from "../wire/error.js";
import type { RequestError, RequestMessage, RequestOk, ResponseMessage } from "../wire/message.js";
import { formatTrack, namespaceStartsWith } from "../wire/name.js";
import { type Parameters, parameterOutOfScope, REQUEST_OK_SCOPES } from "../wire/params.js";
import type { VarInt } from "../wire/varint.js";
import type { MessageBuffer } from "./framing.js";
import type { Outbox } from "./outbox.js";
import type { RequestId, Role } from "./types.js";

export type RequestKind = RequestMessage["type"];

/** A request that is alive, of ours or of the peer. */
export interface RequestState {
  readonly id: RequestId;
  /** We made it. */
  readonly own: boolean;
  readonly message: RequestMessage;
  readonly kind: RequestKind;
  /** The track of a subscription as a map key; `undefined` for other requests. */
  readonly key: string | undefined;
  readonly buffer: MessageBuffer;
  /** Absent while the request waits for a stream. */
  stream: StreamId | undefined;
  outbox: Outbox | undefined;
  /** Messages that wait for the stream. */
  queued: Uint8Array[];
  /** Whether the half was to end while the request waited for the stream. */
  queuedFinish: boolean;
  /** The first answer went or came. */
  answered: boolean;
  /** Updates that we sent and that have no answer yet. */
  ownUpdates: number;
  /** Updates of the peer that have no answer yet. */
  peerUpdates: number;
  /** The peer ended its half. */
  receiveOver: boolean;
  /** Updates of the peer that came before our first answer. */
  readonly heldUpdates: (() => void)[];
  /** For requests of ours: when the first answer is overdue. */
  answerDeadline: number | undefined;
  goawaySeen: boolean;
  /** The owner never heard of it: refused by the session itself. */
  silent: boolean;
  /** Track alias of its data streams, whoever sends them. */
  alias: VarInt | undefined;
  /** Suffixes that NAMESPACE listed. */
  readonly namespaces: Set<string>;
  /** Incoming data streams that began and that are open. */
  streamsSeen: number;
  streamsOpen: number;
  /** For FETCH: the data stream is over. */
  dataOver: boolean;
  /** After PUBLISH_DONE: how many streams to expect, and until when. */
  done: { readonly count: VarInt; readonly deadline: number } | undefined;
}

export function newRequestState(
  id: RequestId,
  own: boolean,
  message: RequestMessage,
  buffer: MessageBuffer,
): RequestState {
  return {
    id,
    own,
    message,
    kind: message.type,
    key: subscriptionKey(message),
    buffer,
    stream: undefined,
    outbox: undefined,
    queued: [],
    queuedFinish: false,
    answered: false,
    ownUpdates: 0,
    peerUpdates: 0,
    receiveOver: false,
    heldUpdates: [],
    answerDeadline: undefined,
    goawaySeen: false,
    silent: false,
    alias: undefined,
    namespaces: new Set(),
    streamsSeen: 0,
    streamsOpen: 0,
    dataOver: false,
    done: undefined,
  };
}

const REQUEST_KINDS: ReadonlySet<string> = new Set<RequestKind>([
  "subscribe",
  "publish",
  "fetch",
  "track_status",
  "publish_namespace",
  "subscribe_namespace",
  "subscribe_tracks",
]);

/** Whether a message may open a request stream. */
export function isRequest(message: { readonly type: string }): message is RequestMessage {
  return REQUEST_KINDS.has(message.type);
}

/** Which answers are first answers, by request; REQUEST_ERROR is one to all. */
const FIRST_ANSWER: Readonly<Record<RequestKind, ResponseMessage["type"]>> = {
  subscribe: "subscribe_ok",
  publish: "request_ok",
  fetch: "fetch_ok",
  track_status: "request_ok",
  publish_namespace: "request_ok",
  subscribe_namespace: "request_ok",
  subscribe_tracks: "request_ok",
};

/** Whether `response` can be sent now in answer to `state`. */
export function answers(state: RequestState, response: ResponseMessage): boolean {
  if (!state.answered) {
    return response.type === "request_error" || response.type === FIRST_ANSWER[state.kind];
  }
  switch (response.type) {
    case "publish_done":
      return state.kind === "subscribe";
    case "namespace":
    case "namespace_done":
      return state.kind === "subscribe_namespace";
    case "publish_blocked":
      return state.kind === "subscribe_tracks";
    default:
      return false;
  }
}

/** Throws for parameters and properties that the answer to this request may not carry. */
export function checkRequestOk(kind: RequestKind | "update", ok: RequestOk): void {
  const allowed =
    kind === "publish"
      ? REQUEST_OK_SCOPES.publish
      : kind === "track_status"
        ? REQUEST_OK_SCOPES.track_status
        : kind === "update"
          ? REQUEST_OK_SCOPES.request_update
          : REQUEST_OK_SCOPES.other;
  const wrong = parameterOutOfScope(ok.params, allowed);
  if (wrong !== undefined) throw violation(`${wrong} does not belong in the answer to ${kind}`);
  if (kind !== "track_status" && ok.properties.length > 0) {
    throw violation(`track properties do not belong in the answer to ${kind}`);
  }
}

const SUBSCRIPTION_UPDATE: ReadonlySet<keyof Parameters> = new Set<keyof Parameters>([
  "tokens",
  "objectDeliveryTimeout",
  "subgroupDeliveryTimeout",
  "forward",
  "subscriberPriority",
  "filter",
  "newGroupRequest",
]);
const UPDATE_SCOPES: Readonly<Record<RequestKind, ReadonlySet<keyof Parameters>>> = {
  subscribe: SUBSCRIPTION_UPDATE,
  publish: SUBSCRIPTION_UPDATE,
  fetch: new Set<keyof Parameters>(["tokens", "subscriberPriority"]),
  track_status: new Set<keyof Parameters>(),
  publish_namespace: new Set<keyof Parameters>(["tokens"]),
  subscribe_namespace: new Set<keyof Parameters>(["tokens", "namespacePrefix"]),
  subscribe_tracks: new Set<keyof Parameters>(["tokens", "forward", "namespacePrefix"]),
};

/** Throws for parameters that an update of such a request may not carry. */
export function checkUpdate(kind: RequestKind, params: Parameters): void {
  const wrong = parameterOutOfScope(params, UPDATE_SCOPES[kind]);
  if (wrong !== undefined) throw violation(`${wrong} does not belong in an update of ${kind}`);
}

/** Throws for a redirect that this side may not get (draft-18 "Redirect Structure"). */
export function checkRedirect(role: Role, kind: RequestKind, error: RequestError): void {
  const { redirect } = error;
  if (redirect === undefined) return;
  if (role === "server" && redirect.uri !== "") throw violation("a client redirects to a URI");
  const ofNamespace = kind === "subscribe_namespace" || kind === "publish_namespace";
  if (ofNamespace && redirect.track.name.length > 0) {
    throw violation("the redirect of a namespace has a track name");
  }
}

function subscriptionKey(message: RequestMessage): string | undefined {
  if (message.type !== "subscribe" && message.type !== "publish") return undefined;
  return `${message.type} ${formatTrack(message.track)}`;
}

/** Whether one prefix contains the other, for two requests of the same type. */
export function prefixesOverlap(a: RequestMessage, b: RequestMessage): boolean {
  if (a.type !== b.type) return false;
  if (a.type !== "subscribe_namespace" && a.type !== "subscribe_tracks") return false;
  const [x, y] = [a.namespace, (b as typeof a).namespace];
  return namespaceStartsWith(x, y) || namespaceStartsWith(y, x);
}
