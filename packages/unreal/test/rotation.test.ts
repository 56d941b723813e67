import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { poseOf } from "../src/engine/pose.js";
import { mixRotators, quatOf, rotatorOf } from "../src/engine/rotation.js";
import type { QuatLike, RotatorLike } from "../src/engine/types.js";

const angle = (most: number) =>
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -most, max: most });
const rotator = fc.record({ Pitch: angle(90), Yaw: angle(180), Roll: angle(180) });

/** The angle between two rotations, in degrees. */
function apart(a: QuatLike, b: QuatLike): number {
  const dot = Math.abs(a.X * b.X + a.Y * b.Y + a.Z * b.Z + a.W * b.W);
  // Near 1 the arc cosine says nothing; the sine does.
  const sum = Math.hypot(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);
  const difference = Math.hypot(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);
  return dot > 0.999
    ? (2 * Math.min(sum, difference) * 180) / Math.PI
    : (2 * Math.acos(dot) * 180) / Math.PI;
}

const between = (from: RotatorLike, to: RotatorLike) => apart(quatOf(from), quatOf(to));

describe("rotations", () => {
  it("are Unreal's: yaw turns left-handed about up, pitch lifts the nose, roll lowers the right wing", () => {
    const half = Math.SQRT1_2;
    const close = (got: QuatLike, want: QuatLike) => expect(apart(got, want)).toBeLessThan(1e-6);
    close(quatOf({ Pitch: 0, Yaw: 90, Roll: 0 }), { X: 0, Y: 0, Z: half, W: half });
    close(quatOf({ Pitch: 90, Yaw: 0, Roll: 0 }), { X: 0, Y: -half, Z: 0, W: half });
    close(quatOf({ Pitch: 0, Yaw: 0, Roll: 90 }), { X: -half, Y: 0, Z: 0, W: half });
    expect(rotatorOf({ X: 0, Y: -half, Z: 0, W: half }).Pitch).toBeCloseTo(90, 5);
  });

  it("come back from quaternions, straight up and down included", () => {
    const up = fc.record({
      Pitch: fc.constantFrom(90, -90, 89.999, 89.9),
      Yaw: angle(180),
      Roll: angle(180),
    });
    fc.assert(
      fc.property(fc.oneof(rotator, up), (turned) => {
        expect(between(rotatorOf(quatOf(turned)), turned)).toBeLessThan(0.005);
      }),
    );
  });

  it("mix about one axis: as far from both as the part says", () => {
    fc.assert(
      fc.property(rotator, rotator, angle(1), (from, to, part) => {
        const share = Math.abs(part);
        const whole = between(from, to);
        fc.pre(whole < 179);
        const mixed = mixRotators(from, to, share);
        expect(Math.abs(between(from, mixed) - whole * share)).toBeLessThan(0.02);
        expect(Math.abs(between(mixed, to) - whole * (1 - share))).toBeLessThan(0.02);
      }),
    );
  });

  it("do not spin where a plane loops over its top", () => {
    // Nearly the same rotation, told by angles that are far apart.
    const [from, to] = [
      { Pitch: 89, Yaw: 0, Roll: 0 },
      { Pitch: 89, Yaw: 180, Roll: 180 },
    ];
    for (let part = 0; part <= 1; part += 0.125) {
      expect(between(from, mixRotators(from, to, part))).toBeLessThan(2.01);
    }
  });

  it("of a transform make a pose", () => {
    const Translation = { X: 1, Y: 2, Z: 3 };
    const Scale3D = { X: 1, Y: 1, Z: 2 };
    const pose = poseOf({
      Translation,
      Scale3D,
      Rotation: quatOf({ Pitch: 10, Yaw: 20, Roll: 30 }),
    });
    expect(pose.location).toEqual(Translation);
    expect(pose.scale).toEqual(Scale3D);
    expect(between(pose.rotation, { Pitch: 10, Yaw: 20, Roll: 30 })).toBeLessThan(1e-6);
  });
});
