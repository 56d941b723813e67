/**
 * Validation of everything that applications pass in, shared by all clients. Each message names the
 * option, what is accepted and what came; nothing has changed when one of these throws.
 */
import type {
  ClientOptions,
  CloseOptions,
  Delivery,
  FetchOptions,
  PublishOptions,
  ReconnectOptions,
  Signal,
  SubscribeOptions,
  TokenSource,
} from "./api.js";
import { asObject, boolean, integer, invalid, oneOf, show, signal } from "./options/check.js";
import { certificateHashes, token } from "./options/credentials.js";

export {
  MAX_FULL_NAME_BYTES,
  MAX_NAMESPACE_FIELDS,
  type ResolvedTrack,
  resolveNamespace,
  resolveNamespacePrefix,
  resolveTrack,
  trackLabel,
  utf8Length,
} from "./options/names.js";

/** Largest setting of `maxObjectSize` in bytes. */
export const MAX_OBJECT_SIZE = 64 * 1024 * 1024;

export const DELIVERIES: readonly Delivery[] = ["reliable", "latest", "deadline", "datagram"];

/** Validated {@link ReconnectOptions} with defaults filled in. */
export interface ResolvedReconnectOptions {
  readonly initialDelay: number;
  readonly maxDelay: number;
  readonly timeout: number;
}

/** Validated {@link ClientOptions} with defaults filled in. */
export interface ResolvedClientOptions {
  readonly token: string | Uint8Array | TokenSource | undefined;
  /** `undefined`: a loss closes the client. */
  readonly reconnect: ResolvedReconnectOptions | undefined;
  /** SHA-256 values of 32 bytes each. */
  readonly serverCertificateHashes: readonly Uint8Array[];
  readonly connectTimeout: number;
  readonly requestTimeout: number;
  readonly keepAlive: number;
  readonly idleTimeout: number;
  readonly maxObjectSize: number;
  readonly signal: Signal | undefined;
}

/** Validated {@link PublishOptions} with defaults filled in. */
export interface ResolvedPublishOptions {
  readonly delivery: Delivery;
  readonly deadline: number;
  readonly priority: number;
  readonly queueBytes: number;
  readonly retainBytes: number;
  readonly maxDatagramSize: number;
}

/** Validated {@link SubscribeOptions} with defaults filled in. */
export interface ResolvedSubscribeOptions {
  readonly start: "latest-group" | "next" | "now";
  readonly delivery: Delivery;
  readonly unordered: boolean;
  readonly priority: number;
  readonly wait: number;
  readonly maxAge: number | undefined;
  readonly queueBytes: number;
  readonly gapTimeout: number;
  readonly signal: Signal | undefined;
}

/** Validated {@link FetchOptions} with defaults filled in. */
export interface ResolvedFetchOptions {
  readonly fromGroup: number;
  readonly toGroup: number;
  readonly order: "ascending" | "descending";
  readonly priority: number;
  readonly signal: Signal | undefined;
}

/**
 * Validates options of `connect`. `hostOptions` are names that a host adds; it validates their
 * values itself.
 */
export function resolveClientOptions(
  options: ClientOptions | undefined,
  hostOptions: readonly string[] = [],
): ResolvedClientOptions {
  const o = asObject("connect", options, [...CLIENT_NAMES, ...hostOptions]);
  const idleTimeout = integer("idleTimeout", o.idleTimeout, 15_000, 100, 600_000, "ms");
  const keepAlive = integer(
    "keepAlive",
    o.keepAlive,
    Math.min(4_000, idleTimeout),
    0,
    600_000,
    "ms",
  );
  if (keepAlive > idleTimeout) {
    throw invalid(
      `keepAlive (${keepAlive} ms) must not be above idleTimeout (${idleTimeout} ms): ` +
        "the connection would be lost before the first keep-alive. Lower keepAlive or raise idleTimeout.",
    );
  }
  return {
    token: token(o.token),
    reconnect: reconnect(o.reconnect),
    serverCertificateHashes: certificateHashes(o.serverCertificateHashes),
    connectTimeout: integer("connectTimeout", o.connectTimeout, 10_000, 1, 300_000, "ms"),
    requestTimeout: integer("requestTimeout", o.requestTimeout, 30_000, 1, 600_000, "ms"),
    keepAlive,
    idleTimeout,
    maxObjectSize: integer(
      "maxObjectSize",
      o.maxObjectSize,
      16 * 1024 * 1024,
      1,
      MAX_OBJECT_SIZE,
      "bytes",
    ),
    signal: signal(o.signal),
  };
}

function reconnect(value: unknown): ResolvedReconnectOptions | undefined {
  if (value === false) return undefined;
  if (value !== undefined && value !== true && (typeof value !== "object" || value === null)) {
    throw invalid(
      `reconnect is true, false or { initialDelay, maxDelay, timeout } in ms, got ${show(value)}.`,
    );
  }
  const given = value === true ? undefined : (value as ReconnectOptions | undefined);
  const o = asObject("reconnect", given, RECONNECT_NAMES);
  const initialDelay = integer("reconnect.initialDelay", o.initialDelay, 200, 1, 60_000, "ms");
  const least = Math.max(5_000, initialDelay);
  return {
    initialDelay,
    maxDelay: integer("reconnect.maxDelay", o.maxDelay, least, initialDelay, 600_000, "ms"),
    timeout: integer("reconnect.timeout", o.timeout, 120_000, 0, 86_400_000, "ms"),
  };
}

