// An actor that tells where it is: its transform, 30 times a second while it moves.
import { type Client, type Replication, replicate } from "@moq-game/unreal";
import type * as UE from "ue";

export class PosePublisher {
  private readonly replication: Replication;

  /** `name` must be the actor's own in the match. */
  constructor(client: Client, match: string, name: string, actor: UE.Actor) {
    this.replication = replicate(client, [`match/${match}`, name], actor, { rate: 30 });
  }

  /** From the actor's tick. */
  tick(deltaSeconds: number): void {
    this.replication.update(deltaSeconds);
  }

  /** From the actor's EndPlay. */
  stop(): Promise<void> {
    return this.replication.close();
  }
}
