import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeUtf8, encodeUtf8 } from "./utf8.js";

it("UTF-8 agrees with TextEncoder and TextDecoder", () => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
      expect(decodeUtf8(encodeUtf8(text))).toBe(decoder.decode(encodeUtf8(text)));
    }),
    { numRuns: 100 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      expect(decodeUtf8(bytes)).toBe(decoder.decode(bytes));
    }),
    { numRuns: 1000 },
  );
  // Bytes that begin multi-byte sequences are rare above.
  const lead = fc.constantFrom(0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0x80, 0xbf, 0x41);
  fc.assert(
    fc.property(fc.array(lead, { maxLength: 8 }), (list) => {
      const bytes = Uint8Array.from(list);
      expect(decodeUtf8(bytes)).toBe(decoder.decode(bytes));
    }),
    { numRuns: 1000 },
  );
}, 30_000);

it("long texts are put together at the right places", () => {
  for (const length of [4_094, 4_095, 4_096, 4_097, 8_191, 20_000]) {
    for (const end of ["", "a", "ä", "€", "🎮", "🎮🎮🎮", "\ufffd"]) {
      const text = "x".repeat(length) + end + "ö".repeat(length);
      expect(decodeUtf8(encodeUtf8(text)) === text, `${length} and ${end}`).toBe(true);
    }
  }
});
