/** Decoders live through any bytes: what they refuse has a code of the draft, what they take they write again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeAuthToken,
  decodeFullTrackName,
  decodeParams,
  decodeProperties,
  decodeUtf8,
  draft18,
  type ItemDecoder,
  type Message,
  type MessageType,
  Reader,
  SessionCode,
  Truncated,
  WireError,
  Writer,
} from "../../src/wire/index.js";
import { messages } from "../arbitraries.js";
import {
  bent,
  check,
  cuts,
  datagramBytes,
  fetchBytes,
  messageBytes,
  pieces,
  subgroupBytes,
} from "./bent.js";

const profile = draft18();
const limits = { maxObjectSize: 4_096, maxPropertiesSize: 4_096 };
const CODES = new Set<number>(Object.values(SessionCode));
const anyBytes = fc.uint8Array({ maxLength: 80 });

/** The result, or the refusal: nothing else may be thrown. */
function refused<T>(work: () => T): T | WireError {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    expect(CODES.has(error.code), `${error.code}: ${error.message}`).toBe(true);
    return error;
  }
}

/** All messages at the front of `bytes`. */
function decodeAll(bytes: Uint8Array): Message[] {
  const found: Message[] = [];
  for (let at = 0; ; ) {
    const head = profile.messageHead(bytes, at, bytes.length);
    if (head === undefined || head.end > bytes.length) return found;
    found.push(profile.decodeMessage(head.type, new Reader().reset(bytes, head.start, head.end)));
    at = head.end;
  }
}

describe("decoders live through any bytes", () => {
  it("control messages", () => {
    check(fc.oneof(bent(messageBytes), anyBytes), (bytes) => {
      const result = refused(() => decodeAll(bytes));
      if (result instanceof WireError) return;
      for (const message of result) {
        const writer = new Writer();
        profile.encodeMessage(writer, message);
        expect(decodeAll(writer.finish())).toEqual([message]);
      }
    });
  });

  it("the headers of streams", () => {
    check(fc.oneof(bent(subgroupBytes), bent(fetchBytes), anyBytes), (bytes) => {
      const reader = new Reader(bytes);
      const result = refused(() => profile.decodeStreamHeader(reader));
      if (result instanceof WireError) return;
      expect(reader.position()).toBeLessThanOrEqual(bytes.length);
    });
  });

  /** What a decoder makes of the pieces of a stream, up to a refusal. */
  function itemsOf<T>(decoder: ItemDecoder<T>, parts: readonly Uint8Array[]): unknown[] {
    const items: unknown[] = [];
    const result = refused(() => {
      for (const part of parts) {
        decoder.push(part);
        for (let item = decoder.next(); item !== undefined; item = decoder.next()) items.push(item);
      }
    });
    // Room for the payload is made when its length is known, within the limit; the session counts it.
    const pushed = parts.reduce((sum, part) => sum + part.length, 0);
    expect(decoder.buffered()).toBeLessThanOrEqual(pushed + limits.maxObjectSize);
    if (result instanceof WireError) items.push(result.code);
    return items;
  }

  it("subgroup streams, however they are cut", () => {
    check(fc.tuple(bent(subgroupBytes), cuts), ([bytes, at]) => {
      const reader = new Reader(bytes);
      const start = refused(() => profile.decodeStreamHeader(reader));
      if (start instanceof WireError || start.kind !== "subgroup") return;
      const rest = bytes.subarray(reader.position());
      const decoder = () => profile.subgroupDecoder(start.header, limits);
      expect(itemsOf(decoder(), pieces(rest, at))).toEqual(itemsOf(decoder(), [rest]));
    });
  });

  it("fetch streams, however they are cut", () => {
    check(fc.tuple(bent(fetchBytes), cuts, fc.boolean()), ([bytes, at, up]) => {
      const reader = new Reader(bytes);
      const start = refused(() => profile.decodeStreamHeader(reader));
      if (start instanceof WireError || start.kind !== "fetch") return;
      const rest = bytes.subarray(reader.position());
      const decoder = () => profile.fetchDecoder(up ? "ascending" : "descending", limits);
      expect(itemsOf(decoder(), pieces(rest, at))).toEqual(itemsOf(decoder(), [rest]));
    });
  });

  it("datagrams", () => {
    check(fc.oneof(bent(datagramBytes), anyBytes), (bytes) => {
      const result = refused(() => profile.decodeDatagram(bytes));
      if (result === undefined || result instanceof WireError) return;
      const writer = new Writer();
      profile.encodeDatagram(writer, result);
      expect(profile.decodeDatagram(writer.finish())).toEqual(result);
    });
  });

  const types = Object.keys(messages) as MessageType[];
  it("names, tokens, properties and parameters", () => {
    check(
      fc.tuple(bent(messageBytes), fc.nat(20), fc.constantFrom(...types)),
      ([bytes, skip, type]) => {
        const tail = bytes.subarray(Math.min(skip, bytes.length));
        const decoders: (() => unknown)[] = [
          () => decodeFullTrackName(new Reader(tail)),
          () => decodeAuthToken(new Reader(tail)),
          () => decodeProperties(tail),
          () => decodeParams(new Reader(tail), type),
        ];
        for (const decode of decoders) refused(decode);
      },
    );
  });

  it("text", () => {
    check(anyBytes, (bytes) => {
      expect(decodeUtf8(bytes)).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
    });
  });

  it("what is cut asks for more, and never for nothing", () => {
    check(fc.tuple(messageBytes, fc.nat()), ([bytes, at]) => {
      if (bytes.length === 0) return;
      const cut = bytes.subarray(0, at % bytes.length);
      const head = refused(() => profile.messageHead(cut, 0, cut.length));
      if (head instanceof Truncated || head === undefined) return;
      expect(head).not.toBeInstanceOf(WireError);
      if (!(head instanceof WireError)) expect(head.end).toBeGreaterThan(cut.length);
    });
  });
});
