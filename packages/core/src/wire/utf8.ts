/**
 * UTF-8 without TextEncoder and TextDecoder, which bare JavaScript contexts lack.
 */

/** A coder that a host may inject where it has a faster one. Decoding never throws. */
export interface Utf8 {
  encode(text: string): Uint8Array;
  /** Malformed sequences become U+FFFD. */
  decode(bytes: Uint8Array): string;
}

/** Encodes `text`; lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 3);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code >= 0xd800 && code <= 0xdfff) {
      const next = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (code < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00);
        i++;
      } else code = 0xfffd;
    }
    if (code < 0x80) out[at++] = code;
    else if (code < 0x800) {
      out[at++] = 0xc0 | (code >> 6);
      out[at++] = 0x80 | (code & 0x3f);
    } else if (code < 0x10000) {
      out[at++] = 0xe0 | (code >> 12);
      out[at++] = 0x80 | ((code >> 6) & 0x3f);
      out[at++] = 0x80 | (code & 0x3f);
    } else {
      out[at++] = 0xf0 | (code >> 18);
      out[at++] = 0x80 | ((code >> 12) & 0x3f);
      out[at++] = 0x80 | ((code >> 6) & 0x3f);
      out[at++] = 0x80 | (code & 0x3f);
    }
  }
  return out.slice(0, at);
}

/** UTF-16 units that are made a string at a time: unit by unit takes a quarter of a second for a megabyte. */
const UNITS = 4_096;
/** What is being decoded; the last sequence may make one unit more. */
const units = new Uint16Array(UNITS + 1);
/** Shorter texts are sooner made unit by unit. */
const SHORT = 128;

/**
 * Decodes `bytes`. Each maximal part of a malformed sequence becomes one U+FFFD, as the WHATWG
 * Encoding Standard has it, so that results agree with TextDecoder.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  let text = "";
  let count = 0;
  let i = 0;
  while (i < bytes.length) {
    if (count >= UNITS) {
      text += textOf(count);
      count = 0;
    }
    const first = bytes[i++]!;
    if (first < 0x80) {
      units[count++] = first;
      continue;
    }
    let needed = 0;
    let code = 0;
    let lower = 0x80;
    let upper = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
      needed = 1;
      code = first & 0x1f;
    } else if (first >= 0xe0 && first <= 0xef) {
      needed = 2;
      code = first & 0x0f;
      if (first === 0xe0) lower = 0xa0;
      if (first === 0xed) upper = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      needed = 3;
      code = first & 0x07;
      if (first === 0xf0) lower = 0x90;
      if (first === 0xf4) upper = 0x8f;
    }
    if (needed === 0) {
      units[count++] = 0xfffd;
      continue;
    }
    while (needed > 0 && i < bytes.length && bytes[i]! >= lower && bytes[i]! <= upper) {
      code = (code << 6) | (bytes[i++]! & 0x3f);
      lower = 0x80;
      upper = 0xbf;
      needed--;
    }
    if (needed > 0) units[count++] = 0xfffd;
    else if (code < 0x10000) units[count++] = code;
    else {
      units[count++] = 0xd800 + ((code - 0x10000) >> 10);
      units[count++] = 0xdc00 + (code & 0x3ff);
    }
  }
  return text + textOf(count);
}

/** The first so many units as text. */
function textOf(count: number): string {
  if (count < SHORT) {
    let text = "";
    for (let i = 0; i < count; i++) text += String.fromCharCode(units[i]!);
    return text;
  }
  return String.fromCharCode.apply(undefined, units.subarray(0, count) as unknown as number[]);
}

/** The built-in coder. */
export const utf8: Utf8 = { encode: encodeUtf8, decode: decodeUtf8 };
