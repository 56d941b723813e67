/** An actor's pose from one game to others: published at a rate, followed with interpolation. */
import type {
  Client,
  Publication,
  PublishOptions,
  SubscribeOptions,
  TrackRef,
} from "@moq-game/core";
import { MoqError } from "@moq-game/core";
import { mixPoses, POSE_MAX_BYTES, readPose, writePose } from "./pose.js";
import type { ActorLike, Pose } from "./types.js";

/** Bytes of the sender's time before each pose: ms, 32 bits, from a moment of its choice. */
const TIME_BYTES = 4;
const TIME_ROUND = 2 ** 32;

/** Options of {@link replicate}. */
export interface ReplicateOptions extends Omit<PublishOptions, "delivery"> {
  /** Poses a second, at most. Default 30. */
  readonly rate?: number;
}

/** An actor that is published. */
export interface Replication {
  readonly publication: Publication;
  /**
   * Call it every frame with the seconds since the last call. Publishes when it is time; when the actor has stopped,
   * once more, and then once a second. Gives whether it published.
   */
  update(deltaSeconds: number): boolean;
  /** Ends the track. */
  close(): Promise<void>;
}

/** The pose of an actor that stands is sent again after so long, for those who joined meanwhile, in s. */
const RESTING = 1;

/** Publishes where an actor is, as a track of class `latest`. */
export function replicate(
  client: Client,
  track: TrackRef,
  actor: ActorLike,
  options: ReplicateOptions = {},
): Replication {
  const { rate = 30, ...rest } = options;
  if (!(rate > 0 && rate <= 1_000)) {
    throw new MoqError("invalid_argument", `rate must be above 0 and at most 1000, not ${rate}.`);
  }
  const publication = client.publish(track, { ...rest, delivery: "latest" });
  const interval = 1 / rate;
  const bytes = new Uint8Array(TIME_BYTES + POSE_MAX_BYTES);
  const view = new DataView(bytes.buffer);
  const sent = new Uint8Array(bytes.length);
  let sentLength = 0;
  let time = 0;
  let due = 0;
  let rested = 0;
  let standing = false;
  return {
    publication,
    update(deltaSeconds) {
      time += deltaSeconds;
      due -= deltaSeconds;
      rested += deltaSeconds;
      if (due > 0) return false;
      // After a hitch the rhythm begins anew, without catching up.
      due = Math.max(due + interval, 0);
      const scale = actor.GetActorScale3D?.();
      const end = writePose(
        view,
        TIME_BYTES,
        actor.K2_GetActorLocation(),
        actor.K2_GetActorRotation(),
        scale,
      );
      const same = end === sentLength && samePose(bytes, sent, end);
      // Two alike tell followers that it stands, or they would go on in the direction it had.
      if (same && standing && rested < RESTING) return false;
      view.setUint32(0, Math.round(time * 1_000) % TIME_ROUND, true);
      if (!publication.send(bytes.subarray(0, end))) return false;
      sent.set(bytes);
      sentLength = end;
      standing = same;
      rested = 0;
      return true;
    },
    close: () => publication.end(),
  };
}

function samePose(one: Uint8Array, other: Uint8Array, end: number): boolean {
  for (let i = TIME_BYTES; i < end; i++) if (one[i] !== other[i]) return false;
  return true;
}

/** Options of {@link follow}. */
export interface FollowOptions extends Omit<SubscribeOptions, "delivery" | "unordered"> {
  /**
   * How far behind the newest pose to show, in ms, so that there is one on either side: a little more than
   * the time between two poses. Default 100.
   */
  readonly delay?: number;
  /** How long to go on in the direction of the last two poses when none comes, in ms. Default 100. */
  readonly extrapolate?: number;
}

/** An actor that is followed. */
export interface Following {
  /** Call it every frame: where the actor is now; `undefined` until the first pose came. */
  update(): Pose | undefined;
  /** Stops. */
  close(): void;
}

