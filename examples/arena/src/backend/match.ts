import type { Client } from "@moq-game/node-native";
import { TICK_RATE } from "../shared/tracks.js";
import { Players } from "./players.js";
import { MatchPublisher } from "./publisher.js";
import { World } from "./world.js";

/** Crates, barrels and the ball; players come on top. */
const SCENERY = 24;
/** After a pause (debugger, suspended laptop) the match goes on instead of catching up. */
const MAX_CATCH_UP_TICKS = 10;

/** The authoritative match: inputs in, sixty updates a second out. */
export class Match {
  readonly players: Players;
  readonly publisher: MatchPublisher;
  private timer: NodeJS.Timeout | undefined;
  private nextTickAt = 0;
  /** Ticks skipped because the process was paused. */
  skipped = 0;

  private constructor(
    client: Client,
    name: string,
    readonly world: World,
  ) {
    this.publisher = new MatchPublisher(client, name);
    this.players = new Players(client, name, {
      joined: (player) => {
        const team = world.join(player);
        if (team !== undefined) this.publisher.event({ kind: "joined", player, team });
      },
      left: (player) => {
        const team = world.leave(player);
        if (team !== undefined) this.publisher.event({ kind: "left", player, team });
      },
      input: (player, input) => world.steer(player, input),
    });
  }

  static async start(client: Client, name: string): Promise<Match> {
    const match = new Match(client, name, await World.create(SCENERY));
    await match.publisher.ready();
    match.players.follow().catch((error: unknown) => {
      console.error("players can no longer join:", error);
    });
    match.nextTickAt = performance.now();
    match.schedule();
    return match;
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.publisher.end();
  }

  private schedule(): void {
    const wait = Math.max(0, this.nextTickAt - performance.now());
    this.timer = setTimeout(() => this.run(), wait);
  }

  private run(): void {
    const now = performance.now();
    const interval = 1000 / TICK_RATE;
    const due = Math.floor((now - this.nextTickAt) / interval) + 1;
    if (due > MAX_CATCH_UP_TICKS) {
      this.skipped += due - 1;
      this.nextTickAt = now;
    }
    while (this.nextTickAt <= now) {
      this.nextTickAt += interval;
      this.tick();
    }
    this.schedule();
  }

  private tick(): void {
    this.players.drain();
    const scored = this.world.step();
    this.publisher.tick(this.world);
    if (scored !== undefined) {
      const [left, right] = this.world.score;
      this.publisher.event({ kind: "goal", team: scored, score: [left, right] });
    }
  }
}
