import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { puertsHost, unreal } from "../src/index.js";

/** The native class as a script sees it that was given no types. */
type Loose = Record<string, (...args: unknown[]) => unknown>;

const bridge = (): Loose => new (puertsHost().cpp.MoqBridge)() as Loose;
const call = (target: Loose, name: string, ...args: unknown[]): unknown =>
  (target[name] as (...all: unknown[]) => unknown).apply(target, args);

describe("the binding in a Puerts host", () => {
  it("declares what the package expects", async () => {
    await expect(puertsHost().declaration()).toMatchFileSnapshot("./declaration.golden.txt");
    // The interface of the package names the same methods.
    const source = readFileSync(
      new URL("../../../packages/unreal/src/bridge.ts", import.meta.url),
      "utf8",
    );
    const wanted = (/export interface MoqBridge \{(.*?)\n\}/s.exec(source)?.[1] ?? "").match(
      /\b[A-Z]\w+(?=\()/g,
    );
    const declared = puertsHost()
      .declaration()
      .match(/\b[A-Z]\w+(?=\()/g);
    expect(wanted).toEqual(declared);
  });

  it("answers without a client", () => {
    const script = bridge();
    expect(JSON.parse(call(script, "About") as string)).toEqual({
      version: expect.stringMatching(/^\d+\.\d+/),
      abiVersion: 1,
      problem: "",
    });
    expect(call(script, "Now")).toBeGreaterThan(0);
    expect(call(script, "Open", 0, "client", "{}")).toBe(-1);
    expect(call(script, "LastError")).toContain("url");
  });

  /** Arguments that each function takes, of the right types. */
  const FITTING: Readonly<Record<string, readonly unknown[]>> = {
    About: [],
    LastError: [],
    Now: [],
    Open: [1, "publish", "{}"],
    Close: [1, 0],
    Update: [1, "{}"],
    Hold: [1, true],
    AnswerToken: [1, 1, new Uint8Array(1), ""],
    Publish: [1, 0, new Uint8Array(1)],
    Flush: [1],
    PollInto: [1, new Uint8Array(64), 0],
    Stats: [1],
  };
  /** What scripts hand over by mistake, and one of the right kind in a wrong place. */
  const WRONG: readonly unknown[] = [
    ...[undefined, null, 1n, Symbol("s"), {}, [1, 2], () => {}, new Date(0), new Map()],
    ...[1, "1", true, new Uint8Array(1), new ArrayBuffer(8)],
  ];
  /** For pesapi a whole buffer is bytes as well. */
  const isBytes = (value: unknown): boolean =>
    ArrayBuffer.isView(value) ||
    (process.env.MOQ_PUERTS_API === "pesapi" && value instanceof ArrayBuffer);
  const fits = (right: unknown, wrong: unknown): boolean =>
    typeof right === typeof wrong &&
    (typeof right !== "object" || isBytes(right) === isBytes(wrong));

  it("takes every function's arguments, and throws for one that is wrong or not there", () => {
    const declared = puertsHost()
      .declaration()
      .match(/\b[A-Z]\w+(?=\()/g);
    expect(Object.keys(FITTING)).toEqual(declared);
    const script = bridge();
    let refused = 0;
    for (const [name, args] of Object.entries(FITTING)) {
      expect(() => call(script, name, ...args), name).not.toThrow();
      for (let at = 0; at < args.length; at++) {
        expect(() => call(script, name, ...args.slice(0, at)), `${name} of ${at}`).toThrow(
          "invalid parameter",
        );
        for (const wrong of WRONG.filter((each) => !fits(args[at], each))) {
          const bent = args.map((right, i) => (i === at ? wrong : right));
          expect(() => call(script, name, ...bent), `${name}, ${at}: ${String(wrong)}`).toThrow(
            "invalid parameter",
          );
          refused += 1;
        }
      }
    }
    expect(refused).toBeGreaterThan(200);
  });

  it("survives any arguments of the right types, on a client that is open", () => {
    const script = bridge();
    const client = call(
      script,
      "Open",
      0,
      "client",
      '{"url":"moqt://127.0.0.1:1","connectTimeout":60000}',
    );
    expect(client).toBeGreaterThan(0);
    const gone = new Uint8Array(8);
    structuredClone(gone, { transfer: [gone.buffer] });
    const numbers = [client, 0, -1, 0.5, 7, 2 ** 32, 2 ** 53, 1e300, Number.NaN, -Infinity];
    const texts = [
      "",
      "{}",
      "{",
      "client",
      "publish",
      "status",
      "\0",
      "\ud800",
      "x".repeat(70_000),
    ];
    const bytes = [
      new Uint8Array(0),
      gone,
      new Uint8Array(3).subarray(1),
      new DataView(new ArrayBuffer(9)),
    ];
    // Seeded, so that it fails the same way again.
    let seed = 20_261_128;
    const pick = <T>(from: readonly T[]): T => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return from[(seed >>> 8) % from.length] as T;
    };
    const another = (right: unknown): unknown => {
      if (typeof right === "number") return pick(numbers);
      if (typeof right === "string") return pick(texts);
      return typeof right === "boolean" ? pick([true, false]) : pick(bytes);
    };
    let [failed, told] = [0, 0];
    for (let round = 0; round < 20_000; round++) {
      const name = pick(Object.keys(FITTING));
      const args = (FITTING[name] ?? []).map(another);
      // The client itself stays open.
      if (name === "Close" && args[0] === client) continue;
      const result = call(script, name, ...args);
      if (typeof result !== "number" || result >= 0) continue;
      failed += 1;
      if (result > -1_000 && call(script, "LastError") !== "") told += 1;
    }
    expect(failed).toBeGreaterThan(5_000);
    expect(told).toBe(failed);
    expect(call(script, "Close", client, -1)).toBe(0);
  });

  it("gives an error for handles that are none", () => {
    const script = bridge();
    for (const handle of [0, -1, 0.5, Number.NaN, 1e300, 123]) {
      expect(call(script, "Publish", handle, 0, new Uint8Array(1))).toBeLessThan(0);
      expect(call(script, "Close", handle, -1)).toBeLessThan(0);
      expect(call(script, "Close", handle, 100)).toBeLessThan(0);
      expect(call(script, "PollInto", handle, new Uint8Array(64), 0)).toBe(-8);
      expect(call(script, "Open", handle, "publish", "{}")).toBe(-8);
    }
  });

  it("gives an error for empty and transferred buffers where there must be memory", () => {
    const script = bridge();
    const client = call(script, "Open", 0, "client", '{"url":"moqt://127.0.0.1:1"}');
    const gone = new Uint8Array(64);
    structuredClone(gone, { transfer: [gone.buffer] });
    for (const none of [new Uint8Array(0), gone]) {
      expect(call(script, "PollInto", client, none, 0)).toBe(-1);
    }
    expect(call(script, "LastError")).toContain("Uint8Array");
    expect(call(script, "Close", client, -1)).toBe(0);
    expect(call(script, "PollInto", client, new Uint8Array(64), 0)).toBe(-8);
    expect(call(script, "LastError")).toContain("closed");
  });

  it("never reads or writes beyond a view of a larger buffer", () => {
    const script = bridge();
    const client = call(
      script,
      "Open",
      0,
      "client",
      '{"url":"moqt://127.0.0.1:1","connectTimeout":100}',
    );
    expect(client).toBeGreaterThan(0);
    const memory = new Uint8Array(256).fill(7);
    const window = memory.subarray(64, 72);
    return new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const polled = call(script, "PollInto", client, window, 0) as number;
        if (polled === 0) return;
        clearInterval(timer);
        // The END does not fit into 8 bytes.
        expect(polled).toBeLessThan(-1000);
        expect(memory.every((byte) => byte === 7)).toBe(true);
        expect(call(script, "PollInto", client, window, 9)).toBe(-1);
        expect(call(script, "Close", client, -1)).toBe(0);
        expect(call(script, "Close", client, -1)).toBeLessThan(0);
        resolve();
      }, 5);
    });
  });

  it("cannot be called on something else", () => {
    const { Publish } = bridge();
    expect(() => Publish?.call({} as Loose, 1, 0, new Uint8Array(1))).toThrow();
  });
});

