import { type Client, type ConnectOptions, connect, type Publication } from "@moq-game/node-native";
import { type Body, decode, encode, FIELD, type Pose, type Team } from "../shared/codec.js";
import {
  INPUT_TRACK,
  matchNamespace,
  POSES_TRACK,
  playerNamespace,
  WORLD_TRACK,
} from "../shared/tracks.js";
import { generator } from "./world.js";

/** Inputs per second of each bot. */
const INPUT_RATE = 30;

/** A computer player: a client of its own, which sees and sends only what a person's page does. */
export class Bot {
  private readonly input: Publication;
  private readonly timer: NodeJS.Timeout;
  private readonly random: () => number;
  private bodies = new Map<number, Body>();
  private poses = new Map<number, Pose>();
  private sequence = 0;
  private wander = 0;

  private constructor(
    private readonly client: Client,
    match: string,
    private readonly name: string,
    seed: number,
  ) {
    this.random = generator(seed);
    this.input = client.publish([playerNamespace(match, name), INPUT_TRACK], {
      delivery: "datagram",
      priority: 5,
    });
    const world = client.subscribe([matchNamespace(match), WORLD_TRACK], { wait: 10_000 });
    world.onReadable(() => {
      world.drain((object) => this.learn(object.bytes));
    });
    const poses = client.subscribe([matchNamespace(match), POSES_TRACK], { wait: 10_000 });
    poses.onReadable(() => {
      poses.drain((object) => this.learn(object.bytes));
    });
    this.timer = setInterval(() => this.act(), 1000 / INPUT_RATE);
  }

  static async start(
    url: string,
    options: ConnectOptions,
    match: string,
    name: string,
    seed: number,
  ): Promise<Bot> {
    return new Bot(await connect(url, options), match, name, seed);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.client.close();
  }

  private learn(bytes: Uint8Array): void {
    const update = decode(bytes);
    switch (update.type) {
      case "keyframe":
        this.bodies = new Map(update.bodies.map((body) => [body.id, body]));
        break;
      case "delta":
        for (const id of update.removed) this.bodies.delete(id);
        for (const body of update.added) this.bodies.set(body.id, body);
        break;
      case "poses":
        this.poses = new Map(update.poses.map((pose) => [pose.id, pose]));
        break;
      case "input":
        break;
    }
  }

  /** Gets behind the ball and pushes it at the other side's goal. */
  private act(): void {
    const find = (wanted: (body: Body) => boolean): Pose | undefined => {
      for (const body of this.bodies.values()) if (wanted(body)) return this.poses.get(body.id);
      return undefined;
    };
    let team = 2 as Team;
    const me = find((body) => {
      if (body.kind !== "player" || body.name !== this.name) return false;
      team = body.team;
      return true;
    });
    const ball = find((body) => body.kind === "ball");
    if (me === undefined || ball === undefined) {
      this.send(0, 0, false);
      return;
    }
    const goal = { x: team === 0 ? FIELD.width + 1 : -1, y: FIELD.height / 2 };
    const away = Math.hypot(goal.x - ball.x, goal.y - ball.y) || 1;
    const behind = {
      x: ball.x - ((goal.x - ball.x) / away) * 1.3,
      y: ball.y - ((goal.y - ball.y) / away) * 1.3,
    };
    const ready = Math.hypot(behind.x - me.x, behind.y - me.y) < 0.9;
    const target = ready ? ball : behind;
    this.wander += (this.random() - 0.5) * 0.5;
    const angle = Math.atan2(target.y - me.y, target.x - me.x) + Math.sin(this.wander) * 0.5;
    this.send(Math.cos(angle), Math.sin(angle), ready && this.random() < 0.05);
  }

  private send(x: number, y: number, dash: boolean): void {
    this.sequence += 1;
    this.input.send(encode({ type: "input", sequence: this.sequence, x, y, dash }));
  }
}