export function resolvePublishOptions(options: PublishOptions | undefined): ResolvedPublishOptions {
  const o = asObject("publish", options, PUBLISH_NAMES);
  const delivery = oneOf("delivery", o.delivery, "reliable", DELIVERIES);
  if (o.deadline !== undefined && delivery !== "deadline") {
    throw invalid(
      `deadline applies to delivery "deadline" only, and this track is "${delivery}". Leave it out or change delivery.`,
    );
  }
  return {
    delivery,
    deadline: integer("deadline", o.deadline, 200, 1, 60_000, "ms"),
    priority: integer("priority", o.priority, 128, 0, 255),
    queueBytes: integer("queueBytes", o.queueBytes, 1024 * 1024, 1, 1024 * 1024 * 1024, "bytes"),
    retainBytes: integer(
      "retainBytes",
      o.retainBytes,
      8 * 1024 * 1024,
      0,
      1024 * 1024 * 1024,
      "bytes",
    ),
    maxDatagramSize: integer("maxDatagramSize", o.maxDatagramSize, 1_100, 64, 65_535, "bytes"),
  };
}

export function resolveSubscribeOptions(
  options: SubscribeOptions | undefined,
): ResolvedSubscribeOptions {
  const o = asObject("subscribe", options, SUBSCRIBE_NAMES);
  return {
    start: oneOf("start", o.start, "latest-group", ["latest-group", "next", "now"] as const),
    delivery: oneOf("delivery", o.delivery, "reliable", DELIVERIES),
    unordered: boolean("unordered", o.unordered, false),
    priority: integer("priority", o.priority, 128, 0, 255),
    wait: integer("wait", o.wait, 0, 0, 86_400_000, "ms"),
    maxAge:
      o.maxAge === undefined ? undefined : integer("maxAge", o.maxAge, 0, 1, 86_400_000, "ms"),
    queueBytes: integer(
      "queueBytes",
      o.queueBytes,
      8 * 1024 * 1024,
      1,
      1024 * 1024 * 1024,
      "bytes",
    ),
    gapTimeout: integer("gapTimeout", o.gapTimeout, 2_000, 0, 60_000, "ms"),
    signal: signal(o.signal),
  };
}

export function resolveFetchOptions(options: FetchOptions): ResolvedFetchOptions {
  const o = asObject("fetch", options, FETCH_NAMES);
  if (o.fromGroup === undefined || o.toGroup === undefined) {
    throw invalid(
      "fetch needs the options fromGroup and toGroup: the first and the last group, both inclusive.",
    );
  }
  const fromGroup = integer("fromGroup", o.fromGroup, 0, 0, Number.MAX_SAFE_INTEGER);
  const toGroup = integer("toGroup", o.toGroup, 0, 0, Number.MAX_SAFE_INTEGER - 1);
  if (toGroup < fromGroup) {
    throw invalid(
      `fetch: toGroup (${toGroup}) is below fromGroup (${fromGroup}). Give the lower group as fromGroup and use order for the direction.`,
    );
  }
  return {
    fromGroup,
    toGroup,
    order: oneOf("order", o.order, "ascending", ["ascending", "descending"] as const),
    priority: integer("priority", o.priority, 128, 0, 255),
    signal: signal(o.signal),
  };
}

/** For options that hold nothing but a signal: `discover` and `status`. */
export function resolveSignalOptions(
  call: string,
  options: { readonly signal?: Signal } | undefined,
): Signal | undefined {
  return signal(asObject(call, options, ["signal"]).signal);
}

/** Returns `flush` in ms. */
export function resolveCloseOptions(call: string, options: CloseOptions | undefined): number {
  const o = asObject(call, options, ["flush"]);
  return integer("flush", o.flush, 0, 0, 600_000, "ms");
}

/** The bytes of `send` and `keyframe`. */
export function requireBytes(call: string, bytes: unknown): asserts bytes is Uint8Array {
  if (bytes instanceof Uint8Array) {
    if (bytes.length === 0) requireAttached(call, bytes);
    return;
  }
  // Bytes may come from another realm (a worker's or vm context's Uint8Array). Asked second: it
  // makes and compares text, which costs more than the rest of a `send`.
  if (Object.prototype.toString.call(bytes) !== "[object Uint8Array]") {
    throw invalid(
      `${call} takes a Uint8Array, got ${show(bytes)}. Encode the value first, or wrap the buffer: new Uint8Array(buffer).`,
    );
  }
  if ((bytes as Uint8Array).length === 0) requireAttached(call, bytes as Uint8Array);
}

/** An array whose buffer was transferred looks empty, and its bytes would be lost without a word. */
function requireAttached(call: string, bytes: Uint8Array): void {
  try {
    // No other way to ask before ECMAScript 2024.
    new Uint8Array(bytes.buffer);
  } catch {
    throw invalid(
      `${call} got a Uint8Array whose buffer was transferred elsewhere (postMessage, structuredClone), so its bytes are gone. Send a copy, or send it before it is transferred.`,
    );
  }
}

const CLIENT_NAMES = [
  "token",
  "serverCertificateHashes",
  "connectTimeout",
  "requestTimeout",
  "keepAlive",
  "idleTimeout",
  "maxObjectSize",
  "reconnect",
  "signal",
] as const;
const RECONNECT_NAMES = ["initialDelay", "maxDelay", "timeout"] as const;
const PUBLISH_NAMES = [
  "delivery",
  "deadline",
  "priority",
  "queueBytes",
  "retainBytes",
  "maxDatagramSize",
] as const;
const SUBSCRIBE_NAMES = [
  "start",
  "delivery",
  "unordered",
  "priority",
  "wait",
  "maxAge",
  "queueBytes",
  "gapTimeout",
  "signal",
] as const;
const FETCH_NAMES = ["fromGroup", "toGroup", "order", "priority", "signal"] as const;
