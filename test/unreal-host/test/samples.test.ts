/**
 * Two games with the scripts of the staged project, as its README starts them: `main.js` with a game instance each. Each
 * publishes its pawn and shows the other's. The actors and game instances are stand-ins, the rest is real.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, connect, type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, expect, it } from "vitest";
import { puertsHost } from "../src/index.js";
import { repository } from "./content.js";
import { Loader } from "./loader.js";
import { type Place, Rotator, StagedProject, Vector } from "./staged.js";

const FRAME = 1 / 60;

/** As much of the engine's actor as the samples call. */
class Actor {
  place: Place = new Vector();
  yaw = 0;
  destroyed = false;
  K2_GetActorLocation(): Vector {
    return new Vector(this.place.X, this.place.Y, 20);
  }
  K2_GetActorRotation(): Rotator {
    return new Rotator(0, this.yaw, 0);
  }
  K2_SetActorLocationAndRotation(location: Place, rotation: Rotator): boolean {
    this.place = location;
    this.yaw = rotation.Yaw;
    return true;
  }
  K2_DestroyActor(): void {
    this.destroyed = true;
  }
}

/** A multicast delegate of Puerts. */
class Delegate<Args extends unknown[]> {
  readonly #bound: ((...args: Args) => void)[] = [];
  Add(listener: (...args: Args) => void): void {
    this.#bound.push(listener);
  }
  Broadcast(...args: Args): void {
    for (const listener of this.#bound) listener(...args);
  }
}

/** Source/MoqGame/MoqGameInstance.h, with a script environment of its own. */
class Game {
  readonly MatchName = "two";
  readonly OnFrame = new Delegate<[number]>();
  readonly OnGameEnd = new Delegate<[]>();
  readonly bodies: Actor[] = [];
  readonly pawn = new Actor();

  constructor(
    content: string,
    readonly RelayUrl: string,
    readonly RelayCertificateHash: string,
  ) {
    const scripts = new Loader(content, {
      cpp: () => puertsHost().cpp,
      ue: () => ({ Vector, Rotator, GameplayStatics: { GetPlayerPawn: () => this.pawn } }),
      puerts: () => ({ $ref: () => ({}), argv: { getByName: () => this } }),
    });
    scripts.require("main.js");
  }

