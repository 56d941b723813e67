/** The published bundle where there is nothing: in a bare context, in QuickJS, and as Puerts' loader finds it. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { type Relay, startRelay } from "@moq-game/node-native";
import { getQuickJS, type QuickJSContext, type QuickJSHandle } from "quickjs-emscripten";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { BUNDLE, puertsHost, runModule, type Unreal } from "../src/index.js";
import { Content, repository } from "./content.js";

let relay: Relay;
let content: Content;

beforeAll(async () => {
  relay = await startRelay();
  content = new Content();
}, 60_000);
afterAll(async () => {
  content?.remove();
  await relay?.close();
});

/** What runs inside: a round trip over QUIC with nothing but `console` and timers. Gives JSON. */
const SCRIPT = `(async (moq, url, hash) => {
  const client = await moq.connect(url, { serverCertificateHashes: [hash] });
  const name = ["spiel/ä", "bare" + Math.random()];
  const track = client.publish(name, { delivery: "reliable" });
  const reader = client.subscribe(name, { wait: 10000 });
  await Promise.all([track.ready, reader.ready]);
  track.keyframe(moq.encodeUtf8("grün"));
  for (let i = 0; i < 20; i++) track.send(new Uint8Array(i));
  track.send(moq.encodePose({ X: 1, Y: 2, Z: 3 }, { Pitch: 0, Yaw: 90, Roll: 0 }));
  const sizes = [];
  let text = "", yaw = 0;
  reading: for await (const batch of reader) {
    for (const object of batch) {
      if (sizes.length === 0) text = moq.decodeUtf8(object.bytes);
      sizes.push(object.bytes.length);
      if (sizes.length === 22) { yaw = moq.decodePose(object.bytes).rotation.Yaw; break reading; }
    }
  }
  const missing = await client.subscribe(["keiner", "da"]).ready.catch((error) => error.code);
  let wrong = "";
  try { client.publish(name, { delivery: "manchmal" }); } catch (error) { wrong = error.code; }
  await client.close();
  return JSON.stringify({ text, sizes, yaw, missing, wrong, state: client.state });
})`;

function expectRoundTrip(json: string): void {
  expect(JSON.parse(json)).toEqual({
    text: "grün",
    sizes: [5, ...Array.from({ length: 20 }, (_, i) => i), 16],
    yaw: 90,
    missing: "not_found",
    wrong: "invalid_argument",
    state: "closed",
  });
}

const quic = (): string => relay.url.replace(/^https:/, "moqt:");

/** Timers as Puerts has them: without a delay they throw. */
function strict<T>(timer: (run: () => void, ms: number) => T) {
  return (...args: unknown[]): T => {
    if (args.length !== 2 || typeof args[1] !== "number") throw new Error("a timer needs a delay");
    return timer(args[0] as () => void, args[1]);
  };
}

