/** MoQ for gameplay scripts inside Unreal Engine: the client over the plugins Moq and MoqPuerts. */
export * from "@moq-game/core/api";
export { decodeUtf8, encodeUtf8 } from "@moq-game/core/native";
export { type ConnectOptions, connect } from "./connect.js";
export {
  type EventReceiver,
  type EventSender,
  type EventValue,
  receiveEvents,
  sendEvents,
} from "./engine/events.js";
export {
  decodePose,
  encodePose,
  LOCATION_ERROR,
  LOCATION_LIMIT,
  mixPoses,
  POSE_MAX_BYTES,
  poseOf,
  ROTATION_ERROR,
} from "./engine/pose.js";
export {
  type Following,
  type FollowOptions,
  follow,
  type ReplicateOptions,
  type Replication,
  replicate,
} from "./engine/replication.js";
export { mixRotators, quatOf, rotatorOf } from "./engine/rotation.js";
export type {
  ActorLike,
  DelegateLike,
  Pose,
  QuatLike,
  RotatorLike,
  TransformLike,
  VectorLike,
} from "./engine/types.js";
export { type TickOptions, type TickStats, tick, tickStats } from "./tick.js";
