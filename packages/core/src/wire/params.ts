import { Reader, Truncated, type Writer } from "./cursor.js";
import { SessionCode, violation, WireError } from "./error.js";
import { decodeLocation, encodeLocation, type Location } from "./location.js";
import type { MessageType } from "./message.js";
import { decodeNamespace, encodeNamespace, type Namespace } from "./name.js";
import { type AuthToken, decodeAuthToken, encodeAuthToken } from "./token.js";
import { addVarInt, subVarInt, type VarInt } from "./varint.js";

/** Order of groups: in a FETCH response, and in priorities. */
export type GroupOrder = "ascending" | "descending";

/** Which objects a subscription passes (draft-18 "Subscription Filters"). */
export type SubscriptionFilter =
  | { readonly kind: "next_group_start" }
  | { readonly kind: "largest_object" }
  | { readonly kind: "absolute_start"; readonly start: Location }
  | {
      readonly kind: "absolute_range";
      readonly start: Location;
      /** Last group that passes. */
      readonly endGroup: VarInt;
    };

/** Message parameters (draft-18 "Message Parameters"). Times are in milliseconds. */
export interface Parameters {
  /** 0x02 */
  readonly objectDeliveryTimeout?: VarInt | undefined;
  /** 0x03, may be repeated. */
  readonly tokens?: readonly AuthToken[] | undefined;
  /** 0x04 */
  readonly rendezvousTimeout?: VarInt | undefined;
  /** 0x06 */
  readonly subgroupDeliveryTimeout?: VarInt | undefined;
  /** 0x08 */
  readonly expires?: VarInt | undefined;
  /** 0x09 */
  readonly largestObject?: Location | undefined;
  /** 0x0A */
  readonly fillTimeout?: VarInt | undefined;
  /** 0x10; absent means true, except in REQUEST_UPDATE: unchanged. */
  readonly forward?: boolean | undefined;
  /** 0x20; 0 is the highest, absent means 128. */
  readonly subscriberPriority?: number | undefined;
  /** 0x21 */
  readonly filter?: SubscriptionFilter | undefined;
  /** 0x22 */
  readonly groupOrder?: GroupOrder | undefined;
  /** 0x32: largest group that the subscriber knows plus one; 0: it knows none. */
  readonly newGroupRequest?: VarInt | undefined;
  /** 0x34 */
  readonly namespacePrefix?: Namespace | undefined;
}

/** A parameter's wire type and field. */
const PARAMETERS: readonly (readonly [type: number, key: keyof Parameters])[] = [
  [0x02, "objectDeliveryTimeout"],
  [0x03, "tokens"],
  [0x04, "rendezvousTimeout"],
  [0x06, "subgroupDeliveryTimeout"],
  [0x08, "expires"],
  [0x09, "largestObject"],
  [0x0a, "fillTimeout"],
  [0x10, "forward"],
  [0x20, "subscriberPriority"],
  [0x21, "filter"],
  [0x22, "groupOrder"],
  [0x32, "newGroupRequest"],
  [0x34, "namespacePrefix"],
];

const KEY_OF_TYPE: ReadonlyMap<VarInt, keyof Parameters> = new Map(PARAMETERS);

type ParameterScope = ReadonlySet<keyof Parameters>;
const scope = (...keys: (keyof Parameters)[]): ParameterScope => new Set(keys);
const NONE = scope();

/** What each answer that is written as REQUEST_OK may carry. */
export const REQUEST_OK_SCOPES = {
  /** PUBLISH_OK */
  publish: scope(
    "objectDeliveryTimeout",
    "subgroupDeliveryTimeout",
    "expires",
    "forward",
    "subscriberPriority",
    "filter",
    "groupOrder",
    "newGroupRequest",
  ),
  /** TRACK_STATUS_OK has what SUBSCRIBE_OK would. */
  track_status: scope("expires", "largestObject"),
  /** REQUEST_UPDATE_OK */
  request_update: scope("expires", "largestObject"),
  /** The answers to the namespace requests. */
  other: NONE,
} as const;

/**
 * Which parameters each message takes; any other ends the session (draft-18 "Parameter Scope").
 * REQUEST_OK and REQUEST_UPDATE take the union over the requests that they can belong to; the
 * session, which knows the request, is stricter.
 */
const SCOPES: Readonly<Partial<Record<MessageType, ParameterScope>>> = {
  subscribe: scope(
    "objectDeliveryTimeout",
    "tokens",
    "rendezvousTimeout",
    "subgroupDeliveryTimeout",
    "forward",
    "subscriberPriority",
    "filter",
    "groupOrder",
    "newGroupRequest",
  ),
  subscribe_ok: scope("expires", "largestObject"),
  publish: scope("tokens", "expires", "largestObject", "forward"),
  fetch: scope("tokens", "fillTimeout", "subscriberPriority", "groupOrder"),
  fetch_ok: NONE,
  track_status: scope("tokens"),
  publish_namespace: scope("tokens"),
  subscribe_namespace: scope("tokens"),
  subscribe_tracks: scope("tokens", "forward"),
  request_update: scope(
    "objectDeliveryTimeout",
    "tokens",
    "subgroupDeliveryTimeout",
    "forward",
    "subscriberPriority",
    "filter",
    "newGroupRequest",
    "namespacePrefix",
  ),
  request_ok: new Set([...REQUEST_OK_SCOPES.publish, ...REQUEST_OK_SCOPES.track_status]),
};

/** First parameter that `message` does not take, or `undefined`. */
export function parameterOutOfScope(
  params: Parameters,
  allowed: ParameterScope,
): keyof Parameters | undefined {
  for (const [, key] of PARAMETERS) {
    if (params[key] !== undefined && !allowed.has(key)) return key;
  }
  return undefined;
}

