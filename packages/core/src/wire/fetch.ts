import { EMPTY, type Reader, type Writer } from "./cursor.js";
import { violation } from "./error.js";
import { ItemBuffer } from "./items.js";
import { decodeLocation, encodeLocation } from "./location.js";
import type { FetchItem, FetchObject } from "./object.js";
import type { GroupOrder } from "./params.js";
import type { ItemEncoder, ObjectLimits } from "./profile.js";
import { checkPairs } from "./properties.js";
import { addVarInt, subVarInt, type VarInt } from "./varint.js";

const FETCH_HEADER = 0x05;

const SUBGROUP_MASK = 0x03;
const SUBGROUP_ZERO = 0x00;
const SUBGROUP_PRIOR = 0x01;
const SUBGROUP_NEXT = 0x02;
const SUBGROUP_PRESENT = 0x03;
const OBJECT_ID = 0x04;
const GROUP_ID = 0x08;
const PRIORITY = 0x10;
const PROPERTIES = 0x20;
const DATAGRAM = 0x40;
const END_OF_NON_EXISTENT_RANGE = 0x8c;
const END_OF_UNKNOWN_RANGE = 0x10c;

/** Decodes the request id that follows the stream type (draft-18 "Fetch Header"). */
export function decodeFetchHeader(reader: Reader): VarInt {
  return reader.varint();
}

/** Appends the stream type and the header. */
export function encodeFetchHeader(writer: Writer, requestId: VarInt): void {
  writer.u8(FETCH_HEADER);
  writer.varint(requestId);
}

/** What later items refer to as the "prior Object". */
class Prior {
  group: VarInt | undefined;
  object: VarInt = 0;
  /** Of the last object that was not a datagram: one has no subgroup to refer to. */
  subgroup: VarInt | undefined;
  priority: number | undefined;

  set(item: FetchItem): void {
    if (item.kind === "end_of_range") {
      this.group = item.location.group;
      this.object = item.location.object;
      return;
    }
    this.group = item.group;
    this.object = item.object;
    if (item.subgroup !== undefined) this.subgroup = item.subgroup;
    this.priority = item.priority;
  }
}

/** Cuts a FETCH stream, after its header, into objects and ends of ranges. */
export class FetchDecoder extends ItemBuffer<FetchItem> {
  private readonly prior = new Prior();
  private item: FetchItem | undefined;

  constructor(
    private readonly order: GroupOrder,
    limits: ObjectLimits,
  ) {
    super(limits);
  }

  protected override head(reader: Reader): VarInt {
    const flags = reader.varint();
    if (flags === END_OF_NON_EXISTENT_RANGE || flags === END_OF_UNKNOWN_RANGE) {
      // "The Group ID and Object ID fields are present": the location itself, not deltas, which
      // could not name a place in the group of the object before.
      const location = decodeLocation(reader);
      // The payload length is not among the fields that "are not present".
      if (reader.varint() !== 0) throw violation("an end of a fetch range has a payload");
      this.item = { kind: "end_of_range", location, unknown: flags === END_OF_UNKNOWN_RANGE };
      return 0;
    }
    if (flags > 0x7f) throw violation(`fetch serialization flags ${flags} are unknown`);
    return this.objectHead(reader, flags as number);
  }

  private objectHead(reader: Reader, flags: number): VarInt {
    const first = this.prior.group === undefined;
    if (first && (flags & (GROUP_ID | OBJECT_ID)) !== (GROUP_ID | OBJECT_ID)) {
      throw violation("the first object of a fetch refers to a prior one");
    }
    const groupDelta = (flags & GROUP_ID) !== 0 ? reader.varint() : undefined;
    const subgroup = this.subgroup(reader, flags);
    const objectDelta = (flags & OBJECT_ID) !== 0 ? reader.varint() : undefined;
    const { group, object } = this.resolve(groupDelta, objectDelta);
    const priority = (flags & PRIORITY) !== 0 ? reader.u8() : this.prior.priority;
    if (priority === undefined) throw violation("a fetch object refers to no prior priority");
    const properties = (flags & PROPERTIES) !== 0 ? this.properties(reader) : EMPTY;
    if (this.oversize() !== undefined) return 0;
    const size = reader.varint();
    if (properties.length > 0) checkPairs(properties);
    const payload = EMPTY;
    this.item = { kind: "object", group, subgroup, object, priority, properties, payload };
    return size;
  }

  protected override build(payload: Uint8Array): FetchItem {
    const item = this.item as FetchItem;
    this.prior.set(item);
    if (item.kind === "object") (item as { payload: Uint8Array }).payload = payload;
    return item;
  }