describe("the bundle", () => {
  it("runs in a bare context", async () => {
    const context = createContext({
      console: { error: console.error },
      setTimeout: strict(setTimeout),
      setInterval: strict(setInterval),
      clearTimeout,
      clearInterval,
    });
    for (const name of [
      "TextEncoder",
      "AbortController",
      "queueMicrotask",
      "performance",
      "fetch",
    ]) {
      expect(runInContext(`typeof ${name}`, context)).toBe("undefined");
    }
    const code = `(function (exports, require, module) {${readFileSync(BUNDLE, "utf8")}\n})`;
    const module = { exports: {} };
    const load = (name: string): unknown => (name === "cpp" ? puertsHost().cpp : undefined);
    runInContext(code, context)(module.exports, load, module);
    const before = Object.keys(context).length;
    expectRoundTrip(
      await runInContext(SCRIPT, context)(module.exports, quic(), relay.certificateHash),
    );
    expect(Object.keys(context).length, "new globals").toBe(before);
  });

  it("runs in QuickJS", async () => {
    const quick = await QuickHost.start();
    try {
      expectRoundTrip(await quick.run(SCRIPT, quic(), relay.certificateHash));
    } finally {
      quick.dispose();
    }
  });

  it("is one flat CommonJS file that Puerts' loader finds, with a source map", () => {
    const file = content.loader.resolve("@moq-game/unreal");
    expect(dirname(file)).toBe(join(content.installed, "dist"));
    const loaded = runModule(file, () => puertsHost().cpp) as Unreal;
    expect(Object.keys(loaded)).toContain("connect");
    const code = readFileSync(file, "utf8");
    expect([...code.matchAll(/\brequire\("([^"]*)"\)/g)].map((match) => match[1])).toEqual(["cpp"]);
    expect(code).toContain("//# sourceMappingURL=index.js.map");
    const map = JSON.parse(readFileSync(`${file}.map`, "utf8")) as { sources: string[] };
    expect(map.sources.some((source) => source.endsWith("connect.ts"))).toBe(true);
  });

  it("says what to do when the plugin is not enabled", async () => {
    const without = runModule(BUNDLE, (name) => {
      throw new Error(`can not find ${name}`);
    }) as Unreal;
    await expect(without.connect("moqt://127.0.0.1:1")).rejects.toThrow(
      /plugin MoqPuerts was not found.*Enable the plugins Moq and MoqPuerts/,
    );
  });
});

describe("a user's project", () => {
  const require = createRequire(import.meta.url);
  const sample = join(repository, "test", "unreal-host", "sample");

  function compile(
    tsc: string,
    args: readonly string[],
    out: string,
    names = ["main.ts", "ue.d.ts"],
  ): void {
    const [target, types] = [
      ["--target", "es2021", "--lib", "es2021"],
      ["--typeRoots", join(content.root, "none")],
    ];
    const files = names.map((name) => join(content.root, name));
    try {
      execFileSync(
        process.execPath,
        [tsc, "--strict", "--outDir", out, ...target, ...types, ...args, ...files],
        { encoding: "utf8" },
      );
    } catch (error) {
      throw new Error((error as { stdout: string }).stdout);
    }
  }

  beforeAll(() => {
    for (const name of ["main.ts", "ue.d.ts"]) {
      copyFileSync(join(sample, name), join(content.root, name));
    }
  });

  it("compiles with the TypeScript of Puerts' editor plugin, and runs", async () => {
    const tsc = require.resolve("typescript-4.7/lib/tsc.js");
    expect(execFileSync(process.execPath, [tsc, "--version"], { encoding: "utf8" })).toContain(
      "4.7.4",
    );
    compile(tsc, ["--module", "commonjs", "--moduleResolution", "node"], content.root);
    await play("main.js");
  });

  it("may begin with the code of the package's README", async () => {
    const readme = readFileSync(join(repository, "packages", "unreal", "README.md"), "utf8");
    const [, code = ""] = /<!-- run: puerts -->\n```ts\n(.*?)```/s.exec(readme) ?? [];
    writeFileSync(join(content.root, "readme.ts"), code);
    const tsc = require.resolve("typescript-4.7/lib/tsc.js");
    const console = join(content.root, "console.d.ts");
    writeFileSync(console, "declare const console: { log(...what: unknown[]): void };\n");
    compile(tsc, ["--module", "commonjs", "--moduleResolution", "node"], content.root, [
      ...["readme.ts", "ue.d.ts", "console.d.ts"],
    ]);
    const { enter } = content.loader.require("readme.js") as {
      enter(
        relay: string,
        options: object,
        hero: object,
        rival: (x: number) => void,
      ): Promise<{ tick(deltaSeconds: number): void; leave(): Promise<void> }>;
    };
    const { hero, listeners } = makeHero();
    const said = vi.spyOn(globalThis.console, "log").mockImplementation(() => {});
    try {
      let seen = 0;
      const options = { serverCertificateHashes: [relay.certificateHash], token: "any" };
      const game = await enter(quic(), options, hero, (x) => {
        seen = x;
      });
      const lines = (): string[] => said.mock.calls.map((words) => words.join(" "));
      const until = Date.now() + 20_000;
      while (Date.now() < until && !(seen > 100 && lines().includes("ann scored 3"))) {
        hero.x += 10;
        for (const listener of listeners) listener("ann", 3);
        game.tick(1 / 60);
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      expect(seen).toBeGreaterThan(100);
      expect(lines()).toContain("ann scored 3");
      await game.leave();
      expect(lines().pop()).toBe("closed ");
      expect(listeners.length).toBe(0);
    } finally {
      said.mockRestore();
    }
  });

  it("compiles with the TypeScript of the day", () => {
    const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
    const out = join(content.project, "today");
    compile(tsc, ["--ignoreConfig", "--module", "preserve", "--moduleResolution", "bundler"], out);
    expect(existsSync(join(out, "main.js"))).toBe(true);
  });

  /** An actor with a dispatcher, and who listens to that. */
  function makeHero() {
    const listeners: ((player: string, points: number) => void)[] = [];
    const hero = {
      x: 0,
      Rival: null,
      GetName: () => "hero",
      K2_GetActorLocation: () => ({ X: hero.x, Y: 0, Z: 0 }),
      K2_GetActorRotation: () => ({ Pitch: 0, Yaw: 0, Roll: 0 }),
      GetActorScale3D: () => ({ X: 1, Y: 1, Z: 1 }),
      OnScored: {
        Add: (listener: (player: string, points: number) => void) => listeners.push(listener),
        Remove: () => listeners.pop(),
      },
    };
    return { hero, listeners };
  }

  /** The sample's gameplay with an actor that moves; through the loader, over QUIC. */
  async function play(main: string): Promise<void> {
    const { hero, listeners } = makeHero();
    const { join: joinMatch } = content.loader.require(main) as {
      join(
        actor: unknown,
        url: string,
        hash: string,
      ): Promise<{
        rival: { update(): { location: { X: number } } | undefined };
        scores: string[];
        update(delta: number): void;
        leave(): Promise<void>;
      }>;
    };
    const match = await joinMatch(hero, quic(), relay.certificateHash);
    const until = Date.now() + 10_000;
    let rounds = 0;
    while (
      Date.now() < until &&
      (match.scores.length === 0 || !(match.rival.update()?.location.X ?? 0))
    ) {
      hero.x += 10;
      if (rounds++ % 20 === 19) for (const listener of listeners) listener("ann", 3);
      match.update(1 / 60);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(match.scores[0]).toBe("ann: 3");
    expect(match.rival.update()?.location.X).toBeGreaterThan(0);
    await match.leave();
    expect(listeners.length).toBe(0);
  }
});

/** QuickJS with `console` and timers, and the native class carried in from the Puerts host. */
class QuickHost {
  readonly #context: QuickJSContext;
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(context: QuickJSContext) {
    this.#context = context;
  }

  static async start(): Promise<QuickHost> {
    const host = new QuickHost((await getQuickJS()).newContext());
    host.#define();
    return host;
  }

  /** Calls an async function of the script with the module and two texts; gives its text. */
  async run(script: string, url: string, hash: string): Promise<string> {
    const context = this.#context;
    const code = `(() => {
      const module = { exports: {} };
      (function (exports, require, module) {${readFileSync(BUNDLE, "utf8")}\n})(module.exports, () => ({ MoqBridge }), module);
      return ${script}(module.exports, ${JSON.stringify(url)}, ${JSON.stringify(hash)});
    })()`;
    const promise = this.#check(context.evalCode(code, "bundle.js"));
    const settled = context.resolvePromise(promise);
    promise.dispose();
    context.runtime.executePendingJobs();
    return this.#check(await settled).consume((value) => context.getString(value));
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const run of this.#kept) run.dispose();
    this.#context.dispose();
  }

  #check(result: ReturnType<QuickJSContext["evalCode"]>): QuickJSHandle {
    if (result.error === undefined) return result.value;
    throw new Error(JSON.stringify(result.error.consume((error) => this.#context.dump(error))));
  }

  #define(): void {
    const context = this.#context;
    type Loose = Record<string, (...args: unknown[]) => unknown>;
    const native = new (puertsHost().cpp.MoqBridge)() as Loose;
    const global = (name: string, run: (...args: QuickJSHandle[]) => QuickJSHandle): void => {
      context.newFunction(name, run).consume((made) => context.setProp(context.global, name, made));
    };
    const timer = (repeat: boolean) => (run: QuickJSHandle, ms: QuickJSHandle) => {
      const kept = run.dup();
      const call = (): void => {
        if (!kept.alive || !context.alive) return;
        this.#check(context.callFunction(kept, context.undefined)).dispose();
        context.runtime.executePendingJobs();
      };
      const delay = context.getNumber(ms);
      const made = repeat ? setInterval(call, delay) : setTimeout(call, delay);
      this.#timers.add(made);
      this.#kept.push(kept);
      return context.newNumber(Number(made));
    };
    global("__timeout", timer(false));
    global("__interval", timer(true));
    global("__clear", (id) => {
      clearTimeout(context.getNumber(id));
      return context.undefined;
    });
    const back = (value: unknown): QuickJSHandle =>
      typeof value === "string" ? context.newString(value) : context.newNumber(value as number);
    global("__call", (name, ...args) => {
      const method = native[context.getString(name)] as (...all: unknown[]) => unknown;
      return back(
        method.apply(
          native,
          args.map((arg) => context.dump(arg)),
        ),
      );
    });
    // QuickJS hands out copies of its memory, so bytes are carried over both ways.
    global("__publish", (publication, flags, buffer) => {
      const memory = context.getArrayBuffer(buffer);
      const bytes = memory.value.slice();
      memory.dispose();
      const args = [context.getNumber(publication), context.getNumber(flags), bytes];
      return context.newNumber(native.Publish?.(...args) as number);
    });
    const scratch = new Uint8Array(256 * 1024);
    global("__poll", (client, room) => {
      const view = scratch.subarray(0, context.getNumber(room));
      const result = native.PollInto?.(context.getNumber(client), view, 0) as number;
      const polled = context.newArray();
      const bytes = scratch.slice(0, Math.max(0, Math.floor(result / 2)));
      context.newNumber(result).consume((value) => context.setProp(polled, 0, value));
      context.newArrayBuffer(bytes.buffer).consume((value) => context.setProp(polled, 1, value));
      return polled;
    });
    const setUp = `
      globalThis.console = { error() {} };
      const needs = (ms) => { if (typeof ms !== "number") throw new Error("a timer needs a delay"); };
      globalThis.setTimeout = (run, ms) => { needs(ms); return __timeout(run, ms); };
      globalThis.setInterval = (run, ms) => { needs(ms); return __interval(run, ms); };
      globalThis.clearTimeout = globalThis.clearInterval = (id) => __clear(id);
      globalThis.MoqBridge = class {
        Publish(publication, flags, bytes) { return __publish(publication, flags, bytes.slice().buffer); }
        PollInto(client, buffer, at) {
          const [result, bytes] = __poll(client, buffer.length - at);
          buffer.set(new Uint8Array(bytes), at);
          return result;
        }
      };
      for (const name of ["About", "LastError", "Now", "Open", "Close", "Update", "Hold", "Flush", "Stats"]) {
        MoqBridge.prototype[name] = (...args) => __call(name, ...args);
      }`;
    this.#check(context.evalCode(setUp)).dispose();
  }

  readonly #kept: QuickJSHandle[] = [];
}
