/**
 * One match of three: the arena's backend in Node, a spectator and player in Chromium, and the staged project's scripts
 * in a Puerts host, which watch and play too. All over QUIC or WebTransport, through the backend's relay.
 */
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CHROMIUM_ARGS, findChromium } from "../../../tools/chromium.mjs";
import { repository } from "./content.js";
import { Actor, StagedProject } from "./staged.js";

/** examples/arena/test/backend.ts */
interface Backend {
  line(pattern: RegExp): Promise<RegExpMatchArray>;
  stop(): Promise<number | null>;
}

/** TypeScript/match.ts of the project. */
interface Match {
  watch(spawn: (id: number) => Actor, say: (text: string) => void): void;
  play(name: string, steer: () => { x: number; y: number; dash: boolean }): void;
  tick(deltaSeconds: number): void;
  leave(): Promise<void>;
}

interface Snapshot {
  readonly missing: number;
  readonly me: string | undefined;
  /** In m. */
  readonly bodies: readonly { readonly name: string; readonly x: number; readonly y: number }[];
}

let project: StagedProject;
let backend: Backend;
let browser: Browser;

beforeAll(async () => {
  project = await StagedProject.make();
  project.compile();
  const file = join(repository, "examples", "arena", "test", "backend.ts");
  const arena = (await import(/* @vite-ignore */ file)) as {
    readonly Backend: { start(...args: string[]): Backend };
  };
  backend = arena.Backend.start("--port", "0", "--bots", "2");
  browser = await chromium.launch({ executablePath: findChromium(), args: [...CHROMIUM_ARGS] });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await backend?.stop();
  project?.remove();
});

const snapshot = (page: Page): Promise<Snapshot> =>
  page.evaluate("arena.snapshot()") as Promise<Snapshot>;

it("is played in Unreal's scripts and in Chromium, and both see the same", async () => {
  const { Match } = project.scripts.require("match.js") as {
    Match: { join(url: string, name: string, hash?: string): Promise<Match> };
  };
  const [, url = "", hash = ""] = await backend.line(
    /relay\s+https:(\S+)\s+\(certificate sha-256 ([0-9a-f]+)\)/,
  );
  const match = await Match.join(`moqt:${url}`, "demo", hash);
  const actors = new Map<number, Actor>();
  const said: string[] = [];
  const stick = { x: 0, y: 0, dash: false };
  match.watch(
    (id) => {
      const actor = new Actor();
      actors.set(id, actor);
      return actor;
    },
    (text) => said.push(text),
  );
  match.play("unreal", () => stick);
  let last = performance.now();
  const frames = setInterval(() => {
    const now = performance.now();
    match.tick((now - last) / 1_000);
    last = now;
  }, 1_000 / 60);
  try {
    const [address] = await backend.line(/http:\/\/localhost:\d+\//);
    const page = await browser.newPage();
    await page.goto(address);
    await page.getByText("live", { exact: true }).waitFor({ timeout: 20_000 });

    // The page sees the script's player, and where its stick takes it.
    const ours = async () => (await snapshot(page)).bodies.find(({ name }) => name === "unreal");
    await expect.poll(ours, { timeout: 20_000 }).toBeDefined();
    const start = await ours();
    const sign = (start?.y ?? 0) > 9 ? -1 : 1;
    stick.y = sign;
    await expect
      .poll(async () => sign * (((await ours())?.y ?? 0) - (start?.y ?? 0)), { timeout: 20_000 })
      .toBeGreaterThan(1.5);
    stick.y = 0;

    // The script hears of the page's player.
    await page.locator("#name").fill("ann");
    await page.getByRole("button", { name: "Join the match" }).click();
    await expect
      .poll(() => said, { timeout: 20_000 })
      .toContainEqual(expect.stringMatching(/^ann-\w{4} joined$/));
    const mine = async () => {
      const { me, bodies } = await snapshot(page);
      return bodies.find(({ name }) => name === me);
    };
    await expect.poll(mine, { timeout: 20_000 }).toBeDefined();

    // Both see every body, at the same place but for the time between two looks.
    const apart = async (): Promise<number> => {
      const { bodies } = await snapshot(page);
      const distances = bodies.map(({ x, y }) => {
        const all = [...actors.values()].map(({ place }) =>
          place === undefined ? 99 : Math.hypot(place.X / 100 - x, place.Y / 100 - y),
        );
        return Math.min(...all);
      });
      return distances.length < 20 ? 99 : Math.max(...distances);
    };
    await expect.poll(apart, { timeout: 20_000 }).toBeLessThan(1.5);
    expect((await snapshot(page)).missing).toBe(0);

    // The page sees it go.
    clearInterval(frames);
    await match.leave();
    await expect.poll(ours, { timeout: 20_000 }).toBeUndefined();
    await page.close();
  } finally {
    clearInterval(frames);
    await match.leave();
  }
}, 120_000);
