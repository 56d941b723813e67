import type { Client, Publication } from "@moq-game/node-native";
import { type Body, encode, encodeEvent, type MatchEvent } from "../shared/codec.js";
import {
  EVENTS_TRACK,
  matchNamespace,
  POSES_TRACK,
  TICK_RATE,
  WORLD_TRACK,
} from "../shared/tracks.js";
import type { World } from "./world.js";

/** Publishes what the simulation did: the world as keyframe and deltas, poses, events. */
export class MatchPublisher {
  private readonly world: Publication;
  private readonly poses: Publication;
  private readonly events: Publication;
  private last = new Map<number, Body>();
  private keyframeWanted = true;
  private ended = false;
  /** Ticks that the `world` track could not take; it goes on with a keyframe. */
  refused = 0;

  constructor(client: Client, match: string) {
    const namespace = matchNamespace(match);
    this.world = client.publish([namespace, WORLD_TRACK], { delivery: "reliable", priority: 20 });
    this.poses = client.publish([namespace, POSES_TRACK], { delivery: "latest", priority: 10 });
    this.events = client.publish([namespace, EVENTS_TRACK], { delivery: "reliable", priority: 30 });
    this.world.onKeyframeWanted(() => {
      this.keyframeWanted = true;
    });
    // The first group of events must exist for late joiners to join at.
    this.events.keyframe(new Uint8Array());
  }

  /** Resolves when the relay knows the match. */
  async ready(): Promise<void> {
    await Promise.all([this.world.ready, this.poses.ready, this.events.ready]);
  }

  tick(world: World): void {
    const stamp = { tick: world.tick, time: Date.now() };
    const bodies = world.bodies();
    const accepted =
      this.keyframeWanted || world.tick % TICK_RATE === 0
        ? this.world.keyframe(encode({ type: "keyframe", ...stamp, score: world.score, bodies }))
        : this.world.send(
            encode({ type: "delta", ...stamp, score: world.score, ...this.changes(bodies) }),
          );
    this.keyframeWanted = !accepted;
    if (!accepted) this.refused += 1;
    this.last = new Map(bodies.map((body) => [body.id, body]));
    this.poses.send(encode({ type: "poses", ...stamp, poses: bodies }));
  }

  event(event: MatchEvent): void {
    // Players still leave while the match is being closed.
    if (!this.ended) this.events.send(encodeEvent(event));
  }

  async end(): Promise<void> {
    this.ended = true;
    await Promise.all([this.world.end(), this.poses.end(), this.events.end()]);
  }

  private changes(bodies: readonly Body[]): { removed: number[]; added: Body[]; moved: Body[] } {
    const present = new Set(bodies.map((body) => body.id));
    const removed = [...this.last.keys()].filter((id) => !present.has(id));
    const added: Body[] = [];
    const moved: Body[] = [];
    for (const body of bodies) {
      const before = this.last.get(body.id);
      if (before === undefined || before.name !== body.name || before.kind !== body.kind) {
        added.push(body);
      } else if (before.x !== body.x || before.y !== body.y || before.angle !== body.angle) {
        moved.push(body);
      }
    }
    return { removed, added, moved };
  }
}
