import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { varint } from "../../test/arbitraries.js";
import { Reader, Writer } from "./cursor.js";
import {
  addVarInt,
  isVarInt,
  readVarint,
  subVarInt,
  toVarInt,
  varintLength,
  varintSize,
} from "./varint.js";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

describe("integers", () => {
  it("decode as the draft's examples", () => {
    const examples: [string, bigint][] = [
      ["25", 37n],
      ["8025", 37n],
      ["bbbd", 15_293n],
      ["ed7f3e7d", 226_442_877n],
      ["faa1a0e403d8", 2_893_212_287_960n],
      ["fc8998abc66bc0", 151_288_809_941_952n],
      ["fefa318fa8e3ca11", 70_423_237_261_249_041n],
      ["ffffffffffffffffff", 18_446_744_073_709_551_615n],
    ];
    for (const [encoded, value] of examples) {
      const reader = new Reader(hex(encoded));
      expect(BigInt(reader.varint())).toBe(value);
      expect(reader.remaining()).toBe(0);
    }
  });

  it("round trip in their shortest form", () => {
    fc.assert(
      fc.property(varint, (value) => {
        const writer = new Writer(1);
        writer.varint(value);
        const bytes = writer.finish();
        expect(bytes.length).toBe(varintSize(value));
        expect(varintLength(bytes[0]!)).toBe(bytes.length);
        expect(readVarint(bytes, 0)).toBe(value);
        expect(isVarInt(value)).toBe(true);
        const bits = BigInt(bytes.length === 9 ? 64 : 7 * bytes.length);
        expect(BigInt(value) < 1n << bits).toBe(true);
        if (bytes.length > 1) {
          expect(BigInt(value) >= 1n << BigInt(7 * (bytes.length - 1))).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("are accepted in longer forms", () => {
    for (const encoded of ["8000", "c00000", "e0000000", "f000000000", "ff0000000000000000"]) {
      expect(new Reader(hex(encoded)).varint()).toBe(0);
    }
  });

  it("add and subtract within 64 bits", () => {
    fc.assert(
      fc.property(varint, varint, (a, b) => {
        const sum = BigInt(a) + BigInt(b);
        expect(addVarInt(a, b)).toBe(sum < 1n << 64n ? toVarInt(sum) : undefined);
        const difference = BigInt(a) - BigInt(b);
        expect(subVarInt(a, b)).toBe(difference >= 0n ? toVarInt(difference) : undefined);
      }),
    );
    expect(() => toVarInt(-1)).toThrow(RangeError);
    expect(() => toVarInt(1.5)).toThrow(RangeError);
    expect(() => toVarInt(1n << 64n)).toThrow(RangeError);
  });
});