describe("the package in a Puerts host", () => {
  let relay: Relay;
  beforeAll(async () => {
    relay = await startRelay();
  });
  afterAll(async () => {
    await relay?.close();
  });
  const connect = () =>
    unreal().connect(relay.url.replace(/^https:/, "moqt:"), {
      serverCertificateHashes: [relay.certificateHash],
    });

  it("sends and receives over QUIC, driven by the game's tick", async () => {
    const client = await connect();
    expect(client.protocol.transport).toBe("quic");
    const poses = client.publish(["unreal", "poses"], { delivery: "reliable" });
    const subscription = client.subscribe(["unreal", "poses"], { wait: 30_000 });
    await Promise.all([poses.ready, subscription.ready]);
    for (let i = 0; i < 100; i++) poses.send(Uint8Array.of(i));
    poses.send(new Uint8Array(0));
    const seen: number[] = [];
    const until = Date.now() + 30_000;
    while (seen.length < 101 && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      unreal().tick();
      subscription.drain(({ bytes }) => seen.push(bytes[0] ?? -1), { maxObjects: 64 });
    }
    expect(seen).toEqual([...Array.from({ length: 100 }, (_, i) => i), -1]);
    await client.close();
    expect(client.state).toBe("closed");
  });

  it("closes the clients of a bridge that the engine collected", async () => {
    const sessions = (): number => (relay.stats() as { sessions: { open: number } }).sessions.open;
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const until = async (count: number, meanwhile = () => {}): Promise<void> => {
      const end = Date.now() + 30_000;
      while (sessions() !== count && Date.now() < end) {
        meanwhile();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(sessions()).toBe(count);
    };
    // That of the test before may still be on its way out.
    await until(0);
    const url = relay.url.replace(/^https:/, "moqt:");
    const options = JSON.stringify({ url, serverCertificateHashes: [relay.certificateHash] });
    // Touched in functions of their own only, so that nothing here holds the bridge in the end.
    let held: Loose | undefined;
    const open = (): unknown => {
      held = bridge();
      return call(held, "Open", 0, "client", options);
    };
    const release = (): void => {
      held = undefined;
    };
    expect(open()).toBeGreaterThan(0);
    await until(1);
    release();
    await until(0, collect);
  });

  it("refuses bytes whose memory is gone, and goes on", async () => {
    const client = await connect();
    const track = client.publish(["unreal", "gone"]);
    const bytes = new Uint8Array(8);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    expect(() => track.send(bytes)).toThrow("whose buffer was transferred");
    expect(() => track.send("text" as unknown as Uint8Array)).toThrow("Uint8Array");
    expect(track.send(new Uint8Array(0))).toBe(true);
    await client.close();
    expect(() => track.send(new Uint8Array(1))).toThrow();
  });

  it("takes bytes of every kind of memory, and nothing else", async () => {
    const client = await connect();
    const track = client.publish(["unreal", "kinds"]);
    const subscription = client.subscribe(["unreal", "kinds"], { wait: 30_000 });
    await Promise.all([track.ready, subscription.ready]);
    const shared = new Uint8Array(new SharedArrayBuffer(64), 8, 3).fill(1);
    const part = new Uint8Array(64).fill(2).subarray(60);
    const foreign = runInNewContext("new Uint8Array(70).fill(3)") as Uint8Array;
    const fine = [shared, part, foreign, Buffer.from([4, 4])];
    for (const bytes of fine) expect(track.send(bytes)).toBe(true);
    const seen: number[][] = [];
    const end = Date.now() + 30_000;
    while (seen.length < fine.length && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      unreal().tick();
      subscription.drain(({ bytes }) => seen.push([...bytes]));
    }
    expect(seen).toEqual(fine.map((bytes) => [...bytes]));
    const array = { Num: () => 2, Get: () => 7, length: 2 };
    for (const none of [
      ...[array, new Proxy(array, {}), new Proxy(new Uint8Array(4), {}), [1, 2], null, undefined],
      ...[new DataView(new ArrayBuffer(4)), new ArrayBuffer(3), new Float32Array(2), "", 5, 5n],
      Object.create(Uint8Array.prototype),
    ]) {
      expect(() => track.send(none as Uint8Array)).toThrow();
      expect(() => track.keyframe(none as Uint8Array)).toThrow();
    }
    await client.close();
  });

  it("gives back texts with every character, and refuses half ones", async () => {
    const client = await connect();
    for (const name of ["nul \0 in it", "\ufeff", "🎮", '"\\', "\u2028"]) {
      const track = client.publish(["unreal", name]);
      const found = client.subscribe(["unreal", name], { wait: 30_000 });
      await Promise.all([track.ready, found.ready]);
      found.close();
      void track.end();
    }
    expect(() => client.publish(["unreal", "a\ud800"])).toThrow("half a surrogate pair");
    await client.close();
  });

  it("takes any signal that is like one, and a token for each connection", async () => {
    const asked: number[] = [];
    const abort = new Set<() => void>();
    const signal = {
      aborted: false,
      addEventListener: (_: "abort", listener: () => void) => void abort.add(listener),
      removeEventListener: (_: "abort", listener: () => void) => void abort.delete(listener),
    };
    const client = await unreal().connect(relay.url.replace(/^https:/, "moqt:"), {
      serverCertificateHashes: [relay.certificateHash],
      token: () => {
        asked.push(asked.length);
        return "a token";
      },
      signal,
    });
    expect(asked.length).toBeGreaterThan(0);
    const states: string[] = [];
    client.onState((state) => states.push(state));
    for (const run of [...abort]) run();
    expect(states).toEqual(["closed"]);
    expect(abort.size).toBe(0);
  });

  it("tells what is missing", async () => {
    await expect(unreal().connect("moqt://127.0.0.1:1", { speed: 1 } as object)).rejects.toThrow(
      "speed",
    );
    await expect(unreal().connect("", {})).rejects.toThrow("address of a relay");
    await expect(
      unreal().connect("moqt://127.0.0.1:1", { connectTimeout: 300 }),
    ).rejects.toMatchObject({ name: "MoqError" });
  });
});
