import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodePose,
  encodePose,
  LOCATION_ERROR,
  LOCATION_LIMIT,
  mixPoses,
  POSE_MAX_BYTES,
  ROTATION_ERROR,
} from "../src/engine/pose.js";

const finite = { noNaN: true, noDefaultInfinity: true } as const;
const location = (limit: number) => fc.double({ ...finite, min: -limit, max: limit });
const angle = fc.double({ ...finite, min: -100_000, max: 100_000 });
const vector = (limit: number) =>
  fc.record({ X: location(limit), Y: location(limit), Z: location(limit) });
const rotator = fc.record({ Pitch: angle, Yaw: angle, Roll: angle });

/** Between two angles, the shorter way. */
function between(one: number, other: number): number {
  const turn = Math.abs(one - other) % 360;
  return Math.min(turn, 360 - turn);
}

// Nothing but the arithmetic of doubles on top of the documented errors.
const SLACK = 1e-6;

describe("poses", () => {
  it.each([1_000, 500_000, LOCATION_LIMIT])(
    "come back within the documented error (±%d cm)",
    (limit) => {
      fc.assert(
        fc.property(vector(limit), rotator, (at, turned) => {
          const { location: seen, rotation } = decodePose(encodePose(at, turned));
          for (const axis of ["X", "Y", "Z"] as const) {
            expect(Math.abs(seen[axis] - at[axis])).toBeLessThanOrEqual(LOCATION_ERROR + SLACK);
          }
          for (const axis of ["Pitch", "Yaw", "Roll"] as const) {
            expect(between(rotation[axis], turned[axis])).toBeLessThanOrEqual(
              ROTATION_ERROR + SLACK,
            );
            expect(rotation[axis]).toBeGreaterThanOrEqual(-180);
            expect(rotation[axis]).toBeLessThan(180);
          }
        }),
      );
    },
  );

  it("keep what was decoded once, byte for byte", () => {
    fc.assert(
      fc.property(vector(1e6), rotator, vector(100), (at, turned, scale) => {
        const bytes = encodePose(at, turned, scale);
        const pose = decodePose(bytes);
        expect(encodePose(pose.location, pose.rotation, pose.scale)).toEqual(bytes);
        expect(bytes.length).toBeLessThanOrEqual(POSE_MAX_BYTES);
      }),
    );
  });

  it("are small", () => {
    const still = { Pitch: 0, Yaw: 0, Roll: 0 };
    const at = { X: 1, Y: 2, Z: 3 };
    expect(encodePose(at, still).length).toBe(10);
    expect(encodePose(at, { ...still, Yaw: 90 }, { X: 1, Y: 1, Z: 1 }).length).toBe(16);
    expect(encodePose({ ...at, X: 1e6 }, { ...still, Yaw: 90 }, at).length).toBe(31);
  });

  it("refuse numbers that cannot be told, by name", () => {
    const turned = { Pitch: 0, Yaw: 0, Roll: 0 };
    const at = { X: 0, Y: 0, Z: 0 };
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, LOCATION_LIMIT + 1]) {
      expect(() => encodePose({ ...at, Y: bad }, turned)).toThrow("Y of a location");
    }
    expect(() => encodePose(at, { ...turned, Yaw: Number.NaN })).toThrow("Yaw of a rotation");
    expect(() => encodePose(at, turned, { X: 1e300, Y: 1, Z: 1 })).toThrow("X of a scale");
  });

  it("refuse bytes that are none, without reading beyond them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          const pose = decodePose(bytes);
          expect(pose.location.X).toBeTypeOf("number");
        } catch (error) {
          expect(error).toMatchObject({ code: "malformed_track" });
        }
      }),
    );
    expect(() => decodePose(new Uint8Array(0))).toThrow("are no pose");
    expect(() =>
      decodePose(encodePose({ X: 1, Y: 1, Z: 1 }, { Pitch: 1, Yaw: 1, Roll: 1 }).subarray(1)),
    ).toThrow();
  });

  it("are none with a scale that no engine bears", () => {
    const still = { Pitch: 0, Yaw: 0, Roll: 0 };
    const bytes = encodePose({ X: 0, Y: 0, Z: 0 }, still, { X: 1, Y: 2, Z: 1 });
    for (const [at, bad] of [
      [bytes.length - 12, Number.NaN],
      [bytes.length - 8, Number.POSITIVE_INFINITY],
      [bytes.length - 4, Number.NEGATIVE_INFINITY],
    ] as const) {
      const bent = bytes.slice();
      new DataView(bent.buffer).setFloat32(at, bad, true);
      expect(() => decodePose(bent)).toThrow("are no pose");
    }
  });

  it("go on beyond the second, but do not turn inside out", () => {
    const pose = (x: number, scale: number) => ({
      location: { X: x, Y: 0, Z: 0 },
      rotation: { Pitch: 0, Yaw: x, Roll: 0 },
      scale: { X: scale, Y: scale, Z: scale },
    });
    expect(mixPoses(pose(0, 1), pose(10, 0.5), 4)).toEqual({ ...pose(40, 0.5) });
  });

  it("mix the shorter way round", () => {
    const scale = { X: 1, Y: 1, Z: 1 };
    const pose = (yaw: number, x: number) => ({
      location: { X: x, Y: 0, Z: 0 },
      rotation: { Pitch: 0, Yaw: yaw, Roll: 0 },
      scale,
    });
    expect(mixPoses(pose(170, 0), pose(-170, 10), 0.5)).toEqual(pose(180, 5));
    expect(mixPoses(pose(-10, 0), pose(10, 10), 0.25).rotation.Yaw).toBe(-5);
    fc.assert(
      fc.property(angle, angle, fc.double({ ...finite, min: 0, max: 1 }), (a, b, part) => {
        const [from, to] = [a % 180, b % 180];
        const mixed = mixPoses(pose(from, 0), pose(to, 0), part).rotation.Yaw;
        expect(between(mixed, from)).toBeCloseTo(between(from, to) * part, 6);
      }),
    );
  });
});
