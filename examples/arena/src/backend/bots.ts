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

  /** The two of a team nearest to the ball push it at the other goal; the others keep their place. */
  private act(): void {
    const players: { name: string; team: Team; pose: Pose }[] = [];
    let ball: Pose | undefined;
    for (const body of this.bodies.values()) {
      const pose = this.poses.get(body.id);
      if (pose === undefined) continue;
      if (body.kind === "ball") ball = pose;
      if (body.kind === "player") players.push({ name: body.name, team: body.team, pose });
    }
    const me = players.find((player) => player.name === this.name);
    if (me === undefined || ball === undefined) {
      this.send(0, 0, false);
      return;
    }
    const { x, y } = ball;
    const team = players
      .filter((player) => player.team === me.team)
      .sort((a, b) => distance(a.pose, { x, y }) - distance(b.pose, { x, y }));
    const rank = team.indexOf(me);
    const goal = { x: me.team === 0 ? FIELD.width + 1 : -1, y: FIELD.height / 2 };
    const own = { x: FIELD.width - goal.x, y: goal.y };
    const away = distance(goal, { x, y }) || 1;
    const behind = { x: x - ((goal.x - x) / away) * 1.4, y: y - ((goal.y - y) / away) * 1.4 };
    const ready = distance(behind, me.pose) < 1;
    // A place of one's own between the ball and the own goal, spread across the field.
    const lane = ((rank % 3) - 1) * 4.5;
    const back = 0.3 + 0.15 * (rank - 2);
    const place = {
      x: x + (own.x - x) * back,
      y: FIELD.height / 2 + lane + (y - FIELD.height / 2) * 0.3,
    };
    const target = rank < 2 ? (ready ? ball : behind) : place;
    this.wander += (this.random() - 0.5) * 0.5;
    const reach = distance(target, me.pose);
    const pace = rank < 2 ? 1 : Math.min(0.7, reach / 3);
    const angle =
      Math.atan2(target.y - me.pose.y, target.x - me.pose.x) + Math.sin(this.wander) * 0.4;
    this.send(
      Math.cos(angle) * pace,
      Math.sin(angle) * pace,
      rank < 2 && ready && this.random() < 0.06,
    );
  }

  private send(x: number, y: number, dash: boolean): void {
    this.sequence += 1;
    this.input.send(encode({ type: "input", sequence: this.sequence, x, y, dash }));
  }
}

function distance(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
