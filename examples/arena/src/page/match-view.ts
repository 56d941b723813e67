import type { Body, Delta, Keyframe, Pose, Poses } from "../shared/codec.js";
import { TICK_RATE } from "../shared/tracks.js";

/** How far behind the newest state we draw in ms: room for two late updates. */
const INTERPOLATION_DELAY = 50;
/** Half a second of poses is more than interpolation ever reaches back. */
const HISTORY = TICK_RATE / 2;

interface Snapshot {
  readonly time: number;
  readonly poses: ReadonlyMap<number, Pose>;
}

/** The match as this page knows it: who is there (world) and where (poses), between two updates. */
export class MatchView {
  readonly bodies = new Map<number, Body>();
  score: readonly [number, number] = [0, 0];
  /** Number of the newest world update, and how many numbers were missing on the way. */
  tick = 0;
  missing = 0;
  updates = 0;
  /** Age of the newest state in ms above the smallest seen: clocks of two machines differ. */
  age = 0;
  private synced = false;
  private history: Snapshot[] = [];
  /** Smallest difference seen between our clock and the backend's, in ms. */
  private offset = Number.POSITIVE_INFINITY;

  world(update: Keyframe | Delta, now: number): void {
    if (this.synced && update.tick > this.tick + 1) this.missing += update.tick - this.tick - 1;
    if (update.type === "keyframe") {
      this.bodies.clear();
      for (const body of update.bodies) this.bodies.set(body.id, body);
      this.synced = true;
    } else if (this.synced) {
      for (const id of update.removed) this.bodies.delete(id);
      for (const body of update.added) this.bodies.set(body.id, body);
    }
    this.tick = update.tick;
    this.score = update.score;
    this.updates += 1;
    this.clock(update.time, now);
    this.age = now - update.time - this.offset;
  }

  poses(update: Poses, now: number): void {
    this.clock(update.time, now);
    const last = this.history.at(-1);
    if (last !== undefined && update.time <= last.time) return;
    this.history.push({
      time: update.time,
      poses: new Map(update.poses.map((pose) => [pose.id, pose])),
    });
    if (this.history.length > HISTORY) this.history.shift();
  }

  /** The backend's clock at a moment of ours, as far as can be told: the quickest update had no way to go. */
  backendTime(now: number): number {
    return now - this.offset;
  }

  /** Where everything is at a moment of our clock. */
  at(now: number): Map<number, Pose> {
    const time = this.backendTime(now) - INTERPOLATION_DELAY;
    const after = this.history.findIndex((snapshot) => snapshot.time > time);
    const to = this.history[after === -1 ? this.history.length - 1 : after];
    const from = this.history[after - 1] ?? to;
    const result = new Map<number, Pose>();
    if (from === undefined || to === undefined) return result;
    const share = from === to ? 1 : (time - from.time) / (to.time - from.time);
    for (const [id, end] of to.poses) {
      const start = from.poses.get(id) ?? end;
      result.set(id, {
        id,
        x: start.x + (end.x - start.x) * share,
        y: start.y + (end.y - start.y) * share,
        angle: start.angle + turn(start.angle, end.angle) * share,
      });
    }
    return result;
  }

  private clock(sent: number, now: number): void {
    this.offset = Math.min(this.offset, now - sent);
  }
}

/** The shorter way round from one angle to another. */
function turn(from: number, to: number): number {
  const difference = (to - from) % (2 * Math.PI);
  if (difference > Math.PI) return difference - 2 * Math.PI;
  if (difference < -Math.PI) return difference + 2 * Math.PI;
  return difference;
}
