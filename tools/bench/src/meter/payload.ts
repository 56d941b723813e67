/**
 * How every update begins, whoever sends it: its number from 0 and when it was sent in µs of
 * CLOCK_MONOTONIC, 8 bytes each, big endian. native/moqt-bench reads and writes the same.
 */
export const HEADER_BYTES = 16;

/** µs of a clock that the processes of one machine share. */
export type Clock = () => number;

const HIGH = 2 ** 32;

function writeNumber(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / HIGH);
  const low = value >>> 0;
  bytes[at] = high >>> 24;
  bytes[at + 1] = high >>> 16;
  bytes[at + 2] = high >>> 8;
  bytes[at + 3] = high;
  bytes[at + 4] = low >>> 24;
  bytes[at + 5] = low >>> 16;
  bytes[at + 6] = low >>> 8;
  bytes[at + 7] = low;
}

function word(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return a * 0x1000000 + ((b << 16) | (c << 8) | d);
}

export function writeHeader(bytes: Uint8Array, number: number, sentAt: number): void {
  writeNumber(bytes, 0, number);
  writeNumber(bytes, 8, sentAt);
}

export function readNumber(bytes: Uint8Array): number {
  return word(bytes, 0) * HIGH + word(bytes, 4);
}

/** When it was sent, µs. */
export function readSentAt(bytes: Uint8Array): number {
  return word(bytes, 8) * HIGH + word(bytes, 12);
}
