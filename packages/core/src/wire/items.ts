import { EMPTY, Reader, Truncated } from "./cursor.js";
import { violation } from "./error.js";
import type { ItemDecoder, ObjectLimits } from "./profile.js";
import type { VarInt } from "./varint.js";

/** First size in bytes of the buffer in which a payload that spans chunks is collected. */
const FIRST_COLLECT = 64 * 1024;

/**
 * Cuts a stream that arrives in chunks into items of a head and a payload. A payload that lies
 * within one chunk is a view of it; one that spans chunks is collected in a buffer that grows with
 * what arrives, never by what the peer announces.
 */
export abstract class ItemBuffer<T> implements ItemDecoder<T> {
  private chunk: Uint8Array = EMPTY;
  private at = 0;
  private end = 0;
  /** Whether `chunk` is a buffer of ours with room after `end`. */
  private owned = false;
  private readonly reader = new Reader();
  private collected: Uint8Array | undefined;
  private filled = 0;
  private wanted = 0;
  private over: VarInt | undefined;

  constructor(protected readonly limits: ObjectLimits) {}

  /**
   * Reads one head and keeps it for {@link ItemBuffer.build}; gives the length of its payload.
   * Throws Truncated when bytes are missing, and must not have changed state by then.
   */
  protected abstract head(reader: Reader): VarInt;
  /** Makes the item of the head that was read last. */
  protected abstract build(payload: Uint8Array): T;

  push(bytes: Uint8Array): void {
    if (this.over !== undefined || bytes.length === 0) return;
    let rest = bytes;
    if (this.collected !== undefined && this.filled < this.wanted) {
      const take = Math.min(rest.length, this.wanted - this.filled);
      this.collect(rest.subarray(0, take));
      if (take === rest.length) return;
      rest = rest.subarray(take);
    }
    if (this.at === this.end) {
      this.chunk = rest;
      this.at = 0;
      this.end = rest.length;
      this.owned = false;
    } else this.append(rest);
  }

  next(): T | undefined {
    if (this.over !== undefined) return undefined;
    if (this.collected !== undefined) {
      if (this.filled < this.wanted) return undefined;
      const payload = this.collected.subarray(0, this.wanted);
      this.collected = undefined;
      return this.build(payload);
    }
    if (this.at === this.end) return undefined;
    const reader = this.reader.reset(this.chunk, this.at, this.end);
    let size: VarInt;
    try {
      size = this.head(reader);
    } catch (error) {
      if (error instanceof Truncated) return undefined;
      throw error;
    }
    if (this.over !== undefined) return this.drop();
    this.at = reader.position();
    if (size > this.limits.maxObjectSize) {
      this.over = size;
      return this.drop();
    }
    const length = size as number;
    if (length === 0) return this.build(EMPTY);
    if (this.end - this.at >= length) {
      const payload = this.chunk.subarray(this.at, this.at + length);
      this.at += length;
      return this.build(payload);
    }
    this.wanted = length;
    this.filled = 0;
    this.collected = EMPTY;
    this.collect(this.chunk.subarray(this.at, this.end));
    this.at = this.end;
    this.chunk = EMPTY;
    this.at = this.end = 0;
    return undefined;
  }

  buffered(): number {
    return this.end - this.at + (this.collected?.length ?? 0);
  }

  oversize(): VarInt | undefined {
    return this.over;
  }

  finish(): void {
    if (this.over === undefined && (this.collected !== undefined || this.at < this.end)) {
      throw violation("a stream ends in the middle of an object");
    }
  }

  /** The properties field of a head: its length and that many bytes. */
  protected properties(reader: Reader): Uint8Array {
    const length = reader.varint();
    if (length > this.limits.maxPropertiesSize) {
      this.over = length;
      return EMPTY;
    }
    return reader.bytes(length as number);
  }

  private drop(): undefined {
    this.chunk = EMPTY;
    this.at = this.end = 0;
    return undefined;
  }

  private append(bytes: Uint8Array): void {
    const have = this.end - this.at;
    const room = this.owned ? this.chunk.length - this.end : 0;
    if (room < bytes.length) {
      // A head is unfinished here, so this stays small: the properties are its largest part.
      const grown = new Uint8Array(Math.max((have + bytes.length) * 2, 256));
      grown.set(this.chunk.subarray(this.at, this.end));
      this.chunk = grown;
      this.owned = true;
      this.at = 0;
      this.end = have;
    }
    this.chunk.set(bytes, this.end);
    this.end += bytes.length;
  }

  private collect(bytes: Uint8Array): void {
    const buffer = this.collected as Uint8Array;
    const needed = this.filled + bytes.length;
    if (needed > buffer.length) {
      const size = Math.min(this.wanted, Math.max(needed, buffer.length * 2, FIRST_COLLECT));
      const grown = new Uint8Array(size);
      grown.set(buffer.subarray(0, this.filled));
      this.collected = grown;
    }
    (this.collected as Uint8Array).set(bytes, this.filled);
    this.filled = needed;
  }
}
