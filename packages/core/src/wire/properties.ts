import { EMPTY, Reader, Truncated, Writer } from "./cursor.js";
import { SessionCode, violation, WireError } from "./error.js";
import { addVarInt, subVarInt, type VarInt } from "./varint.js";

/**
 * One key-value pair (draft-18 "Key-Value-Pair Structure"): an even type has an integer, an odd one
 * up to 65,535 bytes.
 */
export interface KeyValuePair {
  readonly type: VarInt;
  readonly value: VarInt | Uint8Array;
}

/** Properties of a track or of an object, in ascending order by type (draft-18 "Properties"). */
export type Properties = readonly KeyValuePair[];

/** Property types that this library knows. */
export const PropertyType = {
  ObjectDeliveryTimeout: 0x02,
  MaxCacheDuration: 0x04,
  SubgroupDeliveryTimeout: 0x06,
  ImmutableProperties: 0x0b,
  DefaultPublisherPriority: 0x0e,
  DefaultPublisherGroupOrder: 0x22,
  DynamicGroups: 0x30,
  PriorGroupIdGap: 0x3c,
  PriorObjectIdGap: 0x3e,
  /** Ours: the delivery class of a track (1 reliable, 2 latest, 3 deadline, 4 datagram). */
  DeliveryClass: 0x3800,
  /** Ours: the deadline of a track in milliseconds. */
  DeliveryDeadline: 0x3802,
  /** Ours: the publisher's time of an object in milliseconds since 1970. */
  PublisherTime: 0x3804,
} as const;

/** Most bytes in the value of a pair. */
export const MAX_PAIR_VALUE_BYTES = 65_535;

/** First and last type that an endpoint has to know in order to use a track. */
export const MANDATORY_TRACK_PROPERTIES = { first: 0x4000, last: 0x7fff } as const;

/** Decodes pairs until `reader` is at its end. */
export function decodePairs(reader: Reader): KeyValuePair[] {
  const pairs: KeyValuePair[] = [];
  walkPairs(reader, pairs);
  return pairs;
}

function walkPairs(reader: Reader, pairs?: KeyValuePair[]): void {
  let previous: VarInt = 0;
  try {
    while (reader.remaining() > 0) {
      const type = nextType(previous, reader.varint());
      previous = type;
      const value: VarInt | Uint8Array = isOdd(type)
        ? reader.bytes(reader.length(MAX_PAIR_VALUE_BYTES, "the value of a key-value pair"))
        : reader.varint();
      pairs?.push({ type, value });
    }
  } catch (error) {
    if (!(error instanceof Truncated)) throw error;
    throw new WireError(SessionCode.KeyValueFormattingError, "a key-value pair is cut off");
  }
}

/** Throws what {@link decodePairs} would, without keeping the pairs: for the data path. */
export function checkPairs(bytes: Uint8Array): void {
  walkPairs(new Reader(bytes));
}

/** Appends pairs, sorted by type; pairs of one type keep their order. */
export function encodePairs(writer: Writer, pairs: readonly KeyValuePair[]): void {
  let previous: VarInt = 0;
  for (const pair of sorted(pairs)) {
    writer.varint(subVarInt(pair.type, previous) as VarInt);
    previous = pair.type;
    if (typeof pair.value === "object") writer.prefixed(pair.value);
    else writer.varint(pair.value);
  }
}

/** Object properties as they travel: see {@link encodeProperties} for the other way. */
export function decodeProperties(bytes: Uint8Array): KeyValuePair[] {
  return bytes.length === 0 ? [] : decodePairs(new Reader(bytes));
}

/** Pairs as bytes, without a length prefix: the form that objects carry in this library. */
export function encodeProperties(pairs: Properties): Uint8Array {
  if (pairs.length === 0) return EMPTY;
  const writer = new Writer(64);
  encodePairs(writer, pairs);
  return writer.finish();
}

/** First value of `type`, also within Immutable Properties, as the draft asks of processors. */
export function findProperty(pairs: Properties, type: VarInt): VarInt | Uint8Array | undefined {
  for (const pair of pairs) if (pair.type === type) return pair.value;
  for (const pair of pairs) {
    if (pair.type !== PropertyType.ImmutableProperties || typeof pair.value !== "object") continue;
    for (const inner of innerPairs(pair.value)) if (inner.type === type) return inner.value;
  }
  return undefined;
}

