/** What a page and its worker say to each other. Payloads are transferred, never copied twice. */
import type {
  CertificateReason,
  ClientState,
  ClientStats,
  Delivery,
  EndReason,
  Gap,
  MoqErrorCode,
  NamespaceChange,
  ProtocolInfo,
  PublishOptions,
  ReconnectOptions,
  SubscribeOptions,
  SubscriptionStats,
  TrackStatus,
} from "@moq-game/core";
import { MoqError, type MoqObject } from "@moq-game/core";

/** `connect` options without what cannot be posted. */
export interface PostedClientOptions {
  /** `ask`: the page has a function that is asked for each connection. */
  readonly token: string | Uint8Array | { readonly ask: true } | undefined;
  readonly reconnect: ReconnectOptions | false;
  readonly serverCertificateHashes: readonly Uint8Array[];
  readonly connectTimeout: number;
  readonly requestTimeout: number;
  readonly keepAlive: number;
  readonly idleTimeout: number;
  readonly maxObjectSize: number;
}

export interface PostedTrack {
  readonly namespace: readonly string[];
  readonly name: string;
}

export interface PostedFetch {
  readonly fromGroup: number;
  readonly toGroup: number;
  readonly order: "ascending" | "descending";
  readonly priority: number;
}

/**
 * Results of an iteration that a worker posts ahead of the page's reading: batches of objects (the
 * worker's queue bounds each at about 8 MiB) or namespace changes. The rest waits in the worker, which
 * holds the peer of a fetch back; so nothing is dropped and there is nothing to count.
 */
export const AHEAD = { fetch: 2, discover: 256 } as const;

/** One `send` or `keyframe`. */
export interface PostedUpdate {
  readonly publication: number;
  readonly keyframe: boolean;
  readonly bytes: Uint8Array;
}

/** Page to worker. `id` names a publication, subscription or iteration; `call` wants a reply. */
export type ToWorker =
  | { readonly type: "connect"; readonly url: string; readonly options: PostedClientOptions }
  | {
      readonly type: "token";
      readonly call: number;
      readonly token: string | Uint8Array | undefined;
      readonly error: PostedError | undefined;
    }
  | {
      readonly type: "publish";
      readonly id: number;
      readonly track: PostedTrack;
      readonly options: PublishOptions;
    }
  | { readonly type: "send"; readonly updates: readonly PostedUpdate[] }
  | { readonly type: "end"; readonly id: number; readonly call: number; readonly flush: number }
  | {
      readonly type: "subscribe";
      readonly id: number;
      readonly track: PostedTrack;
      readonly options: SubscribeOptions;
    }
  | { readonly type: "hold"; readonly id: number; readonly held: boolean }
  | { readonly type: "stop"; readonly id: number }
  /** The page has room for `count` further results of iteration `id`; each starts with {@link AHEAD}. */
  | { readonly type: "more"; readonly id: number; readonly count: number }
  | { readonly type: "discover"; readonly id: number; readonly prefix: readonly string[] }
  | {
      readonly type: "fetch";
      readonly id: number;
      readonly track: PostedTrack;
      readonly options: PostedFetch;
    }
  | { readonly type: "status"; readonly call: number; readonly track: PostedTrack }
  | { readonly type: "close"; readonly call: number; readonly flush: number };

export interface PostedError {
  readonly code: MoqErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly peerCode: number | undefined;
  readonly reason: CertificateReason | undefined;
}

export interface PostedEnd {
  readonly kind: EndReason["kind"];
  readonly error: PostedError | undefined;
}

/** Objects of one subscription or fetch: payloads one after another, and numbers about each. */
export interface PostedBatch {
  readonly bytes: Uint8Array;
  /** {@link OBJECT_NUMBERS} per object. */
  readonly numbers: Float64Array;
}

