import { SessionCode, WireError } from "./error.js";
import { readVarint, type VarInt, varintLength, varintSize, writeVarint } from "./varint.js";

/** No bytes. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * Reads forward through a bounded range of bytes and never beyond it. What it returns as bytes are
 * views. Running out of bytes throws {@link WireError} with `code` (PROTOCOL_VIOLATION by default).
 */
export class Reader {
  private buffer: Uint8Array;
  private at: number;
  private end: number;

  constructor(bytes: Uint8Array = EMPTY) {
    this.buffer = bytes;
    this.at = 0;
    this.end = bytes.length;
  }

  /** Starts over with other bytes, so that one reader serves many messages. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.buffer = bytes;
    this.at = start;
    this.end = end;
    return this;
  }

  /** Offset of the next byte in the bytes given. */
  position(): number {
    return this.at;
  }

  /** Bytes not read yet. */
  remaining(): number {
    return this.end - this.at;
  }

  u8(): number {
    if (this.at >= this.end) throw truncated();
    return this.buffer[this.at++] as number;
  }

  u16(): number {
    if (this.end - this.at < 2) throw truncated();
    const value = ((this.buffer[this.at] as number) << 8) | (this.buffer[this.at + 1] as number);
    this.at += 2;
    return value;
  }

  varint(): VarInt {
    if (this.at >= this.end) throw truncated();
    const length = varintLength(this.buffer[this.at] as number);
    if (this.end - this.at < length) throw truncated();
    const value = readVarint(this.buffer, this.at);
    this.at += length;
    return value;
  }

  /** An integer that counts bytes: more than `limit` throws with `code`. */
  length(limit: number, what: string, code: number = SessionCode.ProtocolViolation): number {
    const value = this.varint();
    if (value > limit)
      throw new WireError(code, `${what} of ${value} bytes; the limit is ${limit}`);
    return value as number;
  }

  /** A view of the next `count` bytes. */
  bytes(count: number): Uint8Array {
    if (this.end - this.at < count) throw truncated();
    if (count === 0) return EMPTY;
    const view = this.buffer.subarray(this.at, this.at + count);
    this.at += count;
    return view;
  }

  /** A view of all bytes that are left. */
  rest(): Uint8Array {
    return this.bytes(this.end - this.at);
  }

  skip(count: number): void {
    if (this.end - this.at < count) throw truncated();
    this.at += count;
  }
}

/**
 * The bytes end in the middle of a field. On a stream more may follow; in a whole message or
 * datagram it is a PROTOCOL_VIOLATION.
 */
export class Truncated extends WireError {
  constructor() {
    super(SessionCode.ProtocolViolation, "ends in the middle of a field");
  }
}

function truncated(): WireError {
  return new Truncated();
}

/** Appends to a buffer that grows and is kept between uses. */
export class Writer {
  private buffer: Uint8Array;
  private len = 0;

  /** `capacity`: initial size in bytes. */
  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
  }

  /** Bytes written since the last {@link Writer.reset}. */
  get length(): number {
    return this.len;
  }

  reset(): this {
    this.len = 0;
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.len);
  }

  /** What was written, valid until the next write or reset. */
  view(): Uint8Array {
    return this.buffer.subarray(0, this.len);
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.len++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.buffer[this.len++] = value >> 8;
    this.buffer[this.len++] = value & 0xff;
  }

  /** Overwrites two bytes written before, at `offset`. */
  patchU16(offset: number, value: number): void {
    this.buffer[offset] = value >> 8;
    this.buffer[offset + 1] = value & 0xff;
  }

  varint(value: VarInt): void {
    this.reserve(9);
    this.len += writeVarint(this.buffer, this.len, value);
  }

  bytes(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.len);
    this.len += value.length;
  }

  /** The length as an integer, then the bytes. */
  prefixed(value: Uint8Array): void {
    this.varint(value.length);
    this.bytes(value);
  }

  /** The length of what `write` appends as an integer, then that. */
  nested(write: (inner: Writer) => void): void {
    this.prefixed(this.scratch(write));
  }

  /** What `write` appends, as bytes of its own; nothing is appended here. */
  scratch(write: (inner: Writer) => void): Uint8Array {
    const inner = new Writer(64);
    write(inner);
    return inner.view();
  }

  private reserve(count: number): void {
    const needed = this.len + count;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.len));
    this.buffer = grown;
  }
}

/** Length in bytes of `bytes` with its length prefix. */
export function prefixedSize(bytes: Uint8Array): number {
  return varintSize(bytes.length) + bytes.length;
}
