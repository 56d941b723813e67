/** What a game's tick costs: one native call whatever there is to read, and no more time than it is given. */
import { type Client, connect as connectNode, type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUNDLE, puertsHost, runModule, type Unreal } from "../src/index.js";

type Bridge = Record<string, (...args: unknown[]) => unknown>;

let relay: Relay;
let server: Client;
/** Names of the native functions that were called. */
let calls: string[] = [];
/** The package over a bridge that counts what is called; a script environment of its own. */
let script: Unreal;

beforeAll(async () => {
  relay = await startRelay();
  server = await connectNode(relay.memoryUrl);
  const real = puertsHost().cpp.MoqBridge as new () => Bridge;
  /** Everything is the real bridge's. */
  function Counting(): Bridge {
    const bridge = new real();
    return new Proxy(bridge, {
      get: (target, name: string) => {
        const native = target[name];
        return (...args: unknown[]) => {
          calls.push(name);
          return native?.apply(target, args);
        };
      },
    });
  }
  script = runModule(BUNDLE, () => ({ MoqBridge: Counting })) as Unreal;
});

afterAll(async () => {
  await server?.close();
  await relay?.close();
});

const connect = (): Promise<Client> =>
  script.connect(relay.url.replace(/^https:/, "moqt:"), {
    serverCertificateHashes: [relay.certificateHash],
  });

const pause = new Int32Array(new SharedArrayBuffer(4));
/** Lets the library's threads work, and no timer of the script. */
const stand = (ms: number): unknown => Atomics.wait(pause, 0, 0, ms);

/** Stands until so many objects wait in the library for clients that nobody polls. */
function arrived(clients: readonly Client[], objects: number): void {
  const waiting = (): number => {
    const all = clients.flatMap((client) => client.stats().subscriptions);
    return all.reduce((sum, { queuedObjects }) => sum + queuedObjects, 0);
  };
  for (let i = 0; i < 2_000 && waiting() < objects; i++) stand(10);
  expect(waiting()).toBe(objects);
}

/**
 * A client with an object waiting on each of `count` tracks. From `start` on, until what it gives is called, the listener
 * of each takes 5 ms and then `visit`, which may take the objects.
 */
async function slowListeners(name: string, count: number, visit: (take: () => number) => void) {
  const client = await connect();
  const names = Array.from({ length: count }, (_, i) => [name, `track ${i}`] as const);
  const published = names.map((track) => server.publish(track, { delivery: "reliable" }));
  let running = false;
  const subscriptions = names.map((track) => {
    const subscription = client.subscribe(track, { wait: 30_000 });
    subscription.onReadable(() => {
      if (!running) return;
      const until = Date.now() + 5;
      while (Date.now() < until) {}
      visit(() => subscription.drain(() => {}).objects);
    });
    return subscription;
  });
  await Promise.all([...published, ...subscriptions].map(({ ready }) => ready));
  for (const track of published) track.keyframe(Uint8Array.of(1));
  await null;
  arrived([client], names.length);
  const start = () => {
    running = true;
    return () => {
      running = false;
    };
  };
  return { client, names, published, start };
}

