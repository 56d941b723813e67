// A match that this game plays in or watches: puts the samples together.
import { type Client, connect, tick } from "@moq-game/unreal";
import type * as UE from "ue";
import type { Stick } from "./arena";
import { Follower } from "./follower";
import { MatchEvents } from "./match-events";
import { Player } from "./player";
import { PosePublisher } from "./pose-publisher";
import { poseNamespace } from "./poses";
import { Spectator } from "./spectator";

/** What every sample has. */
interface Part {
  tick(deltaSeconds: number): void;
  stop(): unknown;
}

export class Match {
  private readonly parts = new Set<Part>();

  private constructor(
    readonly client: Client,
    private readonly name: string,
  ) {}

  /** `hash`: of a relay with a development certificate; leave it out with a real one. Rejects with a MoqError. */
  static async join(url: string, name: string, hash?: string): Promise<Match> {
    const options = hash === undefined ? {} : { serverCertificateHashes: [hash] };
    return new Match(await connect(url, options), name);
  }

  /** Tells the others where an actor is; `as` is its name in the match. */
  publish(actor: UE.Actor, as: string): void {
    this.parts.add(new PosePublisher(this.client, this.name, as, actor));
  }

  /** Shows an actor for everybody who publishes but `self`, for as long as they do. Ends with the match. */
  async follow(
    self: string,
    spawn: () => UE.Actor,
    remove: (actor: UE.Actor) => void,
  ): Promise<void> {
    const others = new Map<string, { follower: Follower; actor: UE.Actor }>();
    const prefix = `${poseNamespace(this.name)}/`;
    for await (const change of this.client.discover(poseNamespace(this.name))) {
      const namespace = change.namespace.join("/");
      const other = namespace.slice(prefix.length);
      if (!namespace.startsWith(prefix) || other === self) continue;
      const known = others.get(other);
      if (change.kind === "added" && known === undefined) {
        const actor = spawn();
        const follower = new Follower(this.client, this.name, other, actor);
        others.set(other, { follower, actor });
        this.parts.add(follower);
      } else if (change.kind === "removed" && known !== undefined) {
        others.delete(other);
        this.parts.delete(known.follower);
        known.follower.stop();
        remove(known.actor);
      }
    }
  }

  /** Joins the arena as a player of this name. */
  play(name: string, steer: () => Stick): void {
    this.parts.add(new Player(this.client, this.name, name, steer));
  }

  /** Shows the arena's bodies, and says what happens there. */
  watch(
    spawn: (id: number) => UE.Actor,
    say: (text: string) => void,
    remove?: (actor: UE.Actor) => void,
  ): void {
    this.parts.add(new Spectator(this.client, this.name, spawn, remove));
    this.parts.add(
      new MatchEvents(this.client, this.name, (event) => {
        if (event.kind === "goal") say(`Goal! ${event.score[0]} : ${event.score[1]}`);
        else say(`${event.player} ${event.kind}`);
      }),
    );
  }

  /** Once a frame: takes what arrived, then lets every part use it. */
  tick(deltaSeconds: number): void {
    tick();
    for (const part of this.parts) part.tick(deltaSeconds);
  }

  /** Ends what is published, then the connection. Nothing comes after it. */
  async leave(): Promise<void> {
    const parts = [...this.parts];
    this.parts.clear();
    await Promise.all(parts.map((part) => part.stop()));
    await this.client.close();
  }
}
