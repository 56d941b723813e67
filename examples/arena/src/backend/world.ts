import RAPIER from "@dimforge/rapier2d-compat";
import {
  type Body,
  type BodyKind,
  FIELD,
  type Input,
  MAX_BODIES,
  type Pose,
  type Team,
} from "../shared/codec.js";
import { TICK_RATE } from "../shared/tracks.js";

const FORM: Record<BodyKind, { size: number; density: number; damping: number }> = {
  player: { size: 0.55, density: 1.4, damping: 2.2 },
  ball: { size: 0.8, density: 0.35, damping: 0.5 },
  crate: { size: 0.6, density: 0.7, damping: 2.5 },
  barrel: { size: 0.5, density: 0.9, damping: 1.6 },
};
/** Newtons per unit of stick. */
const THRUST = 38;
/** Newton seconds. */
const DASH_IMPULSE = 9;
const DASH_PAUSE_TICKS = TICK_RATE;
/** A ball that stays this near to one place for so long is thrown in at the centre. */
const STUCK_RADIUS = 2;
const STUCK_TICKS = TICK_RATE * 5;

interface Thing {
  readonly id: number;
  readonly kind: BodyKind;
  readonly team: Team;
  readonly name: string;
  readonly size: number;
  readonly rigid: RAPIER.RigidBody;
}

interface Player extends Thing {
  stick: { x: number; y: number; dash: boolean };
  dashReadyAt: number;
}

/** The authoritative simulation: top-down, walls around, a goal at either end. */
export class World {
  readonly score: [number, number] = [0, 0];
  tick = 0;
  private readonly physics: RAPIER.World;
  private readonly things = new Map<number, Thing>();
  private readonly players = new Map<string, Player>();
  private readonly random: () => number;
  private ballSeen = { x: 0, y: 0, tick: 0 };

  private constructor(seed: number) {
    this.random = generator(seed);
    this.physics = new RAPIER.World({ x: 0, y: 0 });
    this.physics.timestep = 1 / TICK_RATE;
    this.buildWalls();
  }

  /** `bodies` counts everything but players; one of them is the ball. */
  static async create(bodies: number, seed = 1): Promise<World> {
    await RAPIER.init();
    const world = new World(seed);
    world.add("ball", 2, "", FIELD.width / 2, FIELD.height / 2);
    for (let i = 1; i < bodies; i++) {
      const place = world.freePlace(2);
      world.add(i % 5 < 3 ? "crate" : "barrel", 2, "", place.x, place.y);
    }
    return world;
  }

  get bodyCount(): number {
    return this.things.size;
  }

  /** Puts a player on the smaller team. Undefined when the arena is full. */
  join(name: string): Team | undefined {
    if (this.things.size >= MAX_BODIES || this.players.has(name)) return undefined;
    const left = [...this.players.values()].filter((player) => player.team === 0).length;
    const team: Team = left * 2 <= this.players.size ? 0 : 1;
    const place = this.freePlace(team);
    const thing = this.add("player", team, name, place.x, place.y);
    const player = { ...thing, stick: { x: 0, y: 0, dash: false }, dashReadyAt: 0 };
    this.players.set(name, player);
    return team;
  }

  leave(name: string): Team | undefined {
    const player = this.players.get(name);
    if (player === undefined) return undefined;
    this.players.delete(name);
    this.things.delete(player.id);
    this.physics.removeRigidBody(player.rigid);
    return player.team;
  }

  /** The last input stays in force until the next. */
  steer(name: string, input: Input): void {
    const player = this.players.get(name);
    if (player === undefined) return;
    const length = Math.hypot(input.x, input.y);
    const scale = length > 1 ? 1 / length : 1;
    player.stick = { x: input.x * scale, y: input.y * scale, dash: input.dash };
  }

  /** One tick. Returns the team that scored, if one did. */
  step(): 0 | 1 | undefined {
    this.tick += 1;
    for (const player of this.players.values()) this.push(player);
    this.physics.step();
    return this.goal();
  }

  bodies(): Body[] {
    return [...this.things.values()].map((thing) => ({
      ...poseOf(thing),
      kind: thing.kind,
      team: thing.team,
      size: thing.size,
      name: thing.name,
    }));
  }

  poses(): Pose[] {
    return [...this.things.values()].map(poseOf);
  }

