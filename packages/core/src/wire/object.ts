import type { Location } from "./location.js";
import type { VarInt } from "./varint.js";

/** Object status (draft-18 "Object Status"). */
export const ObjectStatus = { Normal: 0x0, EndOfGroup: 0x3, EndOfTrack: 0x4 } as const;
export type ObjectStatus = (typeof ObjectStatus)[keyof typeof ObjectStatus];

/** Header of a stream of objects of one subgroup (draft-18 "Subgroup Header"). */
export interface SubgroupHeader {
  readonly trackAlias: VarInt;
  readonly group: VarInt;
  /** `"first_object"`: the id of the first object on the stream. */
  readonly subgroup: VarInt | "first_object";
  /** 0 to 255, 0 the highest; absent: the track's default. */
  readonly priority?: number | undefined;
  /** Whether every object on the stream has a properties field, be it empty. */
  readonly hasProperties: boolean;
  /** The last object before the FIN is the last one of the group. */
  readonly endOfGroup: boolean;
  /** The first object on the stream is the first one ever published in the subgroup. */
  readonly firstObject: boolean;
}

/** One whole object of a subgroup stream. */
export interface SubgroupObject {
  readonly object: VarInt;
  readonly status: ObjectStatus;
  /** Key-value pairs as bytes (see `decodeProperties`); empty when there are none. */
  readonly properties: Uint8Array;
  readonly payload: Uint8Array;
}

/** One object in a datagram (draft-18 "Object Datagram"). */
export interface ObjectDatagram {
  readonly trackAlias: VarInt;
  readonly group: VarInt;
  readonly object: VarInt;
  /** 0 to 255, 0 the highest; absent: the track's default. */
  readonly priority?: number | undefined;
  /** Key-value pairs as bytes; empty when there are none. */
  readonly properties: Uint8Array;
  /** No object with a larger id exists in the group. Not together with another status. */
  readonly endOfGroup: boolean;
  readonly status: ObjectStatus;
  readonly payload: Uint8Array;
}

/** One item of a FETCH stream (draft-18 "Fetch Header"). */
export type FetchItem = FetchObject | FetchEndOfRange;

export interface FetchObject {
  readonly kind: "object";
  readonly group: VarInt;
  /** Absent: the object's forwarding preference is Datagram. */
  readonly subgroup?: VarInt | undefined;
  readonly object: VarInt;
  /** 0 to 255, 0 the highest. */
  readonly priority: number;
  /** Key-value pairs as bytes; empty when there are none. */
  readonly properties: Uint8Array;
  readonly payload: Uint8Array;
}

/** Everything after the item before, up to and including this place, is absent or unknown. */
export interface FetchEndOfRange {
  readonly kind: "end_of_range";
  readonly location: Location;
  /** true: the status of the objects is unknown; false: they do not exist. */
  readonly unknown: boolean;
}
