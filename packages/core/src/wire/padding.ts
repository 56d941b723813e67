import { varintSize, writeVarint } from "./varint.js";

/** Type of a padding stream (draft-18 "Padding Streams"). */
export const PADDING_STREAM = 0x132b3e28;
/** Type of a padding datagram (draft-18 "Padding Datagrams"). */
export const PADDING_DATAGRAM = 0x132b3e29;

/** A padding stream or datagram of `size` bytes in all, at least the five of its type. */
export function padding(type: number, size: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(size, varintSize(type)));
  writeVarint(bytes, 0, type);
  return bytes;
}

/** Whether `value` is reserved so that unknown values stay tolerated (draft-18 "Grease"). */
export function isGrease(value: number | bigint): boolean {
  return value >= 0x9d && (BigInt(value) - 0x9dn) % 0x7fn === 0n;
}

/** The `n`-th grease value. */
export function grease(n: number): number {
  return 0x7f * n + 0x9d;
}
