// An actor that stands where another game says it stands, moved smoothly between two poses.
import { type Client, type Following, follow } from "@moq-game/unreal";
import * as puerts from "puerts";
import * as UE from "ue";

export class Follower {
  private readonly following: Following;
  private now = 0;

  constructor(
    client: Client,
    match: string,
    name: string,
    private readonly actor: UE.Actor,
  ) {
    this.following = follow(client, [`match/${match}`, name], () => this.now, {
      delay: 100,
      wait: 10_000,
    });
  }

  /** From the actor's tick. */
  tick(deltaSeconds: number): void {
    this.now += deltaSeconds * 1_000;
    const pose = this.following.update();
    if (pose === undefined) return;
    const { location, rotation } = pose;
    this.actor.K2_SetActorLocationAndRotation(
      new UE.Vector(location.X, location.Y, location.Z),
      new UE.Rotator(rotation.Pitch, rotation.Yaw, rotation.Roll),
      false,
      puerts.$ref<UE.HitResult>(),
      true,
    );
  }

  /** From the actor's EndPlay. */
  stop(): void {
    this.following.close();
  }
}
