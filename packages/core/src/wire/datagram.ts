import { EMPTY, prefixedSize, Reader, type Writer } from "./cursor.js";
import { violation } from "./error.js";
import type { ObjectDatagram } from "./object.js";
import { ObjectStatus } from "./object.js";
import { PADDING_DATAGRAM } from "./padding.js";
import { checkPairs } from "./properties.js";
import { checkStatus } from "./subgroup.js";
import { type VarInt, varintSize } from "./varint.js";

const PROPERTIES = 0x01;
const END_OF_GROUP = 0x02;
const ZERO_OBJECT_ID = 0x04;
const DEFAULT_PRIORITY = 0x08;
const STATUS = 0x20;

/** Decodes a datagram (draft-18 "Object Datagram"); `undefined` for padding. */
export function decodeDatagram(bytes: Uint8Array): ObjectDatagram | undefined {
  const reader = new Reader(bytes);
  const type = reader.varint();
  if (type === PADDING_DATAGRAM) return undefined;
  if (type > 0x2f || (Number(type) & 0x10) !== 0)
    throw violation(`datagram type ${type} is unknown`);
  const flags = type as number;
  if ((flags & STATUS) !== 0 && (flags & END_OF_GROUP) !== 0) {
    throw violation(`datagram type ${type} has a status and ends the group`);
  }
  const trackAlias = reader.varint();
  const group = reader.varint();
  const object: VarInt = (flags & ZERO_OBJECT_ID) !== 0 ? 0 : reader.varint();
  const priority = (flags & DEFAULT_PRIORITY) !== 0 ? undefined : reader.u8();
  let properties = EMPTY;
  if ((flags & PROPERTIES) !== 0) {
    properties = reader.bytes(reader.length(reader.remaining(), "object properties"));
    if (properties.length === 0) throw violation("a datagram has properties of no bytes");
    checkPairs(properties);
  }
  const endOfGroup = (flags & END_OF_GROUP) !== 0;
  let status: ObjectStatus = ObjectStatus.Normal;
  if ((flags & STATUS) !== 0) {
    status = checkStatus(reader.varint());
    if (status !== ObjectStatus.Normal && properties.length > 0) {
      throw violation("an object that is not normal has properties");
    }
    if (reader.remaining() > 0) throw violation("bytes left over after the status of a datagram");
  }
  return {
    trackAlias,
    group,
    object,
    priority,
    properties,
    endOfGroup,
    status,
    payload: reader.rest(),
  };
}

/**
 * "Zero-length objects explicitly encode the Normal status", unless the end-of-group bit, which
 * excludes the status, says more.
 */
function hasStatus({ status, payload, endOfGroup }: ObjectDatagram): boolean {
  return status !== ObjectStatus.Normal || (payload.length === 0 && !endOfGroup);
}

/** Appends a whole datagram. Throws RangeError for what cannot be one. */
export function encodeDatagram(writer: Writer, datagram: ObjectDatagram): void {
  const { object, priority, properties, status } = datagram;
  if (status !== ObjectStatus.Normal) {
    if (datagram.endOfGroup) throw new RangeError("a status does not end the group");
    if (datagram.payload.length + properties.length > 0) {
      throw new RangeError("an object that is not normal has neither payload nor properties");
    }
  }
  const isStatus = hasStatus(datagram);
  let flags = isStatus ? STATUS : 0;
  if (datagram.endOfGroup) flags |= END_OF_GROUP;
  if (object === 0) flags |= ZERO_OBJECT_ID;
  if (priority === undefined) flags |= DEFAULT_PRIORITY;
  if (properties.length > 0) flags |= PROPERTIES;
  writer.u8(flags);
  writer.varint(datagram.trackAlias);
  writer.varint(datagram.group);
  if (object !== 0) writer.varint(object);
  if (priority !== undefined) writer.u8(priority);
  if ((flags & PROPERTIES) !== 0) writer.prefixed(properties);
  if (isStatus) writer.u8(status);
  else writer.bytes(datagram.payload);
}

/** Size in bytes of the datagram that {@link encodeDatagram} would write. */
export function datagramSize(datagram: ObjectDatagram): number {
  const { object, priority, properties } = datagram;
  let size = 1 + varintSize(datagram.trackAlias) + varintSize(datagram.group);
  if (object !== 0) size += varintSize(object);
  if (priority !== undefined) size += 1;
  if (properties.length > 0) size += prefixedSize(properties);
  return size + (hasStatus(datagram) ? 1 : datagram.payload.length);
}
