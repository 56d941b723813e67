/** The project that `npm run stage-unreal` makes: its samples compile, and watch a match over a real relay. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect, type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stage } from "../../../tools/stage-unreal.mjs";
import { repository } from "./content.js";

const folder = mkdtempSync(join(tmpdir(), "moq-game-project-"));
const project = join(folder, "project");
const scripts = join(project, "Content", "JavaScript");
const require = createRequire(import.meta.url);
let relay: Relay;
let client: Client;

beforeAll(async () => {
  const staged = await stage({ to: project, libraries: {} });
  expect(staged.scripts).toBe(true);
  expect(staged.plugins).toEqual(["Moq", "MoqPuerts"]);
  relay = await startRelay();
  client = await connect(relay.url, { serverCertificateHashes: [relay.certificateHash] });
}, 60_000);

afterAll(async () => {
  await client?.close();
  await relay?.close();
  rmSync(folder, { recursive: true, force: true });
});

it("compiles its samples with the TypeScript of Puerts' editor plugin", { timeout: 60_000 }, () => {
  // What Puerts generates in the editor.
  mkdirSync(join(project, "Typing"));
  copyFileSync(
    join(repository, "test", "unreal-host", "sample", "ue.d.ts"),
    join(project, "Typing", "ue.d.ts"),
  );
  const tsc = require.resolve("typescript-4.7/lib/tsc.js");
  try {
    execFileSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
});

it("shows the arena's bodies and tells what happens there", { timeout: 60_000 }, async () => {
  // The engine's classes, as far as the samples make some.
  const engine = `exports.Vector = class { constructor(X, Y, Z) { Object.assign(this, { X, Y, Z }); } };
    exports.Rotator = class { constructor(Pitch, Yaw, Roll) { Object.assign(this, { Pitch, Yaw, Roll }); } };`;
  writeFileSync(join(scripts, "ue.js"), engine);
  writeFileSync(join(scripts, "puerts.js"), "exports.$ref = () => ({});");
  for (const name of ["ue", "puerts"]) {
    mkdirSync(join(scripts, "node_modules", name));
    writeFileSync(
      join(scripts, "node_modules", name, "index.js"),
      `module.exports = require("../../${name}.js");`,
    );
  }
  interface Moved {
    X: number;
    Y: number;
  }
  const places = new Map<number, Moved>();
  const spawn = (id: number) => ({
    K2_SetActorLocationAndRotation: (location: Moved) => places.set(id, location),
  });
  const { Spectator } = require(join(scripts, "spectator.js")) as {
    Spectator: new (
      client: Client,
      match: string,
      spawn: unknown,
    ) => { tick(): void; stop(): void };
  };
  const { MatchEvents } = require(join(scripts, "match-events.js")) as {
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
  await Promise.all([poses.ready, events.ready]);
  const heard: unknown[] = [];
  const spectator = new Spectator(client, "test", spawn);
  const listener = new MatchEvents(client, "test", (event) => heard.push(event));
  const goal = { kind: "goal", team: 1, score: [2, 1] };
  const until = Date.now() + 20_000;
  while (Date.now() < until && (heard.length === 0 || places.size < 2)) {
    const bodies = [
      { id: 7, x: 16, y: 9, angle: 1 },
      { id: 9, x: 1.5, y: 2, angle: 0 },
    ];
    poses.send(encode({ type: "poses", tick: 1, time: 1, poses: bodies }));
    if (events.subscribers > 0 && heard.length === 0) events.keyframe(encodeEvent(goal));
    spectator.tick();
    listener.tick();
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  expect(heard[0]).toEqual(goal);
  expect(places.get(7)?.X).toBeCloseTo(1600, 0);
  expect(places.get(7)?.Y).toBeCloseTo(900, 0);
  expect(places.get(9)?.X).toBeCloseTo(150, 0);
  spectator.stop();
  listener.stop();
});
