import type { Incoming, Place } from "../delivery/receiver.js";
import {
  decodeProperties,
  findInteger,
  type Properties,
  PropertyType,
} from "../wire/properties.js";
import type { VarInt } from "../wire/varint.js";

/** An object as the wire has it. */
export interface WireObject {
  readonly group: VarInt;
  readonly subgroup?: VarInt | undefined;
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

/** An object in the form that receivers take; properties that cannot be read count as none. */
export function toIncoming(object: WireObject, now: number): Incoming | "too_large" {
  const place = toPlace(object);
  if (place === "too_large") return place;
  const base = {
    ...place,
    subgroup: typeof object.subgroup === "number" ? object.subgroup : 0,
    payload: object.payload,
    receivedAt: now,
  };
  if (object.properties.byteLength === 0) {
    return { ...base, publishedAt: undefined, priorGroups: 0, priorObjects: 0 };
  }
  let pairs: Properties = [];
  try {
    pairs = decodeProperties(object.properties);
  } catch {
    // The session checks what it must; a property of somebody else's making is not our concern.
  }
  const publishedAt = findInteger(pairs, PropertyType.PublisherTime);
  return {
    ...base,
    publishedAt: typeof publishedAt === "number" ? publishedAt : undefined,
    priorGroups: gap(findInteger(pairs, PropertyType.PriorGroupIdGap)),
    priorObjects: gap(findInteger(pairs, PropertyType.PriorObjectIdGap)),
  };
}

function gap(value: VarInt | undefined): number {
  return typeof value === "number" ? value : 0;
}
