/**
 * The vectors that `native/moqt` writes from its own coder: both implementations read and write the
 * same bytes. Integers above 2^53 − 1 are decimal strings in them and bytes are hex.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Reader, Writer } from "./cursor.js";
import { draft18 } from "./draft18.js";
import { WireError } from "./error.js";
import type { FetchItem, SubgroupObject } from "./object.js";
import { PADDING_DATAGRAM, padding } from "./padding.js";
import type { ItemDecoder } from "./profile.js";
import { decodeProperties } from "./properties.js";
import { readVarint, varintLength } from "./varint.js";

interface Vector {
  readonly name: string;
  readonly kind: string;
  readonly hex: string;
  readonly value?: unknown;
  readonly code?: number;
  /** false: decodes to `value`, which encodes to other, shorter bytes. */
  readonly canonical?: boolean;
}

const folder = new URL("../../../../test/vectors/draft18/", import.meta.url);
const profile = draft18();
const limits = { maxObjectSize: 1 << 24, maxPropertiesSize: 1 << 16 };

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The form that values have in the vectors. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([key, field]) => [key, plain(field)]),
  );
}

function drain<T>(decoder: ItemDecoder<T>, bytes: Uint8Array): T[] {
  const items: T[] = [];
  decoder.push(bytes);
  for (let item = decoder.next(); item !== undefined; item = decoder.next()) items.push(item);
  decoder.finish();
  return items;
}

/** Decodes the bytes of one vector, and gives the value and what it encodes to. */
function both(kind: string, bytes: Uint8Array, value?: unknown): [unknown, Uint8Array] {
  const writer = new Writer();
  switch (kind) {
    case "varint": {
      const found = new Reader(bytes).varint();
      writer.varint(found);
      return [plain(found), writer.finish()];
    }
    case "control": {
      const reader = new Reader(bytes);
      const type = profile.messageType(reader.varint());
      const length = reader.u16();
      expect(reader.remaining()).toBe(length);
      const message = profile.decodeMessage(type, reader);
      profile.encodeMessage(writer, message);
      if (message.type !== "setup") return [plain(message), writer.finish()];
      const { unknown: _, ...options } = message.options;
      return [plain({ type: message.type, ...options }), writer.finish()];
    }
    case "datagram": {
      const datagram = profile.decodeDatagram(bytes);
      if (datagram === undefined) return ["padding", padding(PADDING_DATAGRAM, bytes.length)];
      profile.encodeDatagram(writer, datagram);
      return [plain(datagram), writer.finish()];
    }
    case "stream":
    case "subgroup": {
      const reader = new Reader(bytes);
      const type = reader.varint();
      expect(profile.streamKind(type)).toBe("subgroup");
      const header = profile.decodeSubgroupHeader(type, reader);
      const objects = drain<SubgroupObject>(profile.subgroupDecoder(header, limits), reader.rest());
      profile.encodeSubgroupHeader(writer, header);
      const encoder = profile.subgroupEncoder(header);
      for (const object of objects) {
        encoder.encode(writer, object);
        writer.bytes(object.payload);
      }
      return [plain({ header, objects }), writer.finish()];
    }
    case "fetch": {
      const reader = new Reader(bytes);
      expect(profile.streamKind(reader.varint())).toBe("fetch");
      const requestId = profile.decodeFetchHeader(reader);
      const order = (value as { order?: "ascending" | "descending" })?.order ?? "ascending";
      const items = drain<FetchItem>(profile.fetchDecoder(order, limits), reader.rest());
      profile.encodeFetchHeader(writer, requestId);
      const encoder = profile.fetchEncoder(order);
      for (const item of items) {
        encoder.encode(writer, item);
        if (item.kind === "object") writer.bytes(item.payload);
      }
      return [plain({ requestId, order, items }), writer.finish()];
    }
    default:
      throw new Error(`vectors of kind ${kind} are not understood here`);
  }
}

/** Properties of messages are a list in this implementation and bytes in the vectors. */
function expected(vector: Vector): unknown {
  const { value } = vector;
  if (vector.kind !== "control" || typeof value !== "object" || value === null) return value;
  const { properties, ...rest } = value as { properties?: string };
  if (properties === undefined) return value;
  return { ...rest, properties: plain(decodeProperties(fromHex(properties))) };
}

const files = readdirSync(folder).filter((file) => file.endsWith(".json"));

it("there are vectors of every kind", () => {
  const kinds = new Set<string>();
  for (const file of files) {
    for (const { kind } of JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Vector[]) {
      kinds.add(kind);
    }
  }
  expect([...kinds].sort()).toEqual(
    expect.arrayContaining(["control", "datagram", "fetch", "subgroup", "varint"]),
  );
});

describe.each(files)("%s", (file) => {
  const vectors = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Vector[];

  it.each(vectors.map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    const bytes = fromHex(vector.hex);
    if (vector.code !== undefined) {
      try {
        both(vector.kind, bytes, vector.value);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        expect(error.code).toBe(vector.code);
        return;
      }
      throw new Error("was not refused");
    }
    const [value, encoded] = both(vector.kind, bytes, vector.value);
    expect(value).toEqual(expected(vector));
    if (vector.canonical !== false) expect(toHex(encoded)).toBe(vector.hex);
    else expect(both(vector.kind, encoded, vector.value)[0]).toEqual(value);
    if (vector.kind === "varint") {
      expect(varintLength(bytes[0]!)).toBe(bytes.length);
      expect(plain(readVarint(bytes, 0))).toBe(vector.value);
    }
  });
});
