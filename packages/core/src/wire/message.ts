/**
 * One message model for all drafts (draft-18 "Control Messages"); a draft profile says how each
 * message is laid out. Bytes in a decoded message are views of what it was decoded from.
 */
import type { Location } from "./location.js";
import type { FullTrackName, Namespace } from "./name.js";
import type { Parameters } from "./params.js";
import type { Properties } from "./properties.js";
import type { SetupOptions } from "./setup.js";
import type { VarInt } from "./varint.js";

/** First message on a control stream. */
export interface Setup {
  readonly type: "setup";
  readonly options: SetupOptions;
}

/** The sender intends to close the session, or wants one request moved. */
export interface Goaway {
  readonly type: "goaway";
  /** Where to connect instead; empty: the current URI. At most 8,192 bytes. */
  readonly uri: string;
  /** Milliseconds that the sender waits; 0: no specific time. */
  readonly timeout: VarInt;
  /** Smallest request id that was not processed; on the control stream only. */
  readonly requestId?: VarInt | undefined;
}

export interface Subscribe {
  readonly type: "subscribe";
  readonly requestId: VarInt;
  readonly track: FullTrackName;
  readonly params: Parameters;
}

export interface SubscribeOk {
  readonly type: "subscribe_ok";
  readonly trackAlias: VarInt;
  readonly params: Parameters;
  readonly properties: Properties;
}

export interface Publish {
  readonly type: "publish";
  readonly requestId: VarInt;
  readonly track: FullTrackName;
  readonly trackAlias: VarInt;
  readonly params: Parameters;
  readonly properties: Properties;
}

export interface PublishDone {
  readonly type: "publish_done";
  /** A `PublishDoneCode`, or unknown: then to be read as INTERNAL_ERROR. */
  readonly status: VarInt;
  /** Data streams that the publisher opened for the subscription; 2^62 − 1 when it cannot tell. */
  readonly streamCount: VarInt;
  /** At most 1,024 bytes. */
  readonly reason: string;
}

/** What a FETCH asks for. `end` is exclusive; its object 0 means the whole group. */
export type FetchRange =
  | {
      readonly kind: "standalone";
      readonly track: FullTrackName;
      readonly start: Location;
      readonly end: Location;
    }
  | {
      readonly kind: "relative_joining";
      /** The SUBSCRIBE (or the peer's PUBLISH) to join. */
      readonly requestId: VarInt;
      /** How many groups before the one of the joining location. */
      readonly groups: VarInt;
    }
  | {
      readonly kind: "absolute_joining";
      readonly requestId: VarInt;
      /** The first group. */
      readonly group: VarInt;
    };

export interface Fetch {
  readonly type: "fetch";
  readonly requestId: VarInt;
  readonly range: FetchRange;
  readonly params: Parameters;
}

export interface FetchOk {
  readonly type: "fetch_ok";
  readonly endOfTrack: boolean;
  readonly end: Location;
  readonly params: Parameters;
  readonly properties: Properties;
}

export interface TrackStatus {
  readonly type: "track_status";
  readonly requestId: VarInt;
  readonly track: FullTrackName;
  readonly params: Parameters;
}

export interface PublishNamespace {
  readonly type: "publish_namespace";
  readonly requestId: VarInt;
  readonly namespace: Namespace;
  readonly params: Parameters;
}

export interface SubscribeNamespace {
  readonly type: "subscribe_namespace";
  readonly requestId: VarInt;
  readonly namespace: Namespace;
  readonly params: Parameters;
}

export interface SubscribeTracks {
  readonly type: "subscribe_tracks";
  readonly requestId: VarInt;
  readonly namespace: Namespace;
  readonly params: Parameters;
}

/** A namespace below the prefix of a SUBSCRIBE_NAMESPACE appeared. */
export interface NamespaceMessage {
  readonly type: "namespace";
  readonly suffix: Namespace;
}

export interface NamespaceDone {
  readonly type: "namespace_done";
  readonly suffix: Namespace;
}

export interface PublishBlocked {
  readonly type: "publish_blocked";
  readonly suffix: Namespace;
  readonly name: Uint8Array;
}

export interface RequestUpdate {
  readonly type: "request_update";
  readonly requestId: VarInt;
  readonly params: Parameters;
}

export interface RequestOk {
  readonly type: "request_ok";
  readonly params: Parameters;
  /** Only in answer to TRACK_STATUS. */
  readonly properties: Properties;
}

/** Where a request could succeed. */
export interface Redirect {
  /** Empty: the current session's URI. */
  readonly uri: string;
  /** Empty namespace and name: those of the request. */
  readonly track: FullTrackName;
}

export interface RequestError {
  readonly type: "request_error";
  /** A `RequestErrorCode`, or unknown: then to be read as INTERNAL_ERROR. */
  readonly code: VarInt;
  /** Milliseconds before trying again makes sense; absent: do not try again. */
  readonly retryAfter?: VarInt | undefined;
  /** At most 1,024 bytes. */
  readonly reason: string;
  /** Present exactly when `code` is REDIRECT. */
  readonly redirect?: Redirect | undefined;
}

/** The messages that open a request stream. */
export type RequestMessage =
  | Subscribe
  | Publish
  | Fetch
  | TrackStatus
  | PublishNamespace
  | SubscribeNamespace
  | SubscribeTracks;

/** The messages that answer on a request stream, first answers and later ones. */
export type ResponseMessage =
  | SubscribeOk
  | RequestOk
  | RequestError
  | FetchOk
  | PublishDone
  | NamespaceMessage
  | NamespaceDone
  | PublishBlocked;

/** Every message. */
export type Message = Setup | Goaway | RequestMessage | RequestUpdate | ResponseMessage;

export type MessageType = Message["type"];

/** `streamCount` of a publisher that cannot tell. */
export const STREAM_COUNT_UNKNOWN = 0x3fffffffffffffffn;

/** Most bytes in the payload of a message. */
export const MAX_MESSAGE_BYTES = 65_535;
/** Most bytes in a reason phrase. */
export const MAX_REASON_BYTES = 1024;
/** Most bytes in the URI of a GOAWAY. */
export const MAX_URI_BYTES = 8192;
