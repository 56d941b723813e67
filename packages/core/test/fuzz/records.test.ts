/** Records of the native library: any bytes end in a clear error, valid ones are read as written. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MoqError } from "../../src/errors.js";
import { RECORD_HEADER_SIZE, RecordCursor } from "../../src/native/records.js";
import { Slab } from "../../src/native/slabs.js";
import { encodeRecord, type FakeRecord } from "../native/fake-port.js";
import { bent, check } from "./bent.js";

const number = fc.maxSafeNat();
const record: fc.Arbitrary<FakeRecord> = fc.record({
  kind: fc.integer({ min: 0, max: 12 }),
  handle: number,
  flags: fc.integer({ min: 0, max: 31 }),
  group: number,
  object: number,
  extra: number,
  code: fc.integer({ min: 0, max: 40 }),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.record({ message: fc.string(), retryable: fc.boolean() }),
  ),
});

const over = (bytes: Uint8Array): RecordCursor =>
  new RecordCursor().reset(new Slab(bytes), 0, bytes.length);
const joined = (list: readonly FakeRecord[]): Uint8Array =>
  Uint8Array.from(list.flatMap((one) => [...encodeRecord(one)]));

describe("records", () => {
  it("are read as they were written", () => {
    check(fc.array(record, { maxLength: 6 }), (list) => {
      const cursor = over(joined(list));
      for (const written of list) {
        expect(cursor.next()).toBe(true);
        const { kind, handle, flags, group, object, extra, code } = cursor;
        expect({ kind, handle, flags, group, object, extra, code }).toEqual({
          ...written,
          payload: undefined,
        });
      }
      expect(cursor.next()).toBe(false);
    });
  });

  it("that are none are told, and never read beyond", () => {
    const bytes = fc.array(record, { minLength: 1, maxLength: 4 }).map(joined);
    check(bent(bytes), (given) => {
      const cursor = over(given);
      try {
        for (let seen = 0; cursor.next(); seen += RECORD_HEADER_SIZE) {
          expect(seen).toBeLessThan(given.length);
          expect(cursor.payload.byteLength).toBeLessThanOrEqual(given.length);
          cursor.toGap();
          cursor.toState();
        }
      } catch (error) {
        expect(error).toBeInstanceOf(MoqError);
        expect((error as MoqError).code).toBe("internal");
      }
    });
  });
});