describe("a tick", () => {
  it("is one native call, whatever the number of tracks", async () => {
    const TRACKS = 200;
    const client = await connect();
    const names = Array.from({ length: TRACKS }, (_, i) => ["ticks", `track ${i}`] as const);
    const published = names.map((name) => server.publish(name, { delivery: "latest" }));
    const subscriptions = names.map((name) => client.subscribe(name, { wait: 30_000 }));
    await Promise.all([...published, ...subscriptions].map(({ ready }) => ready));
    let objects = 0;
    const all: string[] = [];
    for (let sent = 1; sent <= 20; sent++) {
      for (const track of published) track.send(Uint8Array.of(sent));
      await null;
      stand(20);
      calls = [];
      script.tick();
      for (const subscription of subscriptions) objects += subscription.drain(() => {}).objects;
      all.push(...calls);
    }
    // Reading included, and not even a clock is asked.
    expect(all).toEqual(Array.from({ length: 20 }, () => "PollInto"));
    expect(objects).toBeGreaterThan(TRACKS);
    await client.close();
    // Without clients: none.
    calls = [];
    script.tick();
    expect(calls).toEqual([]);
    for (const track of published) void track.end();
  });

  it("ends at its budget; the next ones go on, and nothing is lost", async () => {
    const COUNT = 20;
    const clients = [await connect(), await connect()];
    const names = Array.from({ length: COUNT }, (_, i) => ["budget", `track ${i}`] as const);
    const published = names.map((name) => server.publish(name, { delivery: "reliable" }));
    const heard: string[] = [];
    let running = false;
    const subscriptions = clients.flatMap((client, at) =>
      names.map((name) => {
        const subscription = client.subscribe(name, { wait: 30_000 });
        subscription.onReadable(() => {
          if (!running) return;
          // A listener that takes its time.
          const until = Date.now() + 5;
          while (Date.now() < until) {}
          if (subscription.drain(() => {}).objects > 0) heard.push(`${at} ${name[1]}`);
        });
        return subscription;
      }),
    );
    await Promise.all([...published, ...subscriptions].map(({ ready }) => ready));
    for (const track of published) track.keyframe(Uint8Array.of(1));
    await null;
    arrived(clients, 2 * COUNT);
    running = true;
    const before = script.tickStats();
    expect(script.tick({ budgetMs: 12 })).toBe(true);
    // All of them together take 200 ms.
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.length).toBeLessThan(COUNT);
    let ticks = 1;
    const end = Date.now() + 20_000;
    const clientsHeard = new Set(heard.map((each) => each[0]));
    while (heard.length < 2 * COUNT && Date.now() < end) {
      if (ticks === 2) for (const each of heard) clientsHeard.add(each[0]);
      script.tick({ budgetMs: 12 });
      ticks += 1;
    }
    expect(heard.length).toBe(2 * COUNT);
    expect(new Set(heard).size).toBe(2 * COUNT);
    // The second client does not wait until the first has nothing more.
    expect([...clientsHeard].sort()).toEqual(["0", "1"]);
    const after = script.tickStats();
    expect(after.ticks - before.ticks).toBe(ticks);
    expect(after.ticksOverBudget).toBeGreaterThan(before.ticksOverBudget + 2);
    expect(after.longestTick).toBeGreaterThanOrEqual(5);
    expect(after.timeInTicks).toBeGreaterThan(after.longestTick);
    await Promise.all(clients.map((client) => client.close()));
  });

  it("that a listener makes does nothing, and the one that runs keeps its budget", async () => {
    let [heard, nested] = [0, 0];
    const { client, names, published, start } = await slowListeners("nested", 12, (objects) => {
      if (script.tick()) nested += 1;
      heard += objects();
    });
    const stop = start();
    const { ticks } = script.tickStats();
    // All listeners together take 60 ms.
    expect(script.tick({ budgetMs: 12 })).toBe(true);
    expect(heard).toBeGreaterThan(0);
    expect(heard).toBeLessThan(names.length);
    expect(nested).toBe(0);
    expect(script.tickStats().ticks - ticks).toBe(1);
    stop();
    await client.close();
    for (const track of published) void track.end();
  });

  it("that is the last one leaves the rest to the timer", async () => {
    let heard = 0;
    const { client, names, published, start } = await slowListeners("rest", 8, (objects) => {
      heard += objects();
    });
    start();
    expect(script.tick({ budgetMs: 12 })).toBe(true);
    expect(heard).toBeLessThan(names.length);
    await expect.poll(() => heard, { timeout: 20_000 }).toBe(names.length);
    await client.close();
    for (const track of published) void track.end();
  });

  it("may close its client and connect again in a listener", async () => {
    const client = await connect();
    const track = server.publish(["nested", "close"], { delivery: "reliable" });
    const subscription = client.subscribe(["nested", "close"], { wait: 30_000 });
    await Promise.all([track.ready, subscription.ready]);
    let again: Promise<Client> | undefined;
    let visited = 0;
    track.keyframe(Uint8Array.of(1));
    for (let i = 2; i < 20; i++) track.send(Uint8Array.of(i));
    const end = Date.now() + 20_000;
    while (again === undefined && Date.now() < end) {
      await new Promise((done) => setTimeout(done, 5));
      script.tick();
      subscription.drain(({ bytes }) => {
        visited += 1;
        if (again !== undefined) return;
        void client.close();
        script.tick();
        again = connect();
        // Still its own, and readable.
        expect(bytes.length).toBe(1);
      });
    }
    expect(visited).toBe(1);
    expect(client.state).toBe("closed");
    const other = await again;
    expect(other?.state).toBe("open");
    await other?.close();
    void track.end();
  });

  it("refuses a budget that is none", () => {
    for (const budgetMs of [0, -1, Number.NaN, "5", null]) {
      expect(() => script.tick({ budgetMs } as never)).toThrow("budgetMs");
    }
    for (const options of [5, null, "x", { budgetMS: 5 }, () => 5, [5]]) {
      expect(() => script.tick(options as never), String(options)).toThrow("tick");
    }
    expect(script.tick({})).toBe(false);
  });
});