interface Sample {
  /** The sender's time in ms. */
  readonly time: number;
  readonly pose: Pose;
}

/** Poses kept: two seconds of the fastest rate that games use. */
const MOST_SAMPLES = 256;
/** By how many ms a second the smallest delay seen may grow, for clocks that drift. */
const DRIFT = 1;

/**
 * Follows what {@link replicate} publishes. `now` gives ms of a monotonic clock, for example of the
 * game's time; poses that are none are skipped.
 */
export function follow(
  client: Client,
  track: TrackRef,
  now: () => number,
  options: FollowOptions = {},
): Following {
  const { delay = 100, extrapolate = 100, ...rest } = options;
  for (const [name, value] of [
    ["delay", delay],
    ["extrapolate", extrapolate],
  ] as const) {
    if (!(value >= 0 && value <= 60_000)) {
      throw new MoqError("invalid_argument", `${name} must be 0 to 60000 ms, not ${value}.`);
    }
  }
  const subscription = client.subscribe(track, { ...rest, delivery: "latest" });
  const samples: Sample[] = [];
  /** Smallest of arrival minus sender's time seen, and when that was. */
  let offset = Number.POSITIVE_INFINITY;
  let offsetAt = 0;
  /** ms between two poses of an actor that moves: the shortest seen. */
  let interval = delay;
  /** The last two poses were alike. */
  let standing = false;
  const take = (bytes: Uint8Array, arrived: number): void => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.byteLength < TIME_BYTES) return;
    const last = samples[samples.length - 1];
    const pose = readPose(view, TIME_BYTES);
    let time = view.getUint32(0, true);
    if (last !== undefined) {
      time += Math.round((last.time - time) / TIME_ROUND) * TIME_ROUND;
      const span = time - last.time;
      const same = isSame(last.pose, pose);
      if (span < 0) {
        // The publisher began anew.
        samples.length = 0;
        offset = Number.POSITIVE_INFINITY;
        interval = delay;
      } else if (standing && !same && span > interval) {
        // It stood while nothing came, not moved slowly.
        samples.push({ time: time - interval, pose: last.pose });
      } else if (span > 0) {
        interval = Math.min(interval, span);
      }
      standing = same && span >= 0;
    }
    samples.push({ time, pose });
    if (samples.length > MOST_SAMPLES) samples.shift();
    const grown = offset + ((arrived - offsetAt) * DRIFT) / 1_000;
    if (arrived - time < grown || offset === Number.POSITIVE_INFINITY) {
      offset = arrived - time;
      offsetAt = arrived;
    }
  };
  return {
    update() {
      const at = now();
      subscription.drain((object) => {
        try {
          take(object.bytes, at);
        } catch (error) {
          if (!(error instanceof MoqError)) throw error;
        }
      });
      return poseAt(samples, at - offset - delay, extrapolate);
    },
    close: () => subscription.close(),
  };
}

function isSame(one: Pose, other: Pose): boolean {
  const { location, rotation, scale } = one;
  return (
    location.X === other.location.X &&
    location.Y === other.location.Y &&
    location.Z === other.location.Z &&
    rotation.Pitch === other.rotation.Pitch &&
    rotation.Yaw === other.rotation.Yaw &&
    rotation.Roll === other.rotation.Roll &&
    scale.X === other.scale.X &&
    scale.Y === other.scale.Y &&
    scale.Z === other.scale.Z
  );
}

/** The pose at a time of the sender; drops the samples that no later time needs. */
function poseAt(samples: Sample[], time: number, extrapolate: number): Pose | undefined {
  while (samples.length > 2 && (samples[1] as Sample).time <= time) samples.shift();
  const [first, second] = samples;
  if (first === undefined || second === undefined || time <= first.time) return first?.pose;
  const until = Math.min(time, second.time + extrapolate);
  const span = second.time - first.time;
  return span > 0 ? mixPoses(first.pose, second.pose, (until - first.time) / span) : second.pose;
}