  SpawnBody(): Actor {
    const body = new Actor();
    this.bodies.push(body);
    return body;
  }
}

let project: StagedProject;
let relay: Relay;
const games: Game[] = [];
let frames: ReturnType<typeof setInterval> | undefined;

/** The script of README.md, as it stands there. */
function scriptOfReadme(): string {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  const block = /<!-- run: unreal-script -->\n```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  if (block === undefined) throw new Error("README.md has no script for Unreal");
  return block;
}

beforeAll(async () => {
  project = await StagedProject.make();
  writeFileSync(join(project.project, "TypeScript", "from-readme.ts"), scriptOfReadme());
  project.compile();
  relay = await startRelay();
}, 60_000);

afterAll(async () => {
  clearInterval(frames);
  await relay?.close();
  project?.remove();
});

it("publishes the own pawn and shows that of the other game until it leaves", {
  timeout: 120_000,
}, async () => {
  const url = relay.url.replace(/^https:/, "moqt:");
  const start = () => new Game(project.scripts.root, url, relay.certificateHash);
  const one = start();
  const two = start();
  games.push(one, two);
  one.pawn.place = new Vector(100, 200);
  two.pawn.place = new Vector(-300, 50);
  two.pawn.yaw = 90;
  frames = setInterval(() => {
    for (const game of games) game.OnFrame.Broadcast(FRAME);
  }, FRAME * 1_000);

  const patience = { timeout: 40_000 };
  await expect.poll(() => one.bodies[0]?.place.X, patience).toBeCloseTo(-300, 1);
  await expect.poll(() => two.bodies[0]?.place.X, patience).toBeCloseTo(100, 1);
  expect(one.bodies[0]?.yaw).toBeCloseTo(90, 1);
  // It is followed when it moves.
  one.pawn.place = new Vector(500, 200);
  await expect.poll(() => two.bodies[0]?.place.X, patience).toBeCloseTo(500, 1);
  expect([one.bodies.length, two.bodies.length]).toEqual([1, 1]);

  one.OnGameEnd.Broadcast();
  await expect.poll(() => two.bodies[0]?.destroyed, patience).toBe(true);
  two.OnGameEnd.Broadcast();
  const sessions = () => (relay.stats() as { sessions: { open: number } }).sessions.open;
  await expect.poll(sessions, patience).toBe(0);
});

it("takes away the actors of bodies that have left the arena", { timeout: 60_000 }, async () => {
  const { Spectator } = project.scripts.require("spectator.js") as {
    Spectator: new (
      client: Client,
      match: string,
      spawn: (id: number) => Actor,
      remove: (actor: Actor) => void,
    ) => { tick(): void; stop(): void };
  };
  const codec = join(repository, "examples", "arena", "src", "shared", "codec.ts");
  const { encode } = (await import(/* @vite-ignore */ codec)) as {
    encode(update: unknown): Uint8Array;
  };
  const client = await connect(relay.memoryUrl);
  const poses = client.publish(["arena/leaving", "poses"], { delivery: "latest" });
  await poses.ready;
  const actors = new Map<number, Actor>();
  const spawn = (id: number) => {
    const actor = new Actor();
    actors.set(id, actor);
    return actor;
  };
  const spectator = new Spectator(client, "leaving", spawn, (actor) => actor.K2_DestroyActor());
  const update = (...ids: number[]) => {
    const bodies = ids.map((id) => ({ id, x: id, y: 2, angle: 0 }));
    poses.send(encode({ type: "poses", tick: 1, time: 1, poses: bodies }));
    spectator.tick();
  };
  const patience = { timeout: 40_000, interval: 15 };
  const afterUpdate = (ids: number[], look: () => unknown) =>
    expect.poll(() => {
      update(...ids);
      return look();
    }, patience);
  await afterUpdate([3, 5], () => actors.size).toBe(2);
  await afterUpdate([3], () => actors.get(5)?.destroyed).toBe(true);
  expect(actors.get(3)?.destroyed).toBe(false);
  spectator.stop();
  await client.close();
});

it("says what is missing when no relay is named, and starts all the same", () => {
  const said: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => said.push(text);
  try {
    const alone = new Game(project.scripts.root, "", "");
    alone.OnFrame.Broadcast(FRAME);
    alone.OnGameEnd.Broadcast();
  } finally {
    console.warn = warn;
  }
  expect(said.join(" ")).toMatch(/npm run demo.*RelayUrl and RelayCertificateHash/);
});

it("publishes the hero with the script of the README", { timeout: 60_000 }, async () => {
  const scripts = new Loader(project.scripts.root, { cpp: () => puertsHost().cpp });
  const { play } = scripts.require("from-readme.js") as {
    play(
      hero: Actor,
      url: string,
      hash: string,
    ): Promise<{ client: Client; frame(deltaSeconds: number): void; end(): Promise<void> }>;
  };
  const url = relay.url.replace(/^https:/, "moqt:");
  const game = await play(new Actor(), url, relay.certificateHash);
  const watching = await connect(relay.memoryUrl);
  const poses = watching.subscribe(["match/42/hero", "pose"], { wait: 40_000 });
  let bytes = 0;
  await expect
    .poll(
      () => {
        game.frame(FRAME);
        poses.drain((object) => {
          bytes = object.bytes.length;
        });
        return bytes;
      },
      { timeout: 40_000, interval: 15 },
    )
    .toBeGreaterThan(0);
  await game.end();
  expect(game.client.state).toBe("closed");
  await watching.close();
});
