import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Body, decode, decodeEvent, encode, encodeEvent, type Update } from "./codec.js";

const pose = fc.record({
  id: fc.integer({ min: 0, max: 255 }),
  x: fc.double({ min: -4, max: 36, noNaN: true }),
  y: fc.double({ min: -4, max: 36, noNaN: true }),
  angle: fc.double({ min: 0, max: 6.28, noNaN: true }),
});
const body: fc.Arbitrary<Body> = fc
  .record({
    kind: fc.constantFrom("player", "ball", "crate", "barrel"),
    team: fc.constantFrom(0 as const, 1 as const, 2 as const),
    size: fc.integer({ min: 0, max: 255 }).map((n) => n / 32),
    name: fc.string({ maxLength: 8, unit: fc.constantFrom("a", "é", "9") }),
  })
  .chain((rest) => pose.map((p) => ({ ...p, ...rest })));
const stamp = { tick: fc.nat(), time: fc.double({ min: 0, max: 4e12, noNaN: true }) };
const score = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }));

const update: fc.Arbitrary<Update> = fc.oneof(
  fc.record({
    type: fc.constant("keyframe" as const),
    ...stamp,
    score,
    bodies: fc.array(body, { maxLength: 40 }),
  }),
  fc.record({
    type: fc.constant("delta" as const),
    ...stamp,
    score,
    removed: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 9 }),
    added: fc.array(body, { maxLength: 5 }),
    moved: fc.array(pose, { maxLength: 40 }),
  }),
  fc.record({
    type: fc.constant("poses" as const),
    ...stamp,
    poses: fc.array(pose, { maxLength: 60 }),
  }),
);

function near(actual: unknown, expected: unknown): void {
  if (typeof expected === "number") expect(actual).toBeCloseTo(expected, 2);
  else if (Array.isArray(expected)) {
    expect((actual as unknown[]).length).toBe(expected.length);
    expected.forEach((item, i) => {
      near((actual as unknown[])[i], item);
    });
  } else if (typeof expected === "object" && expected !== null)
    for (const [key, value] of Object.entries(expected))
      near((actual as Record<string, unknown>)[key], value);
  else expect(actual).toBe(expected);
}

describe("codec", () => {
  it("gives back every update within the quantisation", () => {
    fc.assert(
      fc.property(update, (value) => {
        near(decode(encode(value).slice()), value);
      }),
    );
  });

  it("reads inputs", () => {
    const bytes = encode({ type: "input", sequence: 7, x: -1, y: 0.5, dash: true });
    const input = decode(bytes);
    expect(input).toMatchObject({ type: "input", sequence: 7, x: -1, dash: true });
    expect(bytes.length).toBe(8);
  });

  it("answers random bytes with RangeError or an update, nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it("carries events as JSON", () => {
    const goal = { kind: "goal", team: 1, score: [0, 1] } as const;
    expect(decodeEvent(encodeEvent(goal))).toEqual(goal);
  });
});
