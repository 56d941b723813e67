import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ERROR_CODES } from "../errors.js";
import { RecordObjects, SpareObjects } from "./objects.js";
import { NATIVE_ABI_VERSION } from "./port.js";
import { RecordCursor, RecordFlag, RecordKind } from "./records.js";
import { Slab, Slabs } from "./slabs.js";

const root = new URL("../../../../", import.meta.url);
const vectors = new URL("test/vectors/records/", root);
const header = readFileSync(new URL("native/moq-ffi/include/moq_ffi.h", root), "utf8");

interface Described {
  readonly abiVersion: number;
  readonly records: readonly Record<string, string | number>[];
}

function golden(): Uint8Array {
  return new Uint8Array(readFileSync(new URL("records.bin", vectors)));
}

function over(bytes: Uint8Array): RecordCursor {
  return new RecordCursor().reset(new Slab(bytes), 0, bytes.length);
}

describe("records", () => {
  test("the golden vectors read as described", () => {
    const described = JSON.parse(
      readFileSync(new URL("records.json", vectors), "utf8"),
    ) as Described;
    expect(described.abiVersion).toBe(NATIVE_ABI_VERSION);
    const cursor = over(golden());
    for (const wanted of described.records) {
      expect(cursor.next()).toBe(true);
      const read = {
        kind: cursor.kind,
        flags: cursor.flags,
        handle: String(cursor.handle),
        group: String(cursor.group),
        object: String(cursor.object),
        subgroup: String(cursor.subgroup),
        receivedUs: String(cursor.receivedUs),
        extra: String(cursor.extra),
        code: cursor.code,
        payload: Buffer.from(cursor.payload).toString("hex"),
      };
      const { name, offset: _, length: __, payloadLength: ___, ...fields } = wanted;
      expect(read, String(name)).toEqual(fields);
    }
    expect(cursor.next()).toBe(false);
  });

  test("records become what the interface speaks of", () => {
    const cursor = over(golden());
    const seen: unknown[] = [];
    while (cursor.next()) {
      if (cursor.kind === RecordKind.Gap) seen.push(cursor.toGap());
      if (cursor.kind === RecordKind.End) seen.push(cursor.toEnd().kind);
      if (cursor.kind === RecordKind.State) seen.push(cursor.toState());
    }
    expect(seen).toEqual([
      "open",
      "ended",
      "error",
      { fromGroup: 7, toGroup: 9, objects: 30, reason: "too_far_behind" },
      { fromGroup: 7, toGroup: 7, objects: undefined, reason: "reset" },
      "reconnecting",
      {
        fromGroup: 1_767_225_600_123,
        toGroup: 1_767_225_600_125,
        objects: undefined,
        reason: "reconnected",
      },
    ]);
  });

  test("a loss has its reason", () => {
    const cursor = over(golden());
    while (cursor.next()) {
      if (cursor.kind !== RecordKind.State || cursor.toState() !== "reconnecting") continue;
      expect(cursor.toLoss()).toMatchObject({ code: "timeout", message: "nothing was heard" });
      return;
    }
    throw new Error("no loss among the vectors");
  });

  test("an error keeps code, message, the peer's code and whether to retry", () => {
    const cursor = over(golden());
    while (cursor.next()) {
      const error = cursor.kind === RecordKind.End ? cursor.toError() : undefined;
      if (error === undefined) continue;
      expect(error).toMatchObject({
        code: "not_found",
        message: "no such track: ünïcödé",
        peerCode: 16,
        retryable: false,
      });
      return;
    }
    throw new Error("no error among the vectors");
  });

  test("the clock of the library becomes the host's", () => {
    const cursor = over(golden());
    while (cursor.next() && cursor.kind !== RecordKind.Object);
    const object = new RecordObjects(new Slabs(), new SpareObjects(), -100).take(cursor);
    expect(object.receivedAt).toBeCloseTo(123_456_689.012, 3);
    expect(object.publishedAt).toBe(1_767_225_600_456);
    expect(object.keyframe).toBe(true);
  });

  test("a broken buffer is an error, not a hang", () => {
    for (const length of [0, 1, 63, 65, 72, 1_000]) {
      const bytes = new Uint8Array(64);
      new DataView(bytes.buffer).setUint32(0, length, true);
      const cursor = over(bytes);
      expect(() => cursor.next(), String(length)).toThrow(/native library/);
    }
    expect(() => over(new Uint8Array(8)).next()).toThrow(/native library/);
  });
});

describe("what the C header says", () => {
  function constants(pattern: RegExp): Record<string, number> {
    const found: Record<string, number> = {};
    for (const [, name, value] of header.matchAll(pattern)) found[name!] = Number(value);
    return found;
  }

  test("error codes are the same list", () => {
    const errors = constants(/^\s+MOQ_ERROR_(\w+) = (\d+),$/gm);
    const here = Object.entries(ERROR_CODES).filter(([name]) => name !== "ok");
    expect(errors).toEqual(
      Object.fromEntries(here.map(([name, code]) => [name.toUpperCase(), code])),
    );
  });

  test("record kinds and flags are the same", () => {
    const upper = (name: string): string => name.replace(/(?<=.)([A-Z])/g, "_$1").toUpperCase();
    const kinds = Object.entries(RecordKind).map(([name, value]) => [upper(name), value]);
    expect(constants(/^\s+MOQ_RECORD_(\w+) = (\d+),$/gm)).toEqual(Object.fromEntries(kinds));
    const flags = Object.entries(RecordFlag).map(([name, value]) => [upper(name), value]);
    expect(constants(/^#define MOQ_FLAG_(\w+) (\d+)$/gm)).toEqual(Object.fromEntries(flags));
  });

  test("the ABI version is the one that this code reads", () => {
    expect(constants(/^#define (MOQ_ABI_VERSION) (\d+)$/gm)).toEqual({
      MOQ_ABI_VERSION: NATIVE_ABI_VERSION,
    });
  });
});