/** The pairs within Immutable Properties; none when they are malformed. */
function innerPairs(bytes: Uint8Array): KeyValuePair[] {
  try {
    return decodePairs(new Reader(bytes));
  } catch {
    return [];
  }
}

/** {@link findProperty} for properties with an integer value. */
export function findInteger(pairs: Properties, type: VarInt): VarInt | undefined {
  const value = findProperty(pairs, type);
  return typeof value === "object" ? undefined : value;
}

/** Types of the mandatory range among `pairs` (draft-18 "Mandatory Track Properties"). */
export function mandatoryProperties(pairs: Properties): VarInt[] {
  const found: VarInt[] = [];
  for (const { type, value } of pairs) {
    if (isMandatory(type)) found.push(type);
    if (type !== PropertyType.ImmutableProperties || typeof value !== "object") continue;
    for (const inner of innerPairs(value)) if (isMandatory(inner.type)) found.push(inner.type);
  }
  return found;
}

function isMandatory(type: VarInt): boolean {
  return type >= MANDATORY_TRACK_PROPERTIES.first && type <= MANDATORY_TRACK_PROPERTIES.last;
}

/**
 * Why an object at this place with these properties makes its track malformed (draft-18 "Immutable
 * Properties", "Prior Group ID Gap", "Prior Object ID Gap", "Mandatory Track Properties").
 */
export function objectFault(pairs: Properties, group: VarInt, object: VarInt): string | undefined {
  const seen = new Set<VarInt>();
  for (const { type, value } of pairs) {
    if (isMandatory(type)) return `mandatory track property ${type} on an object`;
    const once =
      type === PropertyType.ImmutableProperties ||
      type === PropertyType.PriorGroupIdGap ||
      type === PropertyType.PriorObjectIdGap;
    if (!once) continue;
    if (seen.has(type)) return `property ${type} twice on an object`;
    seen.add(type);
    if (type === PropertyType.PriorGroupIdGap && (value as VarInt) > group) {
      return "PRIOR_GROUP_ID_GAP larger than the group id";
    }
    if (type === PropertyType.PriorObjectIdGap && (value as VarInt) > object) {
      return "PRIOR_OBJECT_ID_GAP larger than the object id";
    }
    if (type !== PropertyType.ImmutableProperties) continue;
    if (innerPairs(value as Uint8Array).some((inner) => inner.type === type)) {
      return "immutable properties within immutable properties";
    }
  }
  return undefined;
}

/** Ends the session for values of track properties that the draft forbids. */
export function checkTrackProperties(pairs: Properties): void {
  const priority = findInteger(pairs, PropertyType.DefaultPublisherPriority);
  if (priority !== undefined && priority > 255) {
    throw new WireError(
      SessionCode.KeyValueFormattingError,
      `DEFAULT_PUBLISHER_PRIORITY of ${priority}; the limit is 255`,
    );
  }
  const order = findInteger(pairs, PropertyType.DefaultPublisherGroupOrder);
  if (order !== undefined && order !== 1 && order !== 2) {
    throw violation(`DEFAULT_PUBLISHER_GROUP_ORDER of ${order} is neither 1 nor 2`);
  }
  const dynamic = findInteger(pairs, PropertyType.DynamicGroups);
  if (dynamic !== undefined && dynamic > 1) {
    throw violation(`DYNAMIC_GROUPS of ${dynamic} is neither 0 nor 1`);
  }
}

export function isOdd(type: VarInt): boolean {
  return typeof type === "number" ? type % 2 === 1 : (type & 1n) === 1n;
}

function nextType(previous: VarInt, delta: VarInt): VarInt {
  const type = addVarInt(previous, delta);
  if (type === undefined) throw violation("the type of a key-value pair is above 2^64 − 1");
  return type;
}

function sorted(pairs: readonly KeyValuePair[]): readonly KeyValuePair[] {
  for (let i = 1; i < pairs.length; i++) {
    if ((pairs[i] as KeyValuePair).type < (pairs[i - 1] as KeyValuePair).type) {
      return [...pairs].sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
    }
  }
  return pairs;
}
