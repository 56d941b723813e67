// A player of the arena: says 30 times a second where its stick points. The backend makes a body for it.
import type { Client, Publication } from "@moq-game/unreal";
import { encodeInput, INPUT_TRACK, playerNamespace, type Stick } from "./arena";

const INTERVAL = 1 / 30;

export class Player {
  private readonly publication: Publication;
  private sequence = 0;
  private due = 0;

  /** `steer` is asked for every input: read the player controller there. */
  constructor(
    client: Client,
    match: string,
    name: string,
    private readonly steer: () => Stick,
  ) {
    // An input that is late is of no use: the next one is on its way.
    this.publication = client.publish([playerNamespace(match, name), INPUT_TRACK], {
      delivery: "datagram",
      priority: 5,
    });
  }

  /** From the pawn's tick. */
  tick(deltaSeconds: number): void {
    this.due -= deltaSeconds;
    if (this.due > 0) return;
    this.due = Math.max(this.due + INTERVAL, 0);
    this.sequence += 1;
    this.publication.send(encodeInput(this.sequence, this.steer()));
  }

  /** From the pawn's EndPlay: the backend takes the body away. */
  stop(): Promise<void> {
    return this.publication.end();
  }
}