  private push(player: Player): void {
    const { x, y, dash } = player.stick;
    player.rigid.resetForces(true);
    if (x !== 0 || y !== 0) player.rigid.addForce({ x: x * THRUST, y: y * THRUST }, true);
    if (dash && this.tick >= player.dashReadyAt) {
      player.dashReadyAt = this.tick + DASH_PAUSE_TICKS;
      player.rigid.applyImpulse({ x: x * DASH_IMPULSE, y: y * DASH_IMPULSE }, true);
    }
  }

  private goal(): 0 | 1 | undefined {
    const ball = [...this.things.values()].find((thing) => thing.kind === "ball");
    if (ball === undefined) return undefined;
    const { x, y } = ball.rigid.translation();
    if (x > 0 && x < FIELD.width) {
      this.freeBall(ball, x, y);
      return undefined;
    }
    const team = x <= 0 ? 1 : 0;
    // One byte on the wire: a long match starts again at nil.
    this.score[team] = (this.score[team] + 1) % 100;
    this.kickOff(ball);
    return team;
  }

  private freeBall(ball: Thing, x: number, y: number): void {
    if (Math.hypot(x - this.ballSeen.x, y - this.ballSeen.y) > STUCK_RADIUS) {
      this.ballSeen = { x, y, tick: this.tick };
    } else if (this.tick - this.ballSeen.tick > STUCK_TICKS) {
      this.kickOff(ball);
    }
  }

  private kickOff(ball: Thing): void {
    const [x, y] = [FIELD.width / 2, FIELD.height / 2];
    ball.rigid.setTranslation({ x, y }, true);
    ball.rigid.setLinvel({ x: (this.random() - 0.5) * 8, y: (this.random() - 0.5) * 8 }, true);
    this.ballSeen = { x, y, tick: this.tick };
  }

  private add(kind: BodyKind, team: Team, name: string, x: number, y: number): Thing {
    const form = FORM[kind];
    const rigid = this.physics.createRigidBody(
      RAPIER.RigidBodyDesc.dynamic()
        .setTranslation(x, y)
        .setRotation(kind === "crate" ? this.random() * 6 : 0)
        .setLinearDamping(form.damping)
        .setAngularDamping(form.damping)
        .setCcdEnabled(kind === "ball"),
    );
    const shape =
      kind === "crate"
        ? RAPIER.ColliderDesc.cuboid(form.size, form.size)
        : RAPIER.ColliderDesc.ball(form.size);
    this.physics.createCollider(
      shape.setDensity(form.density).setRestitution(0.7).setFriction(0.3),
      rigid,
    );
    let id = 0;
    while (this.things.has(id)) id += 1;
    const thing = { id, kind, team, name, size: form.size, rigid };
    this.things.set(id, thing);
    return thing;
  }

  /** Somewhere in the team's half (anywhere for neither) that nothing stands on. */
  private freePlace(team: Team): { x: number; y: number } {
    for (let attempt = 0; ; attempt++) {
      const span = team === 2 ? FIELD.width - 6 : FIELD.width / 2 - 4;
      const x = 3 + this.random() * span + (team === 1 ? FIELD.width / 2 - 2 : 0);
      const y = 2 + this.random() * (FIELD.height - 4);
      const near = [...this.things.values()].some((thing) => {
        const at = thing.rigid.translation();
        return Math.hypot(at.x - x, at.y - y) < 1.8;
      });
      if (!near || attempt > 60) return { x, y };
    }
  }

  private buildWalls(): void {
    const { width, height, goal } = FIELD;
    const post = (height - goal) / 4;
    const walls: [x: number, y: number, halfWidth: number, halfHeight: number][] = [
      [width / 2, -1, width / 2 + 4, 1],
      [width / 2, height + 1, width / 2 + 4, 1],
      // Behind the goals, so that nothing but the ball's centre ever crosses the line for long.
      [-3, height / 2, 1, height],
      [width + 3, height / 2, 1, height],
    ];
    for (const x of [-1, width + 1]) {
      walls.push([x, post, 1, post], [x, height - post, 1, post]);
    }
    for (const [x, y, halfWidth, halfHeight] of walls) {
      this.physics.createCollider(
        RAPIER.ColliderDesc.cuboid(halfWidth, halfHeight).setTranslation(x, y).setRestitution(0.8),
      );
    }
  }
}

function poseOf(thing: Thing): Pose {
  const { x, y } = thing.rigid.translation();
  return { id: thing.id, x, y, angle: thing.rigid.rotation() };
}

/** A small seeded generator (mulberry32), so that a match can be repeated. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
