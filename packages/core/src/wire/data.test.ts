import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  datagram,
  fetchItems,
  pairs,
  subgroupHeader,
  subgroupObjects,
} from "../../test/arbitraries.js";
import { Reader, Writer } from "./cursor.js";
import { datagramSize } from "./datagram.js";
import { draft18 } from "./draft18.js";
import { SessionCode, WireError } from "./error.js";
import { PADDING_DATAGRAM, PADDING_STREAM, padding } from "./padding.js";
import type { ItemDecoder, ItemEncoder, ObjectLimits } from "./profile.js";
import { encodeProperties } from "./properties.js";

const profile = draft18();
const limits: ObjectLimits = { maxObjectSize: 1 << 20, maxPropertiesSize: 65_536 };
const properties = pairs.map(encodeProperties);

function bytesOf<T extends object>(encoder: ItemEncoder<T>, items: readonly T[]): Uint8Array {
  const writer = new Writer();
  for (const item of items) {
    encoder.encode(writer, item);
    if ("payload" in item) writer.bytes(item.payload as Uint8Array);
  }
  return writer.finish();
}

/** Feeds `bytes` in chunks that end at `cuts`. */
function feed<T>(decoder: ItemDecoder<T>, bytes: Uint8Array, cuts: readonly number[]): T[] {
  const items: T[] = [];
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    decoder.push(bytes.subarray(start, end));
    start = end;
    for (let item = decoder.next(); item !== undefined; item = decoder.next()) items.push(item);
  }
  return items;
}

const codeOf = (work: () => unknown): number | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
};

const cuts = fc.array(fc.nat(), { maxLength: 12 });

