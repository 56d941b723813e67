// An actor that tells where it is: its transform, 30 times a second while it moves.
import { type Client, type Replication, replicate } from "@moq-game/unreal";
import type * as UE from "ue";
import { POSE_TRACK, poseNamespace } from "./poses";

export class PosePublisher {
  private readonly replication: Replication;

  /**
   * `name` must be this actor's alone in the whole match: `actor.GetName()` is not, for every game calls its
   * first pawn the same.
   */
  constructor(client: Client, match: string, name: string, actor: UE.Actor) {
    const track = [poseNamespace(match, name), POSE_TRACK] as const;
    this.replication = replicate(client, track, actor, { rate: 30 });
  }

  /** From the actor's tick: asks the actor for its transform when it is time. */
  tick(deltaSeconds: number): void {
    this.replication.update(deltaSeconds);
  }

  /** From the actor's EndPlay: followers are told that the track has ended. */
  stop(): Promise<void> {
    return this.replication.close();
  }
}