/** What `message` takes. */
export function parameterScope(message: MessageType): ParameterScope {
  return SCOPES[message] ?? NONE;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Decodes the number of parameters and the parameters. */
export function decodeParams(reader: Reader, message: MessageType): Parameters {
  const params: Mutable<Parameters> = {};
  const allowed = parameterScope(message);
  let count = reader.varint();
  let type: VarInt = 0;
  for (let first = true; count > 0; count = subVarInt(count, 1) as VarInt, first = false) {
    const delta = reader.varint();
    const next = addVarInt(type, delta);
    if (next === undefined) throw violation("the type of a message parameter is above 2^64 − 1");
    type = next;
    const key = KEY_OF_TYPE.get(type);
    if (key === undefined) throw violation(`message parameter ${type} is unknown`);
    if (!allowed.has(key))
      throw violation(`message parameter ${type} does not belong in ${message}`);
    if (delta === 0 && !first && key !== "tokens") {
      throw violation(`message parameter ${type} is repeated`);
    }
    decodeParam(reader, key, params);
  }
  return params;
}

function decodeParam(reader: Reader, key: keyof Parameters, params: Mutable<Parameters>): void {
  switch (key) {
    case "tokens": {
      const token = decodeAuthToken(new Reader(prefixed(reader)));
      params.tokens = params.tokens === undefined ? [token] : [...params.tokens, token];
      return;
    }
    case "largestObject":
      params.largestObject = decodeLocation(reader);
      return;
    case "forward": {
      const value = reader.u8();
      if (value > 1) throw violation(`FORWARD of ${value} is neither 0 nor 1`);
      params.forward = value === 1;
      return;
    }
    case "subscriberPriority":
      params.subscriberPriority = reader.u8();
      return;
    case "filter":
      params.filter = decodeFilter(prefixed(reader));
      return;
    case "groupOrder": {
      const value = reader.u8();
      if (value !== 1 && value !== 2) throw violation(`GROUP_ORDER of ${value} is neither 1 nor 2`);
      params.groupOrder = value === 1 ? "ascending" : "descending";
      return;
    }
    case "namespacePrefix":
      params.namespacePrefix = decodeNamespace(reader);
      return;
    default:
      params[key] = reader.varint();
  }
}

function prefixed(reader: Reader): Uint8Array {
  return reader.bytes(reader.length(reader.remaining(), "a message parameter"));
}

/** Appends the number of parameters and the parameters in ascending order. */
export function encodeParams(writer: Writer, params: Parameters): void {
  let count = 0;
  for (const [, key] of PARAMETERS) {
    if (key === "tokens") count += params.tokens?.length ?? 0;
    else if (params[key] !== undefined) count++;
  }
  writer.varint(count);
  let previous = 0;
  for (const [type, key] of PARAMETERS) {
    if (key === "tokens") {
      for (const token of params.tokens ?? []) {
        writer.varint(type - previous);
        previous = type;
        writer.nested((inner) => encodeAuthToken(inner, token));
      }
    } else if (params[key] !== undefined) {
      writer.varint(type - previous);
      previous = type;
      encodeParam(writer, key, params);
    }
  }
}

function encodeParam(
  writer: Writer,
  key: Exclude<keyof Parameters, "tokens">,
  params: Parameters,
): void {
  switch (key) {
    case "largestObject":
      encodeLocation(writer, params.largestObject!);
      return;
    case "forward":
      writer.u8(params.forward ? 1 : 0);
      return;
    case "subscriberPriority":
      writer.u8(params.subscriberPriority!);
      return;
    case "filter":
      writer.nested((inner) => encodeFilter(inner, params.filter!));
      return;
    case "groupOrder":
      writer.u8(params.groupOrder === "ascending" ? 1 : 2);
      return;
    case "namespacePrefix":
      encodeNamespace(writer, params.namespacePrefix!);
      return;
    default:
      writer.varint(params[key]!);
  }
}

function decodeFilter(bytes: Uint8Array): SubscriptionFilter {
  const reader = new Reader(bytes);
  try {
    const filter = readFilter(reader);
    if (reader.remaining() === 0) return filter;
  } catch (error) {
    if (!(error instanceof Truncated)) throw error;
  }
  throw new WireError(
    SessionCode.KeyValueFormattingError,
    "a subscription filter is shorter or longer than its fields",
  );
}

function readFilter(reader: Reader): SubscriptionFilter {
  const kind = reader.varint();
  if (kind === 1) return { kind: "next_group_start" };
  if (kind === 2) return { kind: "largest_object" };
  if (kind === 3) return { kind: "absolute_start", start: decodeLocation(reader) };
  if (kind === 4) {
    const start = decodeLocation(reader);
    const endGroup = addVarInt(start.group, reader.varint());
    if (endGroup === undefined) throw violation("the end group of a filter is above 2^64 − 1");
    return { kind: "absolute_range", start, endGroup };
  }
  throw violation(`filter type ${kind} is unknown`);
}

function encodeFilter(writer: Writer, filter: SubscriptionFilter): void {
  switch (filter.kind) {
    case "next_group_start":
      writer.u8(1);
      return;
    case "largest_object":
      writer.u8(2);
      return;
    case "absolute_start":
      writer.u8(3);
      encodeLocation(writer, filter.start);
      return;
    case "absolute_range": {
      const delta = subVarInt(filter.endGroup, filter.start.group);
      if (delta === undefined) throw new RangeError("a filter ends before it starts");
      writer.u8(4);
      encodeLocation(writer, filter.start);
      writer.varint(delta);
    }
  }
}
