// What a spectator's pawn shows of the arena (examples/arena, started with "npm run demo"): its bodies, as
// actors that the caller makes. One metre there is one metre here.
import type { Client, Subscription } from "@moq-game/unreal";
import * as puerts from "puerts";
import * as UE from "ue";
import { type ArenaPose, decodePoses, matchNamespace, POSES_TRACK } from "./arena";

export class Spectator {
  private readonly subscription: Subscription;
  private readonly bodies = new Map<number, UE.Actor>();

  /** `spawn` makes the actor of a body that was not seen before, `remove` takes that of one that has left. */
  constructor(
    client: Client,
    match: string,
    private readonly spawn: (id: number) => UE.Actor,
    private readonly remove: (actor: UE.Actor) => void = () => {},
  ) {
    this.subscription = client.subscribe([matchNamespace(match), POSES_TRACK], { wait: 10_000 });
  }

  /** From the pawn's tick. Only the newest update matters: each has all bodies. */
  tick(): void {
    let newest: ArenaPose[] = [];
    this.subscription.drain((object) => {
      const poses = decodePoses(object.bytes);
      if (poses.length > 0) newest = poses;
    });
    if (newest.length === 0) return;
    for (const pose of newest) this.place(pose);
    for (const [id, actor] of this.bodies) {
      if (newest.some((pose) => pose.id === id)) continue;
      this.bodies.delete(id);
      this.remove(actor);
    }
  }

  /** From the pawn's EndPlay. The actors are the caller's; a level that goes takes them along. */
  stop(): void {
    this.subscription.close();
    this.bodies.clear();
  }

  private place(pose: ArenaPose): void {
    let actor = this.bodies.get(pose.id);
    if (actor === undefined) {
      actor = this.spawn(pose.id);
      this.bodies.set(pose.id, actor);
    }
    actor.K2_SetActorLocationAndRotation(
      new UE.Vector(pose.x * 100, pose.y * 100, 50),
      new UE.Rotator(0, (pose.angle * 180) / Math.PI, 0),
      false,
      puerts.$ref<UE.HitResult>(),
      true,
    );
  }
}
