/**
 * What is needed of engine classes, by structure: Puerts generates `ue.d.ts` anew for each project, so a
 * package must not name its classes. `UE.Vector`, `UE.Rotator`, `UE.Quat`, `UE.Transform` and `UE.Actor` have this
 * shape.
 */

/** In cm, like everything in Unreal. */
export interface VectorLike {
  X: number;
  Y: number;
  Z: number;
}

/** In degrees. */
export interface RotatorLike {
  Pitch: number;
  Yaw: number;
  Roll: number;
}

/** A rotation as a quaternion of length 1. */
export interface QuatLike {
  X: number;
  Y: number;
  Z: number;
  W: number;
}

/** `UE.Transform`, of which `poseOf` makes a pose. */
export interface TransformLike {
  readonly Rotation: QuatLike;
  readonly Translation: VectorLike;
  readonly Scale3D: VectorLike;
}

/** Where something is, how it is turned, and how large it is. */
export interface Pose {
  readonly location: VectorLike;
  readonly rotation: RotatorLike;
  readonly scale: VectorLike;
}

/** What {@link replicate} reads of an actor. */
export interface ActorLike {
  K2_GetActorLocation(): VectorLike;
  K2_GetActorRotation(): RotatorLike;
  GetActorScale3D?(): VectorLike;
}

/** A multicast delegate of Puerts, for example a Blueprint event dispatcher. */
export interface DelegateLike<Args extends unknown[]> {
  Add(listener: (...args: Args) => void): void;
  Remove(listener: (...args: Args) => void): void;
}
