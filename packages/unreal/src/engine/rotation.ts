/** Rotations as Unreal has them: rotators in degrees, and quaternions for what lies between two of them. */
import type { QuatLike, RotatorLike } from "./types.js";

const RADIANS = Math.PI / 180;
/** Pitch is this near to straight up or down, as a sine, when yaw and roll turn about the same axis. */
const STRAIGHT = 0.999_999_999;

/** The quaternion of a rotator, of length 1: what `FRotator::Quaternion` gives. */
export function quatOf(rotation: RotatorLike): QuatLike {
  const [sinP, cosP] = half(rotation.Pitch);
  const [sinY, cosY] = half(rotation.Yaw);
  const [sinR, cosR] = half(rotation.Roll);
  return {
    X: cosR * sinP * sinY - sinR * cosP * cosY,
    Y: -cosR * sinP * cosY - sinR * cosP * sinY,
    Z: cosR * cosP * sinY - sinR * sinP * cosY,
    W: cosR * cosP * cosY + sinR * sinP * sinY,
  };
}

/** The rotator of a quaternion of length 1, angles from −180 to 180: what `FQuat::Rotator` gives. */
export function rotatorOf({ X, Y, Z, W }: QuatLike): RotatorLike {
  const sine = 2 * (W * Y - Z * X);
  const yaw = Math.atan2(2 * (W * Z + X * Y), 1 - 2 * (Y * Y + Z * Z));
  if (Math.abs(sine) > STRAIGHT) {
    // Any pair of yaw and roll with this difference would do.
    const roll = sine > 0 ? -yaw - 2 * Math.atan2(X, W) : yaw - 2 * Math.atan2(X, W);
    return degrees((-Math.sign(sine) * Math.PI) / 2, yaw, roll);
  }
  return degrees(-Math.asin(sine), yaw, -Math.atan2(2 * (W * X + Y * Z), 1 - 2 * (X * X + Y * Y)));
}

/** Between two rotations, the shorter way: `part` 0 is the first, 1 the second, more goes on beyond it. */
export function mixRotators(from: RotatorLike, to: RotatorLike, part: number): RotatorLike {
  // Who stands upright turns about one axis.
  if (from.Pitch === to.Pitch && from.Roll === to.Roll) {
    const turn = wrapAngle(to.Yaw - from.Yaw);
    return { Pitch: from.Pitch, Yaw: wrapAngle(from.Yaw + turn * part), Roll: from.Roll };
  }
  const [a, b] = [quatOf(from), quatOf(to)];
  const along = a.X * b.X + a.Y * b.Y + a.Z * b.Z + a.W * b.W;
  const angle = Math.acos(Math.min(1, Math.abs(along)));
  const sine = Math.sin(angle);
  if (sine < 1e-6) return part < 0.5 ? from : to;
  const first = Math.sin((1 - part) * angle) / sine;
  // A quaternion and its negative are one rotation; the nearer of both is the shorter way.
  const second = (Math.sign(along) || 1) * (Math.sin(part * angle) / sine);
  return rotatorOf({
    X: a.X * first + b.X * second,
    Y: a.Y * first + b.Y * second,
    Z: a.Z * first + b.Z * second,
    W: a.W * first + b.W * second,
  });
}

/** The same angle, above −180 and up to 180. */
function wrapAngle(degrees: number): number {
  const turned = ((degrees % 360) + 360) % 360;
  return turned > 180 ? turned - 360 : turned;
}

function half(degrees: number): [sine: number, cosine: number] {
  // Whole turns would cost precision.
  const angle = ((degrees % 360) * RADIANS) / 2;
  return [Math.sin(angle), Math.cos(angle)];
}

function degrees(pitch: number, yaw: number, roll: number): RotatorLike {
  return {
    Pitch: pitch / RADIANS,
    Yaw: yaw / RADIANS,
    Roll: wrapAngle(roll / RADIANS),
  };
}
