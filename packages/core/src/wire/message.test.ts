import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messages } from "../../test/arbitraries.js";
import { Reader, Writer } from "./cursor.js";
import { draft18 } from "./draft18.js";
import { SessionCode, WireError } from "./error.js";
import type { Message, MessageType } from "./message.js";
import { readVarint, varintLength } from "./varint.js";

const profile = draft18();
const types = Object.keys(messages) as MessageType[];

function encode(message: Message): Uint8Array {
  const writer = new Writer();
  profile.encodeMessage(writer, message);
  return writer.finish();
}

function decode(bytes: Uint8Array): Message {
  const typeLength = varintLength(bytes[0]!);
  const type = profile.messageType(readVarint(bytes, 0));
  const length = (bytes[typeLength]! << 8) | bytes[typeLength + 1]!;
  expect(bytes.length).toBe(typeLength + 2 + length);
  return profile.decodeMessage(type, new Reader(bytes.subarray(typeLength + 2)));
}

/** Leaves out what is undefined, so that absent and undefined compare equal. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([key, field]) => [key, plain(field)]),
  );
}

const code = (work: () => unknown): number | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
};

describe("messages", { timeout: 30_000 }, () => {
  it.each(types)("%s round trips", (type) => {
    fc.assert(
      fc.property(messages[type] as fc.Arbitrary<Message>, (message) => {
        const bytes = encode(message);
        expect(plain(decode(bytes))).toEqual(plain(message));
        expect(encode(decode(bytes))).toEqual(bytes);
      }),
      { numRuns: 200 },
    );
  });

  it.each(types)("%s cut short or extended is malformed", (type) => {
    fc.assert(
      fc.property(messages[type] as fc.Arbitrary<Message>, fc.nat(), (message, seed) => {
        const bytes = encode(message);
        const payload = bytes.subarray(varintLength(bytes[0]!) + 2);
        if (payload.length === 0) return;
        const cut = payload.subarray(0, seed % payload.length);
        // A list that runs to the end of the message may be whole when it is cut.
        const found = code(() => profile.decodeMessage(type, new Reader(cut)));
        if (type !== "setup" && type !== "goaway" && !("properties" in message)) {
          expect(found).toBeDefined();
        }
      }),
      { numRuns: 100 },
    );
  });

  it("random payloads throw nothing but WireError", () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 60 }), (type, bytes) => {
        code(() => profile.decodeMessage(type, new Reader(bytes)));
      }),
      { numRuns: 2000 },
    );
  });

  it("damaged payloads throw nothing but WireError, and decode to what encodes again", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...types).chain((type) => messages[type] as fc.Arbitrary<Message>),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        (message, damage) => {
          const bytes = encode(message);
          const payload = bytes.slice(varintLength(bytes[0]!) + 2);
          for (const [at, byte] of damage)
            if (payload.length > 0) payload[at % payload.length] = byte;
          code(() => encode(profile.decodeMessage(message.type, new Reader(payload))));
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("unknown and reserved message types are violations", () => {
    for (const type of [0x01, 0x09, 0x20, 0x21, 0x40, 0x41, 0x9d, 0x2f01, 2 ** 40]) {
      expect(code(() => profile.messageType(type))).toBe(SessionCode.ProtocolViolation);
    }
    expect(profile.messageType(0x1e)).toBe("request_ok");
  });

  it("errors carry the code that the draft names", () => {
    const decodeHex = (type: MessageType, hex: string) => () =>
      profile.decodeMessage(
        type,
        new Reader(
          Uint8Array.from(hex.replace(/ /g, "").match(/../g) ?? [], (b) => Number.parseInt(b, 16)),
        ),
      );
    const violations: [MessageType, string, string][] = [
      ["subscribe", "00 01 00 00 00", "an empty namespace field"],
      ["subscribe", "00 21", "33 namespace fields"],
      ["subscribe", "00 01 01 61 01 62 01 0c 00", "an unknown parameter"],
      ["subscribe", "00 01 01 61 01 62 01 08 00", "a parameter of another message"],
      ["subscribe", "00 01 01 61 01 62 02 10 01 00 01", "a repeated parameter"],
      ["subscribe", "00 01 01 61 01 62 01 10 02", "FORWARD 2"],
      ["subscribe", "00 01 01 61 01 62 01 22 00", "GROUP_ORDER 0"],
      ["subscribe", "00 01 01 61 01 62 01 21 01 05", "filter type 5"],
      ["subscribe", "00 01 01 61 01 62 00 00", "bytes left over"],
      ["fetch", "00 04 00", "fetch type 4"],
      ["fetch_ok", "02 00 00 00", "End Of Track 2"],
      ["publish_done", "00 00 8401", "a reason of 1,025 bytes"],
      ["goaway", "c02001", "a URI of 8,193 bytes"],
      ["subscribe_ok", "00 00 22 03", "DEFAULT_PUBLISHER_GROUP_ORDER 3"],
      ["subscribe_ok", "00 00 30 02", "DYNAMIC_GROUPS 2"],
      ["subscribe_ok", "00 00 ffffffffffffffffff 00 02 00", "a type above 2^64 − 1"],
      ["setup", "01 c10000", "a value of 65,536 bytes"],
      ["setup", "04 00 00 00", "a repeated option"],
    ];
    for (const [type, hex, what] of violations) {
      expect(code(decodeHex(type, hex)), what).toBe(SessionCode.ProtocolViolation);
    }
    const formatting: [MessageType, string, string][] = [
      ["subscribe", "00 01 01 61 01 62 01 03 01 04", "an unknown alias type"],
      ["subscribe", "00 01 01 61 01 62 01 03 03 02 00 00", "a token that is too long"],
      ["subscribe", "00 01 01 61 01 62 01 03 01 02", "a token that is too short"],
      ["subscribe", "00 01 01 61 01 62 01 21 02 01 00", "a filter that is too long"],
      ["subscribe", "00 01 01 61 01 62 01 21 01 03", "a filter that is too short"],
      ["subscribe_ok", "00 00 0e 8100", "DEFAULT_PUBLISHER_PRIORITY 256"],
      ["subscribe_ok", "00 00 01 05 00", "a property that is cut off"],
    ];
    for (const [type, hex, what] of formatting) {
      expect(code(decodeHex(type, hex)), what).toBe(SessionCode.KeyValueFormattingError);
    }
  });

  it("refuses to encode what a peer would refuse", () => {
    const track = { namespace: [new Uint8Array(0)], name: new Uint8Array(1) };
    const subscribe = { type: "subscribe", requestId: 0, params: {} } as const;
    expect(() => encode({ ...subscribe, track })).toThrow(RangeError);
    const long = { namespace: [new Uint8Array(4096)], name: new Uint8Array(1) };
    expect(() => encode({ ...subscribe, track: long })).toThrow(RangeError);
    const fine = { namespace: [new Uint8Array(1)], name: new Uint8Array(1) };
    expect(() => encode({ ...subscribe, track: fine, params: { expires: 1 } })).toThrow(RangeError);
    const value = new Uint8Array(65_535);
    const properties = [{ type: 1, value }];
    expect(() => encode({ type: "request_ok", params: {}, properties })).toThrow(RangeError);
    const goaway = { type: "goaway", uri: "x".repeat(8193), timeout: 0 } as const;
    expect(() => encode(goaway)).toThrow(RangeError);
  });

  it("cuts a long reason at a character", () => {
    const reason = `${"x".repeat(1023)}é`;
    const done = { type: "publish_done", status: 0, streamCount: 0, reason } as const;
    expect(decode(encode(done))).toMatchObject({ reason: "x".repeat(1023) });
  });
});
