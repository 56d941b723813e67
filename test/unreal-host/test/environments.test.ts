/** Script environments that come and go in one process while data flows, as when a game is played again and again. */
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { createContext, runInContext, runInNewContext } from "node:vm";
import { type Client, connect as connectNode, type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BUNDLE, puertsHost, type Unreal } from "../src/index.js";

let relay: Relay;
let server: Client;
let flow: NodeJS.Timeout;

beforeAll(async () => {
  relay = await startRelay();
  server = await connectNode(relay.memoryUrl);
  const track = server.publish(["environments", "flow"], { delivery: "latest" });
  await track.ready;
  flow = setInterval(() => {
    for (let i = 0; i < 10; i++) track.send(new Uint8Array(100).fill(i));
  }, 2);
});
afterAll(async () => {
  clearInterval(flow);
  await server?.close();
  await relay?.close();
});

/** An environment with timers of its own, which end with it. */
class Environment {
  readonly unreal: Unreal;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor() {
    const kept = (timer: NodeJS.Timeout) => {
      this.#timers.add(timer);
      return timer;
    };
    const context = createContext({
      console: { error: console.error },
      setTimeout: (run: () => void, ms: number) => kept(setTimeout(run, ms)),
      setInterval: (run: () => void, ms: number) => kept(setInterval(run, ms)),
      clearTimeout,
      clearInterval,
    });
    const module = { exports: {} };
    const code = `(function (exports, require, module) {${readFileSync(BUNDLE, "utf8")}\n})`;
    runInContext(code, context)(module.exports, () => puertsHost().cpp, module);
    this.unreal = module.exports as Unreal;
  }

  destroy(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** Sees data flow, and leaves everything as it is. */
async function live(): Promise<void> {
  const environment = new Environment();
  const client = await environment.unreal.connect(relay.url.replace(/^https:/, "moqt:"), {
    serverCertificateHashes: [relay.certificateHash],
  });
  const subscription = client.subscribe(["environments", "flow"], { wait: 30_000 });
  let objects = 0;
  const end = Date.now() + 30_000;
  while (objects < 20 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    environment.unreal.tick();
    objects += subscription.drain(() => {}).objects;
  }
  expect(objects).toBeGreaterThanOrEqual(20);
  environment.destroy();
}

it("leave nothing behind when they are destroyed while data flows, twenty times", async () => {
  const sessions = (): number => (relay.stats() as { sessions: { open: number } }).sessions.open;
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  expect(sessions()).toBe(1);
  for (let round = 0; round < 20; round++) {
    await live();
    // Between ticks of those that live, too.
    collect();
  }
  const end = Date.now() + 30_000;
  while (sessions() > 1 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  expect(sessions()).toBe(1);
});