  private resolve(
    groupDelta: VarInt | undefined,
    objectDelta: VarInt | undefined,
  ): { group: VarInt; object: VarInt } {
    const prior = this.prior;
    let group: VarInt | undefined;
    if (prior.group === undefined) group = groupDelta;
    else if (groupDelta === undefined) group = prior.group;
    else group = step(prior.group, groupDelta, this.order);
    if (group === undefined) throw violation("a group id of a fetch is out of range");
    let object: VarInt | undefined;
    if (objectDelta === undefined) object = addVarInt(prior.object, 1);
    else if (groupDelta === undefined) object = addVarInt(prior.object, objectDelta);
    else object = objectDelta;
    if (object === undefined) throw violation("an object id of a fetch is above 2^64 − 1");
    return { group, object };
  }

  private subgroup(reader: Reader, flags: number): VarInt | undefined {
    if ((flags & DATAGRAM) !== 0) return undefined;
    const mode = flags & SUBGROUP_MASK;
    if (mode === SUBGROUP_ZERO) return 0;
    if (mode === SUBGROUP_PRESENT) return reader.varint();
    const prior = this.prior.subgroup;
    if (prior === undefined) throw violation("a fetch object refers to no prior subgroup");
    if (mode === SUBGROUP_PRIOR) return prior;
    const next = addVarInt(prior, 1);
    if (next === undefined) throw violation("a subgroup id of a fetch is above 2^64 − 1");
    return next;
  }
}

/** Writes the items of one FETCH stream in their shortest form, in the order of the fetch. */
export class FetchEncoder implements ItemEncoder<FetchItem> {
  private readonly prior = new Prior();

  constructor(private readonly order: GroupOrder) {}

  encode(writer: Writer, item: FetchItem): void {
    if (item.kind === "end_of_range") {
      this.checkOrder(item.location.group, item.location.object);
      writer.varint(item.unknown ? END_OF_UNKNOWN_RANGE : END_OF_NON_EXISTENT_RANGE);
      encodeLocation(writer, item.location);
      writer.varint(0);
    } else this.object(writer, item);
    this.prior.set(item);
    // Readers differ in what the prior subgroup is after an object that has none: it is not
    // referred to then, though understood by the decoder.
    if (item.kind === "object" && item.subgroup === undefined) this.prior.subgroup = undefined;
  }

  private object(writer: Writer, item: FetchObject): void {
    const { group, object, subgroup, priority } = item;
    const prior = this.prior;
    let flags = 0;
    const groupDelta = this.groupDelta(group);
    if (groupDelta !== undefined) flags |= GROUP_ID;
    let objectDelta: VarInt | undefined;
    if (groupDelta !== undefined) {
      // Without the field it would be the prior object plus one.
      if (prior.group === undefined || object !== addVarInt(prior.object, 1)) objectDelta = object;
    } else {
      this.checkOrder(group, object);
      objectDelta = subVarInt(object, prior.object);
      if (objectDelta === 1) objectDelta = undefined;
    }
    if (objectDelta !== undefined) flags |= OBJECT_ID;
    if (subgroup === undefined) flags |= DATAGRAM;
    else if (subgroup === 0) flags |= SUBGROUP_ZERO;
    else if (subgroup === prior.subgroup) flags |= SUBGROUP_PRIOR;
    else if (prior.subgroup !== undefined && subgroup === addVarInt(prior.subgroup, 1)) {
      flags |= SUBGROUP_NEXT;
    } else flags |= SUBGROUP_PRESENT;
    if (priority !== prior.priority) flags |= PRIORITY;
    if (item.properties.length > 0) flags |= PROPERTIES;
    writer.varint(flags);
    if (groupDelta !== undefined) writer.varint(groupDelta);
    if ((flags & DATAGRAM) === 0 && (flags & SUBGROUP_MASK) === SUBGROUP_PRESENT) {
      writer.varint(subgroup as VarInt);
    }
    if (objectDelta !== undefined) writer.varint(objectDelta);
    if ((flags & PRIORITY) !== 0) writer.u8(priority);
    if ((flags & PROPERTIES) !== 0) writer.prefixed(item.properties);
    writer.varint(item.payload.length);
  }

  private checkOrder(group: VarInt, object: VarInt): void {
    if (this.groupDelta(group) === undefined && object <= this.prior.object) {
      throw new RangeError(`object ${object} does not follow object ${this.prior.object}`);
    }
  }

  /** The field for `group`; `undefined` within the prior group. */
  private groupDelta(group: VarInt): VarInt | undefined {
    const prior = this.prior.group;
    if (prior === undefined) return group;
    if (group === prior) return undefined;
    const difference =
      this.order === "ascending" ? subVarInt(group, prior) : subVarInt(prior, group);
    const delta = difference === undefined ? undefined : subVarInt(difference, 1);
    if (delta === undefined) throw new RangeError(`group ${group} does not follow group ${prior}`);
    return delta;
  }
}

function step(prior: VarInt, delta: VarInt, order: GroupOrder): VarInt | undefined {
  const by = addVarInt(delta, 1);
  if (by === undefined) return undefined;
  return order === "ascending" ? addVarInt(prior, by) : subVarInt(prior, by);
}
