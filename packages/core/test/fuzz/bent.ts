/** Valid bytes, and the same cut, bent, joined or made longer. */
import fc from "fast-check";
import {
  draft18,
  encodeProperties,
  type Message,
  type MessageType,
  Writer,
} from "../../src/wire/index.js";
import {
  datagram,
  fetchItems,
  messages,
  pairs,
  subgroupHeader,
  subgroupObjects,
  varint,
} from "../arbitraries.js";

const profile = draft18();
const properties = pairs.map(encodeProperties);

function written(write: (writer: Writer) => void): Uint8Array | undefined {
  const writer = new Writer();
  try {
    write(writer);
  } catch (error) {
    // Some messages are longer than a message can be.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return writer.finish();
}

export function encoded(message: Message): Uint8Array {
  return written((writer) => profile.encodeMessage(writer, message)) ?? new Uint8Array();
}

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  ...(Object.keys(messages) as MessageType[]).map((type) => messages[type]),
);

export const messageBytes: fc.Arbitrary<Uint8Array> = anyMessage.map(encoded);

/** A whole stream of a subgroup, from its type on. */
export const subgroupBytes: fc.Arbitrary<Uint8Array> = subgroupHeader
  .chain((header) =>
    fc.tuple(fc.constant(header), subgroupObjects(header.hasProperties, properties)),
  )
  .map(
    ([header, objects]) =>
      written((writer) => {
        profile.encodeSubgroupHeader(writer, header);
        const encoder = profile.subgroupEncoder(header);
        for (const object of objects) {
          encoder.encode(writer, object);
          writer.bytes(object.payload);
        }
      }) ?? new Uint8Array(),
  );

/** A whole stream of a FETCH in ascending order. */
export const fetchBytes: fc.Arbitrary<Uint8Array> = fc
  .tuple(varint, fetchItems("ascending", properties))
  .map(
    ([requestId, items]) =>
      written((writer) => {
        profile.encodeFetchHeader(writer, requestId);
        const encoder = profile.fetchEncoder("ascending");
        for (const item of items) {
          encoder.encode(writer, item);
          if (item.kind === "object") writer.bytes(item.payload);
        }
      }) ?? new Uint8Array(),
  );

export const datagramBytes: fc.Arbitrary<Uint8Array> = datagram(properties).map(
  (object) => written((writer) => profile.encodeDatagram(writer, object)) ?? new Uint8Array(),
);

type Bend =
  | { readonly kind: "whole" }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "set"; readonly at: number; readonly value: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "remove"; readonly at: number; readonly count: number };

const bend: fc.Arbitrary<Bend> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ kind: "whole" as const }) },
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat() }),
  fc.record({
    kind: fc.constant("set" as const),
    at: fc.nat(),
    value: fc.oneof(fc.constantFrom(0, 1, 0x3f, 0x7f, 0x80, 0xc0, 0xfe, 0xff), fc.nat(255)),
  }),
  fc.record({
    kind: fc.constant("insert" as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
  }),
  fc.record({
    kind: fc.constant("remove" as const),
    at: fc.nat(),
    count: fc.integer({ min: 1, max: 9 }),
  }),
);

function apply(bytes: Uint8Array, change: Bend): Uint8Array {
  if (change.kind === "whole") return bytes;
  const at = change.at % (bytes.length + 1);
  switch (change.kind) {
    case "cut":
      return bytes.slice(0, at);
    case "set": {
      const copy = bytes.slice();
      if (at < copy.length) copy[at] = change.value;
      return copy;
    }
    case "insert":
      return Uint8Array.from([...bytes.subarray(0, at), ...change.bytes, ...bytes.subarray(at)]);
    case "remove":
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + change.count)]);
  }
}

/** `bytes` as they are, or changed in up to three places. */
export function bent(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(bytes, fc.array(bend, { maxLength: 3 }))
    .map(([whole, changes]) => changes.reduce(apply, whole));
}

/** Places where a stream is cut into pieces. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.nat(), { maxLength: 8 });

/** The pieces of `bytes` between the cuts. */
export function pieces(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const ends = [...new Set(at.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const all: Uint8Array[] = [];
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    all.push(bytes.subarray(start, end));
    start = end;
  }
  return all;
}

/** Checks a property; a failure names the seed and path that repeat it. */
export function check<T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, property));
}
