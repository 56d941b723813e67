// An actor that stands where another game says it stands, moved smoothly between two poses.
import { type Client, type Following, follow } from "@moq-game/unreal";
import * as puerts from "puerts";
import * as UE from "ue";
import { POSE_TRACK, poseNamespace } from "./poses";

export class Follower {
  private readonly following: Following;
  /** Time of this game in ms: a paused game shows no movement. */
  private now = 0;

  /** `name` is the one that the other game's PosePublisher has. */
  constructor(
    client: Client,
    match: string,
    name: string,
    private readonly actor: UE.Actor,
  ) {
    this.following = follow(client, [poseNamespace(match, name), POSE_TRACK], () => this.now, {
      // A little more than the time between three poses, so that there is one on either side of "now".
      delay: 100,
      // It may come later than we do.
      wait: 10_000,
    });
  }

  /** From the actor's tick. */
  tick(deltaSeconds: number): void {
    this.now += deltaSeconds * 1_000;
    const pose = this.following.update();
    if (pose === undefined) return; // none has come yet
    const { location, rotation } = pose;
    this.actor.K2_SetActorLocationAndRotation(
      new UE.Vector(location.X, location.Y, location.Z),
      new UE.Rotator(rotation.Pitch, rotation.Yaw, rotation.Roll),
      false, // no sweep: the other game has collided already
      puerts.$ref<UE.HitResult>(),
      true, // teleport: physics must not make a velocity of it
    );
  }

  /** From the actor's EndPlay. Nothing comes after it. */
  stop(): void {
    this.following.close();
  }
}
