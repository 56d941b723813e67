import { mkdirSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM_ARGS, findChromium } from "../../../tools/chromium.mjs";
import { Backend } from "./backend.js";

const SCREENSHOTS = new URL("../../../artifacts/", import.meta.url).pathname;

interface Snapshot {
  tick: number;
  updates: number;
  missing: number;
  behind: number;
  me: string | undefined;
  bodies: { name: string; kind: string; x: number; y: number }[];
}

let backend: Backend;
let browser: Browser;
let url: string;

async function open(width: number, height: number): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height } });
  page.on("pageerror", (error) => console.error("page:", error));
  await page.goto(url);
  await page.getByText("live", { exact: true }).waitFor({ timeout: 30_000 });
  return page;
}

function snapshot(page: Page): Promise<Snapshot> {
  return page.evaluate("arena.snapshot()") as Promise<Snapshot>;
}

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  backend = Backend.start("--port", "0");
  const [found] = await backend.line(/http:\/\/localhost:\d+\//);
  url = found;
  browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...CHROMIUM_ARGS],
  });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await backend?.stop();
});

describe("the match in Chromium", () => {
  it("moves, update by update, without a gap", async () => {
    const page = await open(1280, 800);
    const before = await snapshot(page);
    const started = performance.now();
    const updates = async () => (await snapshot(page)).updates - before.updates;
    // Four seconds of the match; a busy machine may take longer.
    await expect.poll(updates, { timeout: 60_000 }).toBeGreaterThan(240);
    const after = await snapshot(page);
    const seconds = (performance.now() - started) / 1000;

    expect(after.bodies.length).toBeGreaterThanOrEqual(32);
    const moved = after.bodies.filter((body, i) => {
      const was = before.bodies[i];
      return was !== undefined && Math.hypot(body.x - was.x, body.y - was.y) > 0.2;
    });
    expect(moved.length).toBeGreaterThan(5);
    expect(after.missing).toBe(0);
    expect(after.tick - before.tick).toBe(after.updates - before.updates);
    const rate = (after.updates - before.updates) / seconds;
    console.log(`Chromium saw ${rate.toFixed(1)} updates a second`);
    await expect.poll(() => page.locator('[data-fact="gaps"]').textContent()).toBe("0");
    expect(await page.locator('[data-fact="draft"]').textContent()).toBe("moqt-18");
    await page.screenshot({ path: `${SCREENSHOTS}arena-desktop.png` });
    await page.close();
  });

  it("lets a person join and move a body with the keyboard", async () => {
    const page = await open(1280, 800);
    await page.locator("#name").fill("ann");
    await page.getByRole("button", { name: "Join the match" }).click();
    const mine = async () => {
      const { me, bodies } = await snapshot(page);
      return bodies.find((body) => body.name === me);
    };
    await expect.poll(mine).toBeDefined();
    expect(await page.locator("#join").isVisible()).toBe(false);
    // Against the nearer wall would prove little: go where there is room.
    const start = await mine();
    const [key, sign] = (start?.y ?? 0) > 9 ? ["ArrowDown", -1] : ["ArrowUp", 1];
    await page.keyboard.down(key);
    await expect
      .poll(async () => sign * (((await mine())?.y ?? 0) - (start?.y ?? 0)))
      .toBeGreaterThan(1.5);
    await page.keyboard.up(key);
    await page.screenshot({ path: `${SCREENSHOTS}arena-player.png` });
    const name = (await snapshot(page)).me;
    await page.close();

    const other = await open(1280, 800);
    await expect
      .poll(async () => (await snapshot(other)).bodies.some((body) => body.name === name), {
        timeout: 40_000,
      })
      .toBe(false);
    await other.close();
  });

  it("rewinds: the past comes from the relay, at its own pace, while the match goes on", async () => {
    const page = await open(1280, 800);
    // The match has run for some seconds by now; this page has seen next to none of them.
    await expect.poll(() => page.locator("#seek").getAttribute("min")).toMatch(/^-([5-9]|\d\d+)$/);
    const live = await snapshot(page);
    await page.locator("#seek").fill("-5");
    await expect.poll(async () => (await snapshot(page)).behind).toBeGreaterThan(4.5);
    await expect.poll(async () => (await snapshot(page)).bodies.length).toBeGreaterThanOrEqual(32);
    const before = await snapshot(page);
    expect(before.tick).toBeLessThan(live.tick);
    await expect.poll(async () => (await snapshot(page)).tick - before.tick).toBeGreaterThan(60);
    const after = await snapshot(page);
    expect(after.missing).toBe(0);
    expect(after.behind).toBeGreaterThan(4);
    expect(await page.locator("#behind").textContent()).toMatch(/^−\d+ s$/);
    await page.screenshot({ path: `${SCREENSHOTS}arena-replay.png` });
    await page.getByRole("button", { name: "Go live" }).click();
    await expect.poll(async () => (await snapshot(page)).behind).toBe(0);
    expect((await snapshot(page)).tick).toBeGreaterThan(live.tick);
    expect(await page.getByRole("button", { name: "Go live" }).isVisible()).toBe(false);
    await page.close();
  });

  it("fits a phone", async () => {
    const page = await open(390, 844);
    const before = await snapshot(page);
    await expect
      .poll(async () => (await snapshot(page)).updates - before.updates)
      .toBeGreaterThan(60);
    expect((await snapshot(page)).missing).toBe(0);
    const overflow = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
    expect(overflow).toBe(false);
    await page.screenshot({ path: `${SCREENSHOTS}arena-phone.png` });
    await page.close();
  });

  it("survives a backend that is started again", async () => {
    const page = await open(1280, 800);
    await backend.stop();
    await page.locator("#status", { hasText: /^reconnecting/ }).waitFor({ timeout: 30_000 });
    await page.screenshot({ path: `${SCREENSHOTS}arena-reconnecting.png` });
    backend = Backend.start("--port", new URL(url).port);
    await backend.line(/http:\/\/localhost:\d+\//);
    await page.getByText("live", { exact: true }).waitFor({ timeout: 30_000 });
    const before = await snapshot(page);
    await expect.poll(async () => (await snapshot(page)).tick > before.tick).toBe(true);
    await page.close();
  });
});
