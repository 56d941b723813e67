import type { MoqObject } from "../api.js";
import { EMPTY } from "../wire/cursor.js";
import { type RecordCursor, RecordField, RecordFlag } from "./records.js";
import type { Slab, Slabs } from "./slabs.js";

const TWO_32 = 4_294_967_296;

/** Objects kept for use again. */
const MOST_SPARE = 4_096;

/** An object of which the bytes lie in a slab; used again after {@link RecordObjects.release}. */
export class RecordObject implements MoqObject {
  group = 0;
  object = 0;
  subgroup = 0;
  bytes: Uint8Array = EMPTY;
  // Not a small integer, so that the engine keeps room for a fraction from the start.
  receivedAt = 0.5;
  publishedAt: number | undefined = undefined;
  keyframe = false;
  /** Where its bytes lie; `undefined`: they are its own. Private, so that `{ ...object }` is plain. */
  #slab: Slab | undefined;

  fill(record: RecordCursor, clockOffset: number, copied: boolean): void {
    const { at, flags, payload, slab } = record;
    const { view } = slab;
    // Read in place and not by the cursor: a function that gives a number beyond the small integers
    // may have to allocate it.
    this.group =
      view.getUint32(at + RecordField.Group + 4, true) * TWO_32 +
      view.getUint32(at + RecordField.Group, true);
    this.object =
      view.getUint32(at + RecordField.Object + 4, true) * TWO_32 +
      view.getUint32(at + RecordField.Object, true);
    this.subgroup =
      view.getUint32(at + RecordField.Subgroup + 4, true) * TWO_32 +
      view.getUint32(at + RecordField.Subgroup, true);
    this.receivedAt =
      (view.getUint32(at + RecordField.ReceivedUs + 4, true) * TWO_32 +
        view.getUint32(at + RecordField.ReceivedUs, true)) /
        1_000 +
      clockOffset;
    this.publishedAt = (flags & RecordFlag.PublishedAt) !== 0 ? record.extra : undefined;
    this.keyframe = (flags & RecordFlag.Keyframe) !== 0;
    this.bytes = copied ? payload.slice() : payload;
    this.#slab = copied ? undefined : slab;
    if (!copied) slab.live += 1;
  }

  /** Lets go of the bytes; gives the slab that they lay in. */
  clear(): Slab | undefined {
    const slab = this.#slab;
    this.#slab = undefined;
    this.bytes = EMPTY;
    return slab;
  }
}

/**
 * Objects to use again, of all clients of a port: the one that was used last is still in the processor's cache,
 * whoever comes next.
 */
export class SpareObjects {
  /** The first `#count` are there; a count of its own, because it changes for every object. */
  readonly #objects: (RecordObject | undefined)[] = new Array(MOST_SPARE).fill(undefined);
  #count = 0;

  take(): RecordObject {
    return (this.#count > 0 ? this.#objects[--this.#count] : undefined) ?? new RecordObject();
  }

  keep(object: RecordObject): void {
    if (this.#count < MOST_SPARE) this.#objects[this.#count++] = object;
  }
}

/** Makes the objects of one client from records, without making anything new in steady state. */
export class RecordObjects {
  readonly #slabs: Slabs;
  readonly #spare: SpareObjects;
  readonly #clockOffset: number;

  /** `clockOffset` brings the library's ms to the host's clock. */
  constructor(slabs: Slabs, spare: SpareObjects, clockOffset: number) {
    this.#slabs = slabs;
    this.#spare = spare;
    this.#clockOffset = clockOffset;
  }

  /** The object of an object record. Whoever takes it calls {@link RecordObjects.release} once. */
  take(record: RecordCursor): RecordObject {
    const object = this.#spare.take();
    object.fill(record, this.#clockOffset, this.#slabs.crowded);
    return object;
  }

  release(object: RecordObject): void {
    const slab = object.clear();
    if (slab !== undefined) this.#slabs.release(slab);
    this.#spare.keep(object);
  }
}
