/** The samples of the project that `npm run stage-unreal` makes: they compile, and watch a match over a real relay. */
import { join } from "node:path";
import { type Client, connect, type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repository } from "./content.js";
import { Actor, StagedProject } from "./staged.js";

let project: StagedProject;
let relay: Relay;
let client: Client;

beforeAll(async () => {
  project = await StagedProject.make();
  relay = await startRelay();
  client = await connect(relay.url, { serverCertificateHashes: [relay.certificateHash] });
}, 60_000);

afterAll(async () => {
  await client?.close();
  await relay?.close();
  project?.remove();
});

it("compiles its samples with the TypeScript of Puerts' editor plugin", { timeout: 60_000 }, () => {
  project.compile();
});

it("shows the arena's bodies and tells what happens there", { timeout: 60_000 }, async () => {
  const actors = new Map<number, Actor>();
  const spawn = (id: number): Actor => {
    const actor = new Actor();
    actors.set(id, actor);
    return actor;
  };
  const { Spectator } = project.scripts.require("spectator.js") as {
    Spectator: new (
      client: Client,
      match: string,
      spawn: unknown,
    ) => { tick(): void; stop(): void };
  };
  const { MatchEvents } = project.scripts.require("match-events.js") as {
    MatchEvents: new (
      client: Client,
      match: string,
      hear: (event: unknown) => void,
    ) => { tick(): void; stop(): void };
  };
  const arena = join(repository, "examples", "arena", "src", "shared", "codec.ts");
  const { encode, encodeEvent } = (await import(/* @vite-ignore */ arena)) as {
    encode(update: unknown): Uint8Array;
    encodeEvent(event: unknown): Uint8Array;
  };

  const poses = client.publish(["arena/test", "poses"], { delivery: "latest" });
  const events = client.publish(["arena/test", "events"], { delivery: "reliable" });
  // As the arena's backend begins: one group for all events.
  events.keyframe(new Uint8Array(0));
  await Promise.all([poses.ready, events.ready]);
  const heard: unknown[] = [];
  const spectator = new Spectator(client, "test", spawn);
  const listener = new MatchEvents(client, "test", (event) => heard.push(event));
  const goal = { kind: "goal", team: 1, score: [2, 1] };
  const until = Date.now() + 40_000;
  while (Date.now() < until && (heard.length === 0 || actors.size < 2)) {
    const bodies = [
      { id: 7, x: 16, y: 9, angle: 1 },
      { id: 9, x: 1.5, y: 2, angle: 0 },
    ];
    poses.send(encode({ type: "poses", tick: 1, time: 1, poses: bodies }));
    if (events.subscribers > 0 && heard.length === 0) events.send(encodeEvent(goal));
    spectator.tick();
    listener.tick();
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  expect(heard[0]).toEqual(goal);
  expect(actors.get(7)?.place?.X).toBeCloseTo(1600, 0);
  expect(actors.get(7)?.place?.Y).toBeCloseTo(900, 0);
  expect(actors.get(9)?.place?.X).toBeCloseTo(150, 0);
  spectator.stop();
  listener.stop();
});
