import type { Incoming, Place } from "../delivery/receiver.js";
import {
  decodeProperties,
  findInteger,
  type Properties,
  PropertyType,
} from "../wire/properties.js";
import type { VarInt } from "../wire/varint.js";

/** An object as the wire has it, but for its group and subgroup: streams tell those once for many. */
export interface WireObject {
  readonly object: VarInt;
  readonly properties: Uint8Array;
  readonly payload: Uint8Array;
}

/** `"too_large"`: an id that a JavaScript number does not hold. */
export function toPlace(place: { group: VarInt; object: VarInt }): Place | "too_large" {
  const { group, object } = place;
  if (typeof group !== "number" || typeof object !== "number") return "too_large";
  return { group, object };
}

/**
 * An object in the form that receivers take; properties that cannot be read count as none. Written
 * out field by field: copying objects with `...` takes longer than all else that is done for one.
 */
export function toIncoming(
  group: VarInt,
  subgroup: VarInt | "first_object" | undefined,
  { object, properties, payload }: WireObject,
  now: number,
): Incoming | "too_large" {
  if (typeof group !== "number" || typeof object !== "number") return "too_large";
  const incoming: Writable<Incoming> = {
    group,
    object,
    subgroup: typeof subgroup === "number" ? subgroup : 0,
    payload,
    receivedAt: now,
    publishedAt: undefined,
    priorGroups: 0,
    priorObjects: 0,
  };
  if (properties.byteLength > 0) readProperties(properties, incoming);
  return incoming;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function readProperties(properties: Uint8Array, incoming: Writable<Incoming>): void {
  let pairs: Properties = [];
  try {
    pairs = decodeProperties(properties);
  } catch {
    // The session checks what it must; a property of somebody else's making is not our concern.
  }
  const publishedAt = findInteger(pairs, PropertyType.PublisherTime);
  if (typeof publishedAt === "number") incoming.publishedAt = publishedAt;
  incoming.priorGroups = gap(findInteger(pairs, PropertyType.PriorGroupIdGap));
  incoming.priorObjects = gap(findInteger(pairs, PropertyType.PriorObjectIdGap));
}

function gap(value: VarInt | undefined): number {
  return typeof value === "number" ? value : 0;
}
