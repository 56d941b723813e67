import { EMPTY, type Reader, type Writer } from "./cursor.js";
import { violation } from "./error.js";
import { ItemBuffer } from "./items.js";
import { ObjectStatus, type SubgroupHeader, type SubgroupObject } from "./object.js";
import type { ItemEncoder, ObjectLimits } from "./profile.js";
import { checkPairs } from "./properties.js";
import { addVarInt, subVarInt, type VarInt } from "./varint.js";

const PROPERTIES = 0x01;
const SUBGROUP_ID_MODE = 0x06;
const MODE_ZERO = 0x00;
const MODE_FIRST_OBJECT = 0x02;
const MODE_EXPLICIT = 0x04;
const END_OF_GROUP = 0x08;
const SUBGROUP = 0x10;
const DEFAULT_PRIORITY = 0x20;
const FIRST_OBJECT = 0x40;

/** Whether a stream type has the form of a subgroup header, the reserved mode included. */
export function isSubgroupType(type: VarInt): boolean {
  return type <= 0x7f && (Number(type) & SUBGROUP) !== 0;
}

/** Decodes what follows the stream type (draft-18 "Subgroup Header"). */
export function decodeSubgroupHeader(type: VarInt, reader: Reader): SubgroupHeader {
  const flags = Number(type);
  const mode = flags & SUBGROUP_ID_MODE;
  if (!isSubgroupType(type) || mode === SUBGROUP_ID_MODE) {
    throw violation(`stream type ${type} is no valid subgroup header`);
  }
  const trackAlias = reader.varint();
  const group = reader.varint();
  const subgroup =
    mode === MODE_ZERO ? 0 : mode === MODE_FIRST_OBJECT ? "first_object" : reader.varint();
  return {
    trackAlias,
    group,
    subgroup,
    priority: (flags & DEFAULT_PRIORITY) !== 0 ? undefined : reader.u8(),
    hasProperties: (flags & PROPERTIES) !== 0,
    endOfGroup: (flags & END_OF_GROUP) !== 0,
    firstObject: (flags & FIRST_OBJECT) !== 0,
  };
}

/** Appends the stream type and the header. */
export function encodeSubgroupHeader(writer: Writer, header: SubgroupHeader): void {
  const { subgroup, priority } = header;
  let type = SUBGROUP;
  if (header.hasProperties) type |= PROPERTIES;
  if (subgroup === "first_object") type |= MODE_FIRST_OBJECT;
  else if (subgroup !== 0) type |= MODE_EXPLICIT;
  if (header.endOfGroup) type |= END_OF_GROUP;
  if (priority === undefined) type |= DEFAULT_PRIORITY;
  if (header.firstObject) type |= FIRST_OBJECT;
  writer.u8(type);
  writer.varint(header.trackAlias);
  writer.varint(header.group);
  if (subgroup !== "first_object" && subgroup !== 0) writer.varint(subgroup);
  if (priority !== undefined) writer.u8(priority);
}

/** The status behind a wire value; others end the session (draft-18 "Object Status"). */
export function checkStatus(value: VarInt): ObjectStatus {
  if (
    value === ObjectStatus.Normal ||
    value === ObjectStatus.EndOfGroup ||
    value === ObjectStatus.EndOfTrack
  ) {
    return value;
  }
  throw violation(`object status ${value} is unknown`);
}

/** Cuts a subgroup stream, after its header, into objects. */
export class SubgroupDecoder extends ItemBuffer<SubgroupObject> {
  private previous: VarInt | undefined;
  private object: VarInt = 0;
  private status: ObjectStatus = ObjectStatus.Normal;
  private fields: Uint8Array = EMPTY;

  constructor(
    private readonly hasProperties: boolean,
    limits: ObjectLimits,
  ) {
    super(limits);
  }

  protected override head(reader: Reader): VarInt {
    const delta = reader.varint();
    const object = nextObject(this.previous, delta);
    const properties = this.hasProperties ? this.properties(reader) : EMPTY;
    if (this.oversize() !== undefined) return 0;
    const size = reader.varint();
    const status = size === 0 ? checkStatus(reader.varint()) : ObjectStatus.Normal;
    if (properties.length > 0) {
      if (status !== ObjectStatus.Normal) {
        throw violation("an object that is not normal has properties");
      }
      checkPairs(properties);
    }
    this.object = object;
    this.status = status;
    this.fields = properties;
    return size;
  }

  protected override build(payload: Uint8Array): SubgroupObject {
    this.previous = this.object;
    return { object: this.object, status: this.status, properties: this.fields, payload };
  }
}

/** Writes the objects of one subgroup stream; their ids must ascend. */
export class SubgroupEncoder implements ItemEncoder<SubgroupObject> {
  private previous: VarInt | undefined;

  constructor(private readonly hasProperties: boolean) {}

  encode(writer: Writer, item: SubgroupObject): void {
    let delta: VarInt | undefined = item.object;
    if (this.previous !== undefined) {
      delta = subVarInt(item.object, this.previous);
      delta = delta === undefined ? undefined : subVarInt(delta, 1);
    }
    if (delta === undefined) {
      throw new RangeError(`object ${item.object} does not follow object ${this.previous}`);
    }
    if (item.properties.length > 0 && !this.hasProperties) {
      throw new RangeError("the subgroup header says that objects have no properties");
    }
    if (item.status !== ObjectStatus.Normal && item.payload.length + item.properties.length > 0) {
      throw new RangeError("an object that is not normal has neither payload nor properties");
    }
    writer.varint(delta);
    if (this.hasProperties) writer.prefixed(item.properties);
    writer.varint(item.payload.length);
    if (item.payload.length === 0) writer.u8(item.status);
    this.previous = item.object;
  }
}

function nextObject(previous: VarInt | undefined, delta: VarInt): VarInt {
  if (previous === undefined) return delta;
  const after = addVarInt(previous, delta);
  const object = after === undefined ? undefined : addVarInt(after, 1);
  if (object === undefined) throw violation("an object id is above 2^64 − 1");
  return object;
}