describe("subgroup streams", { timeout: 30_000 }, () => {
  it("headers round trip", () => {
    fc.assert(
      fc.property(subgroupHeader, (header) => {
        const writer = new Writer();
        profile.encodeSubgroupHeader(writer, header);
        const reader = new Reader(writer.finish());
        const type = reader.varint();
        expect(profile.streamKind(type)).toBe("subgroup");
        expect(profile.decodeSubgroupHeader(type, reader)).toEqual(header);
        expect(reader.remaining()).toBe(0);
      }),
    );
  });

  it("every type is a header or a violation", () => {
    for (let type = 0; type < 0x100; type++) {
      const reserved = (type & 0x06) === 0x06;
      const isSubgroup = type < 0x80 && (type & 0x10) !== 0;
      const work = () => profile.decodeSubgroupHeader(type, new Reader(new Uint8Array(8)));
      if (isSubgroup && !reserved) {
        const header = work();
        const writer = new Writer();
        // A subgroup id that is written out although it is 0 has a shorter form.
        const explicitZero = (type & 0x06) === 0x04;
        profile.encodeSubgroupHeader(writer, header);
        expect(writer.finish()[0]).toBe(explicitZero ? type & ~0x06 : type);
      } else expect(codeOf(work)).toBe(SessionCode.ProtocolViolation);
      const kind = () => profile.streamKind(type);
      if (type === 0x05) expect(kind()).toBe("fetch");
      else if (!isSubgroup) expect(codeOf(kind)).toBe(SessionCode.ProtocolViolation);
    }
    expect(profile.streamKind(0x2f00)).toBe("control");
    expect(profile.streamKind(PADDING_STREAM)).toBe("padding");
  });

  it("objects round trip however the stream is cut", () => {
    const withProperties = fc
      .boolean()
      .chain((has) => fc.tuple(fc.constant(has), subgroupObjects(has, properties)));
    fc.assert(
      fc.property(subgroupHeader, withProperties, cuts, (header, [has, objects], at) => {
        const real = { ...header, hasProperties: has };
        const bytes = bytesOf(profile.subgroupEncoder(real), objects);
        const decoder = profile.subgroupDecoder(real, limits);
        expect(feed(decoder, bytes, at)).toEqual(objects);
        decoder.finish();
        expect(decoder.buffered()).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it("a stream that ends within an object is a violation", () => {
    const header = {
      trackAlias: 0,
      group: 0,
      subgroup: 0,
      hasProperties: false,
      endOfGroup: false,
      firstObject: false,
    } as const;
    const bytes = Uint8Array.from([0, 3, 1, 2, 3]);
    for (let length = 1; length < bytes.length; length++) {
      const decoder = profile.subgroupDecoder(header, limits);
      expect(feed(decoder, bytes.subarray(0, length), [])).toEqual([]);
      expect(codeOf(() => decoder.finish())).toBe(SessionCode.ProtocolViolation);
    }
  });

  it("large payloads are collected without trusting their length", () => {
    const header = {
      trackAlias: 0,
      group: 0,
      subgroup: 0,
      hasProperties: false,
      endOfGroup: false,
      firstObject: false,
    } as const;
    const payload = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
    const bytes = bytesOf(profile.subgroupEncoder(header), [
      { object: 0, status: 0, properties: new Uint8Array(0), payload },
    ]);
    const decoder = profile.subgroupDecoder(header, limits);
    decoder.push(bytes.subarray(0, 10));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.buffered()).toBeLessThanOrEqual(64 * 1024);
    for (let at = 10; at < bytes.length; at += 7000) {
      expect(decoder.next()).toBeUndefined();
      decoder.push(bytes.subarray(at, Math.min(at + 7000, bytes.length)));
    }
    const whole = decoder.next()?.payload ?? new Uint8Array(0);
    expect(whole.length).toBe(payload.length);
    expect(whole.every((byte, i) => byte === payload[i])).toBe(true);
    const small = profile.subgroupDecoder(header, { ...limits, maxObjectSize: 1000 });
    expect(feed(small, bytes, [])).toEqual([]);
    expect(small.oversize()).toBe(300_000);
    expect(small.buffered()).toBe(0);
  });

  it("malformed objects are violations", () => {
    const header = (hasProperties: boolean) => ({
      trackAlias: 0,
      group: 0,
      subgroup: 0,
      hasProperties,
      endOfGroup: false,
      firstObject: false,
    });
    const decode = (has: boolean, ...list: number[]) =>
      codeOf(() => feed(profile.subgroupDecoder(header(has), limits), Uint8Array.from(list), []));
    expect(decode(false, 0, 0, 1)).toBe(SessionCode.ProtocolViolation);
    expect(decode(false, 0, 0, 2)).toBe(SessionCode.ProtocolViolation);
    expect(decode(true, 0, 2, 2, 0, 0, 3)).toBe(SessionCode.ProtocolViolation);
    expect(decode(true, 0, 1, 2, 1, 0)).toBe(SessionCode.KeyValueFormattingError);
    const max = [255, 255, 255, 255, 255, 255, 255, 255, 255];
    expect(decode(false, ...max, 1, 0, 0, 1)).toBe(SessionCode.ProtocolViolation);
  });
});

describe("fetch streams", { timeout: 30_000 }, () => {
  const orders = fc.constantFrom("ascending" as const, "descending" as const);

  it("items round trip however the stream is cut", () => {
    const items = orders.chain((order) =>
      fc.tuple(fc.constant(order), fetchItems(order, properties)),
    );
    fc.assert(
      fc.property(items, cuts, ([order, list], at) => {
        const bytes = bytesOf(profile.fetchEncoder(order), list);
        const decoder = profile.fetchDecoder(order, limits);
        expect(feed(decoder, bytes, at)).toEqual(list);
        decoder.finish();
      }),
      { numRuns: 500 },
    );
  });

  it("first items that refer to prior ones, and unknown flags, are violations", () => {
    const decode = (...list: number[]) =>
      codeOf(() => feed(profile.fetchDecoder("ascending", limits), Uint8Array.from(list), []));
    const violation = SessionCode.ProtocolViolation;
    expect(decode(0x1c, 1, 1, 0, 0)).toBeUndefined();
    expect(decode(0x14, 1, 0, 0)).toBe(violation); // no group
    expect(decode(0x18, 1, 0, 0)).toBe(violation); // no object
    expect(decode(0x0c, 1, 1, 0)).toBe(violation); // no priority
    expect(decode(0x1d, 1, 1, 0, 0)).toBe(violation); // prior subgroup
    expect(decode(0x80, 0x80, 0, 0)).toBe(violation); // flags 128
    // After an end of range: its place is there, subgroup and priority are not.
    expect(decode(0x80, 0x8c, 1, 1, 1, 0)).toBe(violation); // a payload
    expect(decode(0x80, 0x8c, 1, 1, 0, 0x10, 7, 0)).toBeUndefined();
    expect(decode(0x80, 0x8c, 1, 1, 0, 0x00, 0)).toBe(violation);
    expect(decode(0x80, 0x8c, 1, 1, 0, 0x11, 7, 0)).toBe(violation);
  });

  it("group ids stay within their range", () => {
    const decoder = profile.fetchDecoder("descending", limits);
    const bytes = Uint8Array.from([0x1c, 1, 1, 0, 0, 0x08, 1]);
    expect(codeOf(() => feed(decoder, bytes, []))).toBe(SessionCode.ProtocolViolation);
  });
});

describe("datagrams", { timeout: 30_000 }, () => {
  it("round trip", () => {
    fc.assert(
      fc.property(datagram(properties), (object) => {
        const writer = new Writer();
        profile.encodeDatagram(writer, object);
        expect(writer.length).toBe(datagramSize(object));
        expect(profile.decodeDatagram(writer.finish())).toEqual(object);
      }),
      { numRuns: 500 },
    );
  });

  it("every type is an object or a violation", () => {
    for (let type = 0; type < 0x100; type++) {
      const bytes = Uint8Array.from(
        type < 0x80 ? [type, 1, 1, 1, 1, 2, 2, 0, 0] : [0x80, type, 1, 1, 1, 1, 2, 2, 0, 0],
      );
      const valid = type < 0x30 && (type & 0x10) === 0 && (type & 0x22) !== 0x22;
      const found = codeOf(() => profile.decodeDatagram(bytes));
      if (!valid) expect(found).toBe(SessionCode.ProtocolViolation);
    }
    expect(profile.decodeDatagram(padding(PADDING_DATAGRAM, 40))).toBeUndefined();
    expect(codeOf(() => profile.decodeDatagram(padding(PADDING_STREAM, 40)))).toBe(3);
    expect(codeOf(() => profile.decodeDatagram(new Uint8Array(0)))).toBe(3);
    // Properties of no bytes; properties on a status; an unknown status.
    expect(codeOf(() => profile.decodeDatagram(Uint8Array.from([0x0d, 1, 1, 0])))).toBe(3);
    expect(codeOf(() => profile.decodeDatagram(Uint8Array.from([0x2d, 1, 1, 2, 2, 0, 3])))).toBe(3);
    expect(codeOf(() => profile.decodeDatagram(Uint8Array.from([0x2c, 1, 1, 5])))).toBe(3);
  });
});

it("random bytes throw nothing but WireError", () => {
  const random = fc.uint8Array({ maxLength: 60 });
  fc.assert(
    fc.property(random, cuts, fc.boolean(), (bytes, at, flag) => {
      codeOf(() => profile.decodeDatagram(bytes));
      codeOf(() =>
        feed(profile.fetchDecoder(flag ? "ascending" : "descending", limits), bytes, at),
      );
      codeOf(() => {
        const reader = new Reader(bytes);
        const type = reader.varint();
        if (profile.streamKind(type) !== "subgroup") return;
        const header = profile.decodeSubgroupHeader(type, reader);
        feed(profile.subgroupDecoder(header, limits), reader.rest(), at);
      });
      const header = {
        trackAlias: 0,
        group: 0,
        subgroup: 0,
        hasProperties: flag,
        endOfGroup: false,
        firstObject: false,
      };
      codeOf(() => feed(profile.subgroupDecoder(header, limits), bytes, at));
    }),
    { numRuns: 2000 },
  );
}, 30_000);
