/**
 * Transforms as few bytes. Little-endian:
 *
 * | bytes | what |
 * |---|---|
 * | 1 | which of the following is there |
 * | 9 or 12 | location: three whole numbers of 1/16 cm, of 24 bits up to 5.2 km from the origin, else of 32 bits |
 * | 0 or 6 | rotation: pitch, yaw, roll in 1/65,536 of a turn; absent when all are 0 |
 * | 0 or 12 | scale: three floats of 32 bits; absent when all are 1 |
 *
 * A moving actor takes 16 bytes. What comes back differs from what was sent by at most
 * {@link LOCATION_ERROR} on each axis and {@link ROTATION_ERROR} (a turn further or back is the same).
 */
import { MoqError } from "@moq-game/core";
import { mixRotators, rotatorOf } from "./rotation.js";
import type { Pose, RotatorLike, TransformLike, VectorLike } from "./types.js";

/** Largest error of a location on each axis, in cm. */
export const LOCATION_ERROR = 1 / 32;
/** Largest error of an angle, in degrees. */
export const ROTATION_ERROR = 360 / 65_536 / 2;
/** Farthest from the origin on an axis that can be told, in cm: 1,342 km. */
export const LOCATION_LIMIT = (2 ** 31 - 1) / 16;
/** Bytes of the longest pose. */
export const POSE_MAX_BYTES = 31;

const WIDE = 1;
const ROTATED = 2;
const SCALED = 4;
const PER_CM = 16;
const PER_DEGREE = 65_536 / 360;
const NARROW_LIMIT = 2 ** 23 - 1;

/** Writes a pose to `view` at `at`; gives the offset behind it. Throws `invalid_argument` for numbers that cannot be told. */
export function writePose(
  view: DataView,
  at: number,
  location: VectorLike,
  rotation: RotatorLike,
  scale: VectorLike | undefined,
): number {
  const x = locationOf(location.X, "X");
  const y = locationOf(location.Y, "Y");
  const z = locationOf(location.Z, "Z");
  const pitch = angleOf(rotation.Pitch, "Pitch");
  const yaw = angleOf(rotation.Yaw, "Yaw");
  const roll = angleOf(rotation.Roll, "Roll");
  const wide =
    Math.abs(x) > NARROW_LIMIT || Math.abs(y) > NARROW_LIMIT || Math.abs(z) > NARROW_LIMIT;
  const rotated = pitch !== 0 || yaw !== 0 || roll !== 0;
  const scaled = scale !== undefined && (scale.X !== 1 || scale.Y !== 1 || scale.Z !== 1);
  view.setUint8(at, (wide ? WIDE : 0) | (rotated ? ROTATED : 0) | (scaled ? SCALED : 0));
  let next = at + 1;
  for (const axis of [x, y, z]) {
    if (wide) view.setInt32(next, axis, true);
    else {
      view.setUint16(next, axis & 0xffff, true);
      view.setInt8(next + 2, axis >> 16);
    }
    next += wide ? 4 : 3;
  }
  if (rotated) {
    view.setUint16(next, pitch, true);
    view.setUint16(next + 2, yaw, true);
    view.setUint16(next + 4, roll, true);
    next += 6;
  }
  if (scaled) {
    view.setFloat32(next, scaleOf(scale.X, "X"), true);
    view.setFloat32(next + 4, scaleOf(scale.Y, "Y"), true);
    view.setFloat32(next + 8, scaleOf(scale.Z, "Z"), true);
    next += 12;
  }
  return next;
}

/** Reads what {@link writePose} wrote; throws `malformed_track` when it is none. */
export function readPose(view: DataView, at: number): Pose {
  const flags = at < view.byteLength ? view.getUint8(at) : 255;
  const wide = (flags & WIDE) !== 0;
  const rotated = (flags & ROTATED) !== 0;
  const scaled = (flags & SCALED) !== 0;
  const length = 1 + (wide ? 12 : 9) + (rotated ? 6 : 0) + (scaled ? 12 : 0);
  if (flags > (WIDE | ROTATED | SCALED) || at + length !== view.byteLength) {
    throw noPose(view.byteLength - at);
  }
  let next = at + 1;
  const axis = (): number => {
    const value = wide
      ? view.getInt32(next, true)
      : (view.getInt8(next + 2) << 16) | view.getUint16(next, true);
    next += wide ? 4 : 3;
    return value / PER_CM;
  };
  const angle = (): number => {
    const value = rotated ? view.getInt16(next, true) : 0;
    next += rotated ? 2 : 0;
    return value / PER_DEGREE;
  };
  const factor = (): number => {
    const value = scaled ? view.getFloat32(next, true) : 1;
    next += scaled ? 4 : 0;
    // Engines do not bear it.
    if (!Number.isFinite(value)) throw noPose(view.byteLength - at);
    return value;
  };
  return {
    location: { X: axis(), Y: axis(), Z: axis() },
    rotation: { Pitch: angle(), Yaw: angle(), Roll: angle() },
    scale: { X: factor(), Y: factor(), Z: factor() },
  };
}

/** A pose as bytes of their own. */
export function encodePose(
  location: VectorLike,
  rotation: RotatorLike,
  scale?: VectorLike,
): Uint8Array {
  const bytes = new Uint8Array(POSE_MAX_BYTES);
  return bytes.subarray(0, writePose(new DataView(bytes.buffer), 0, location, rotation, scale));
}

/** The pose of such bytes; `malformed_track` when they are none. */
export function decodePose(bytes: Uint8Array): Pose {
  return readPose(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
}

/** The pose of a transform, whose rotation is a quaternion of length 1. */
export function poseOf({ Translation, Rotation, Scale3D }: TransformLike): Pose {
  return { location: Translation, rotation: rotatorOf(Rotation), scale: Scale3D };
}

/**
 * Between two poses: `part` 0 is the first, 1 the second; turned the shorter way, about one axis. Above 1 it goes on
 * in that direction, but for the scale.
 */
export function mixPoses(from: Pose, to: Pose, part: number): Pose {
  return {
    location: mixVectors(from.location, to.location, part),
    rotation: mixRotators(from.rotation, to.rotation, part),
    scale: mixVectors(from.scale, to.scale, Math.min(1, part)),
  };
}

function mixVectors(from: VectorLike, to: VectorLike, part: number): VectorLike {
  return {
    X: from.X + (to.X - from.X) * part,
    Y: from.Y + (to.Y - from.Y) * part,
    Z: from.Z + (to.Z - from.Z) * part,
  };
}

function noPose(length: number): MoqError {
  const what = "another program or version writes this track";
  return new MoqError("malformed_track", `These ${length} bytes are no pose: ${what}.`);
}

function locationOf(value: number, axis: string): number {
  const steps = Math.round(value * PER_CM);
  if (steps >= -(2 ** 31 - 1) && steps <= 2 ** 31 - 1) return steps;
  throw new MoqError(
    "invalid_argument",
    `${axis} of a location must be a number within ±${LOCATION_LIMIT} cm, not ${value}.`,
  );
}

function angleOf(value: number, name: string): number {
  if (Number.isFinite(value)) return Math.round((value % 360) * PER_DEGREE) & 0xffff;
  throw new MoqError("invalid_argument", `${name} of a rotation must be a number, not ${value}.`);
}

function scaleOf(value: number, axis: string): number {
  const single = Math.fround(value);
  if (Number.isFinite(single)) return single;
  throw new MoqError("invalid_argument", `${axis} of a scale must be a number, not ${value}.`);
}
