/** An actor's pose from one game to others: published at a rate, followed with interpolation. */
import type {
  Client,
  Publication,
  PublishOptions,
  SubscribeOptions,
  Subscription,
  TrackRef,
} from "@moq-game/core";
import { MoqError } from "@moq-game/core";
import { SenderClock } from "./playout.js";
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
   * once more, and then once a second. Gives whether it published. Throws `invalid_argument` for seconds or a transform
   * that are no numbers, or are farther away than a pose can tell. Once the track has ended it throws the reason, once,
   * and does nothing from then on.
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
  let over = false;
  const send = (update: Uint8Array): boolean => {
    try {
      return publication.send(update);
    } catch (error) {
      // The engine would log it with every frame.
      over = true;
      throw error;
    }
  };
  return {
    publication,
    update(deltaSeconds) {
      if (!(deltaSeconds >= 0 && deltaSeconds < Number.POSITIVE_INFINITY)) {
        const what = "update takes the seconds since the last call, a number from 0 on";
        throw new MoqError("invalid_argument", `${what}, not ${String(deltaSeconds)}.`);
      }
      if (over) return false;
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
      if (!send(bytes.subarray(0, end))) return false;
      sent.set(bytes);
      sentLength = end;
      standing = same;
      rested = 0;
      return true;
    },
    close() {
      over = true;
      return publication.end();
    },
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
  /**
   * Two poses farther apart than so many cm are a teleport: nothing is shown in between. Default 1000, 10 m; `Infinity`:
   * never. It must be more than the actor moves from one pose to the next.
   */
  readonly teleportDistance?: number;
}

/** An actor that is followed. */
export interface Following {
  /** For `ready`, `onEnd` and `stats`. `update` reads it. */
  readonly subscription: Subscription;
  /** Call it every frame: where the actor is now; `undefined` until the first pose came. */
  update(): Pose | undefined;
  /** Updates that were no poses, and so were skipped. */
  readonly malformed: number;
  /** Stops. The last pose stays. */
  close(): void;
}

interface Sample {
  /** The sender's time in ms. */
  readonly time: number;
  readonly pose: Pose;
}

/** Poses kept: two seconds of the fastest rate that games use. */
const MOST_SAMPLES = 256;
/**
 * Follows what {@link replicate} publishes. `now` gives ms of a clock, for example of the game's time; where it is
 * no number it counts as unchanged. Poses that are none are skipped and counted.
 */
export function follow(
  client: Client,
  track: TrackRef,
  now: () => number,
  options: FollowOptions = {},
): Following {
  const { delay = 100, extrapolate = 100, teleportDistance = 1_000, ...rest } = options;
  for (const [name, value] of [
    ["delay", delay],
    ["extrapolate", extrapolate],
  ] as const) {
    if (!(value >= 0 && value <= 60_000)) {
      throw new MoqError("invalid_argument", `${name} must be 0 to 60000 ms, not ${value}.`);
    }
  }
  if (!(teleportDistance > 0)) {
    const wrong = `not ${String(teleportDistance)}`;
    throw new MoqError("invalid_argument", `teleportDistance must be above 0 cm, ${wrong}.`);
  }
  const subscription = client.subscribe(track, { ...rest, delivery: "latest" });
  const samples: Sample[] = [];
  const clock = new SenderClock();
  let frame = 0;
  let malformed = 0;
  /** ms between two poses of an actor that moves: the shortest seen. */
  let interval = delay;
  /** The last two poses were alike. */
  let standing = false;
  const take = (bytes: Uint8Array): void => {
    const last = samples[samples.length - 1];
    const sample = readSample(bytes, last?.time);
    if (sample === undefined) {
      malformed += 1;
      return;
    }
    if (last !== undefined) {
      const span = sample.time - last.time;
      const same = isSame(last.pose, sample.pose);
      if (span < 0) {
        // The publisher began anew.
        samples.length = 0;
        clock.reset();
        interval = delay;
      } else if (standing && !same && span > interval) {
        // It stood while nothing came, not moved slowly.
        samples.push({ time: sample.time - interval, pose: last.pose });
      } else if (span > 0) {
        interval = Math.min(interval, span);
      }
      standing = same && span >= 0;
    }
    samples.push(sample);
    if (samples.length > MOST_SAMPLES) samples.shift();
    clock.update(frame, sample.time);
  };
  return {
    subscription,
    update() {
      const at = now();
      if (Number.isFinite(at)) frame = at;
      subscription.drain(({ bytes }) => take(bytes));
      return poseAt(samples, clock.shown(frame) - delay, extrapolate, teleportDistance);
    },
    get malformed() {
      return malformed;
    },
    close: () => subscription.close(),
  };
}

/** Time and pose of an update, the time as the one nearest to `last`; `undefined` when it is none. */
function readSample(bytes: Uint8Array, last: number | undefined): Sample | undefined {
  if (bytes.byteLength < TIME_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const time = view.getUint32(0, true);
  const rounds = last === undefined ? 0 : Math.round((last - time) / TIME_ROUND);
  try {
    return { time: time + rounds * TIME_ROUND, pose: readPose(view, TIME_BYTES) };
  } catch (error) {
    if (error instanceof MoqError) return undefined;
    throw error;
  }
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
function poseAt(
  samples: Sample[],
  time: number,
  extrapolate: number,
  teleportDistance: number,
): Pose | undefined {
  while (samples.length > 2 && (samples[1] as Sample).time <= time) samples.shift();
  const [first, second] = samples;
  if (first === undefined || second === undefined || time <= first.time) return first?.pose;
  const span = second.time - first.time;
  if (span === 0 || distance(first.pose, second.pose) > teleportDistance) {
    return time < second.time ? first.pose : second.pose;
  }
  const until = Math.min(time, second.time + extrapolate);
  return mixPoses(first.pose, second.pose, (until - first.time) / span);
}

/** In cm. */
function distance({ location: a }: Pose, { location: b }: Pose): number {
  return Math.hypot(a.X - b.X, a.Y - b.Y, a.Z - b.Z);
}
