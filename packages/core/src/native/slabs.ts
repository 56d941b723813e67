/** Bytes of a slab. Enough for a thousand small records in one call. */
const SLAB_BYTES = 256 * 1024;
/** A poll is given at least this much room, so that it does not end after a few records. */
const LEAST_ROOM = 64 * 1024;
/** Every record has a header of this size, so at most one payload begins in each such stretch. */
const STRETCH = 64;
/** Slabs in use at a time. Beyond them objects are copied out, so that none of them holds a slab. */
const MOST_SLABS = 32;
/** Slabs kept for later when nothing is in them. */
const SPARE_SLABS = 4;

/** A piece of memory that records are polled into, and used again once all of them have been read. */
export class Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Records lie before this offset. */
  used = 0;
  /** How many objects in it can still be read, plus one while records are being handed out. */
  live = 0;
  /**
   * Views of payloads, by the stretch that they begin in. Records of one size lie where those of the
   * last round lay, so their views are there already.
   */
  readonly #payloads: (Uint8Array | undefined)[];
  /** Where each of them begins: the engine asks a view itself by a call. */
  readonly #starts: Int32Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const stretches = bytes.length === SLAB_BYTES ? SLAB_BYTES / STRETCH : 0;
    this.#payloads = new Array<Uint8Array | undefined>(stretches).fill(undefined);
    this.#starts = new Int32Array(stretches);
  }

  get room(): number {
    return this.bytes.length - this.used;
  }

  /** A view of `length` bytes at `start`. */
  payload(start: number, length: number): Uint8Array {
    const stretch = (start / STRETCH) | 0;
    const starts = this.#starts;
    if (stretch >= starts.length) return this.bytes.subarray(start, start + length);
    const known = this.#payloads[stretch];
    if (known !== undefined && starts[stretch] === start && known.length === length) return known;
    const made = new Uint8Array(this.bytes.buffer, start, length);
    this.#payloads[stretch] = made;
    starts[stretch] = start;
    return made;
  }
}

function newSlab(): Slab {
  return new Slab(new Uint8Array(SLAB_BYTES));
}

/**
 * The slabs of one port, shared by its clients; a port belongs to one script thread. In steady
 * state one slab is filled and read over and over.
 */
export class Slabs {
  #current = newSlab();
  #spare: Slab[] = [];
  /** Slabs that are not spare: at most {@link MOST_SLABS} and the one that is copied out of. */
  #inUse = 1;

  /** A slab of its own for a record of this size, which fits no other. */
  large(size: number): Slab {
    return new Slab(new Uint8Array(size + LEAST_ROOM));
  }

  /** A slab with room. What lies in the one given before stays there while it is `live`. */
  take(): Slab {
    const current = this.#current;
    if (current.live === 0) current.used = 0;
    if (current.room >= LEAST_ROOM) return current;
    this.#current = this.#spare.pop() ?? newSlab();
    this.#inUse += 1;
    return this.#current;
  }

  /** Objects are to be copied out: readers are so far behind that they would hold too many slabs. */
  get crowded(): boolean {
    return this.#inUse > MOST_SLABS;
  }

  /** One thing less can be read in `slab`. */
  release(slab: Slab): void {
    slab.live -= 1;
    if (slab.live > 0) return;
    slab.used = 0;
    // The current one is simply filled again; one for a single large record is not kept.
    if (slab === this.#current || slab.bytes.length !== SLAB_BYTES) return;
    this.#inUse -= 1;
    if (this.#spare.length < SPARE_SLABS) this.#spare.push(slab);
  }
}