/** Worker to page. */
export type ToPage =
  /** The page's token is wanted; `call` names the answer. */
  | { readonly type: "token"; readonly call: number }
  | { readonly type: "connected"; readonly protocol: ProtocolInfo; readonly timeOrigin: number }
  | { readonly type: "failed"; readonly error: PostedError }
  | {
      readonly type: "state";
      readonly state: ClientState;
      readonly error: PostedError | undefined;
    }
  | {
      readonly type: "stats";
      readonly stats: ClientStats;
      readonly protocol: ProtocolInfo;
      /** Subscribers by publication id. */
      readonly subscribers: readonly (readonly [number, number])[];
      /** Counters by subscription id. */
      readonly subscriptions: readonly (readonly [number, SubscriptionStats])[];
    }
  | {
      readonly type: "reply";
      readonly call: number;
      readonly error: PostedError | undefined;
      readonly status?: TrackStatus;
    }
  | {
      readonly type: "ready";
      readonly id: number;
      readonly error: PostedError | undefined;
      readonly delivery: Delivery;
    }
  | {
      readonly type: "taken";
      readonly id: number;
      readonly objects: number;
      readonly bytes: number;
    }
  | { readonly type: "keyframe_wanted"; readonly id: number }
  | { readonly type: "objects"; readonly id: number; readonly batch: PostedBatch }
  | { readonly type: "gap"; readonly id: number; readonly gap: Gap }
  | { readonly type: "change"; readonly id: number; readonly change: NamespaceChange }
  | {
      readonly type: "end";
      readonly id: number;
      readonly end: PostedEnd;
      /** The last counters of a subscription. */
      readonly stats?: SubscriptionStats;
    };

/** Numbers per object in {@link PostedBatch.numbers}. */
export const OBJECT_NUMBERS = 6;

export function postError(error: unknown): PostedError {
  if (error instanceof MoqError) {
    const { code, message, retryable, peerCode, reason } = error;
    return { code, message, retryable, peerCode, reason };
  }
  const none = { peerCode: undefined, reason: undefined };
  return { code: "internal", message: String(error), retryable: false, ...none };
}

export function readError(posted: PostedError): MoqError {
  const { code, message, retryable, peerCode, reason } = posted;
  return new MoqError(code, message, { retryable, peerCode, reason });
}

export function postEnd(reason: EndReason): PostedEnd {
  return {
    kind: reason.kind,
    error: reason.error === undefined ? undefined : postError(reason.error),
  };
}

export function readEnd(posted: PostedEnd): EndReason {
  return {
    kind: posted.kind,
    error: posted.error === undefined ? undefined : readError(posted.error),
  };
}

export function encodeBatch(objects: readonly MoqObject[]): PostedBatch {
  let length = 0;
  for (const object of objects) length += object.bytes.byteLength;
  const bytes = new Uint8Array(length);
  const numbers = new Float64Array(objects.length * OBJECT_NUMBERS);
  let at = 0;
  objects.forEach((object, index) => {
    bytes.set(object.bytes, at);
    at += object.bytes.byteLength;
    numbers.set(
      [
        object.group,
        object.object,
        object.subgroup,
        object.receivedAt,
        object.publishedAt ?? Number.NaN,
        object.bytes.byteLength,
      ],
      index * OBJECT_NUMBERS,
    );
  });
  return { bytes, numbers };
}

/** `clockOffset` is added to times of arrival: the two threads' clocks have different origins. */
export function decodeBatch(batch: PostedBatch, clockOffset: number): MoqObject[] {
  const objects: MoqObject[] = [];
  const { bytes, numbers } = batch;
  let at = 0;
  for (let i = 0; i + OBJECT_NUMBERS <= numbers.length; i += OBJECT_NUMBERS) {
    const [group = 0, object = 0, subgroup = 0, receivedAt = 0, publishedAt = 0, length = 0] =
      numbers.subarray(i, i + OBJECT_NUMBERS);
    objects.push({
      group,
      object,
      subgroup,
      bytes: bytes.subarray(at, at + length),
      receivedAt: receivedAt + clockOffset,
      publishedAt: Number.isNaN(publishedAt) ? undefined : publishedAt,
      keyframe: object === 0,
    });
    at += length;
  }
  return objects;
}
