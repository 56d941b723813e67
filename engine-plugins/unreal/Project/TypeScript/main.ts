// Where a game begins: puts the samples together. Puerts' `JsEnv.Start("main", …)` or a Blueprint that
// inherits a script class calls these.
import { type Client, connect, tick } from "@moq-game/unreal";
import type * as UE from "ue";
import type { Stick } from "./arena";
import { MatchEvents } from "./match-events";
import { Player } from "./player";
import { PosePublisher } from "./pose-publisher";
import { Spectator } from "./spectator";

/** A match that this game plays in or watches. */
export class Match {
  private readonly parts: { tick(deltaSeconds: number): void; stop(): unknown }[] = [];

  private constructor(
    readonly client: Client,
    private readonly name: string,
  ) {}

  /** `hash`: of a relay with a development certificate; leave it out with a real one. */
  static async join(url: string, name: string, hash?: string): Promise<Match> {
    const options = hash === undefined ? {} : { serverCertificateHashes: [hash] };
    return new Match(await connect(url, options), name);
  }

  publish(actor: UE.Actor): void {
    this.parts.push(new PosePublisher(this.client, this.name, actor.GetName(), actor));
  }

  /** Joins the arena as a player of this name. */
  play(name: string, steer: () => Stick): void {
    this.parts.push(new Player(this.client, this.name, name, steer));
  }

  watch(spawn: (id: number) => UE.Actor, say: (text: string) => void): void {
    this.parts.push(new Spectator(this.client, this.name, spawn));
    this.parts.push(
      new MatchEvents(this.client, this.name, (event) => {
        if (event.kind === "goal") say(`Goal! ${event.score[0]} : ${event.score[1]}`);
        else say(`${event.player} ${event.kind}`);
      }),
    );
  }

  /** Once a frame, from one actor's tick: takes what arrived, then lets every part use it. */
  tick(deltaSeconds: number): void {
    tick();
    for (const part of this.parts) part.tick(deltaSeconds);
  }

  async leave(): Promise<void> {
    for (const part of this.parts.splice(0)) await part.stop();
    await this.client.close();
  }
}
