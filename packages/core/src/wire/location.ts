import type { Reader, Writer } from "./cursor.js";
import type { VarInt } from "./varint.js";

/** A place in a track (draft-18 "Location Structure"). */
export interface Location {
  readonly group: VarInt;
  readonly object: VarInt;
}

/** Negative, zero or positive as `a` is before, at or after `b`. */
export function compareLocations(a: Location, b: Location): number {
  if (a.group !== b.group) return a.group < b.group ? -1 : 1;
  if (a.object !== b.object) return a.object < b.object ? -1 : 1;
  return 0;
}

export function decodeLocation(reader: Reader): Location {
  const group = reader.varint();
  return { group, object: reader.varint() };
}

export function encodeLocation(writer: Writer, location: Location): void {
  writer.varint(location.group);
  writer.varint(location.object);
}
