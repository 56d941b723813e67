/**
 * The integers of draft-18 ("Variable-Length Integers"): the number of leading one bits of the
 * first byte is the number of bytes that follow it; 1 to 9 bytes carry up to 64 bits.
 */

/**
 * An unsigned integer of up to 64 bits: a `number` up to 2^53 − 1 and a `bigint` above, never
 * otherwise, so that `===` and `<` work between any two of them.
 */
export type VarInt = number | bigint;

/** 2^64 − 1. */
export const MAX_VARINT = 0xffffffffffffffffn;

const TWO_32 = 0x1_0000_0000;

/** Length in bytes (1 to 9) of an encoded integer, from its first byte. */
export function varintLength(first: number): number {
  // Leading ones of the byte are the leading zeros of its complement.
  return Math.clz32(~(first << 24)) + 1;
}

/** Shortest length in bytes of `value` when encoded. */
export function varintSize(value: VarInt): number {
  if (typeof value === "bigint") return value < 0x100000000000000n ? 8 : 9;
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  if (value < 0x10000000) return 4;
  if (value < 0x800000000) return 5;
  if (value < 0x40000000000) return 6;
  if (value < 0x2000000000000) return 7;
  return 8;
}

/** Whether `value` is a non-negative integer of at most 64 bits in its canonical form. */
export function isVarInt(value: unknown): value is VarInt {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0;
  return typeof value === "bigint" && value > Number.MAX_SAFE_INTEGER && value <= MAX_VARINT;
}

/** The canonical form of `value`. Throws RangeError unless 0 ≤ `value` < 2^64. */
export function toVarInt(value: VarInt): VarInt {
  const canonical =
    typeof value === "bigint" && value >= 0n && value <= Number.MAX_SAFE_INTEGER
      ? Number(value)
      : value;
  if (!isVarInt(canonical)) throw new RangeError(`not an unsigned 64-bit integer: ${value}`);
  return canonical;
}

/**
 * Reads the integer at `offset`; its {@link varintLength} bytes must be within `bytes`.
 */
export function readVarint(bytes: Uint8Array, offset: number): VarInt {
  const first = bytes[offset] as number;
  if (first < 0x80) return first;
  const length = varintLength(first);
  if (length <= 7) {
    let value = first & (0xff >> length);
    for (let i = 1; i < length; i++) value = value * 256 + (bytes[offset + i] as number);
    return value;
  }
  // 8 bytes: 56 bits follow; 9 bytes: 64 bits follow.
  let high = 0;
  const at = offset + 1;
  const highBytes = length - 5;
  for (let i = 0; i < highBytes; i++) high = high * 256 + (bytes[at + i] as number);
  let low = 0;
  for (let i = highBytes; i < highBytes + 4; i++) low = low * 256 + (bytes[at + i] as number);
  if (high < 0x200000) return high * TWO_32 + low;
  return (BigInt(high) << 32n) | BigInt(low);
}

/** Writes `value` in its shortest form at `offset` and returns the number of bytes written. */
export function writeVarint(bytes: Uint8Array, offset: number, value: VarInt): number {
  const size = varintSize(value);
  if (size === 1) {
    bytes[offset] = value as number;
    return 1;
  }
  let high: number;
  let low: number;
  if (typeof value === "bigint") {
    high = Number(value >> 32n);
    low = Number(value & 0xffffffffn);
  } else {
    high = Math.floor(value / TWO_32);
    low = value % TWO_32;
  }
  for (let i = size - 1; i >= 0; i--) {
    bytes[offset + i] = low & 0xff;
    low = (low >>> 8) | ((high & 0xff) << 24);
    high = Math.floor(high / 256);
  }
  // The prefix: size − 1 ones. Nine bytes have a first byte of ones only.
  bytes[offset] = ((bytes[offset] as number) | ((0xff00 >> (size - 1)) & 0xff)) & 0xff;
  return size;
}

/** `a + b`, or `undefined` above 2^64 − 1. */
export function addVarInt(a: VarInt, b: VarInt): VarInt | undefined {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (sum <= Number.MAX_SAFE_INTEGER) return sum;
  }
  const sum = BigInt(a) + BigInt(b);
  if (sum > MAX_VARINT) return undefined;
  return sum <= Number.MAX_SAFE_INTEGER ? Number(sum) : sum;
}

/** `a − b`, or `undefined` below 0. */
export function subVarInt(a: VarInt, b: VarInt): VarInt | undefined {
  if (typeof a === "number" && typeof b === "number") return a >= b ? a - b : undefined;
  const difference = BigInt(a) - BigInt(b);
  if (difference < 0n) return undefined;
  return difference <= Number.MAX_SAFE_INTEGER ? Number(difference) : difference;
}
