import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Impair, startImpair } from "@moq-game/impair";
import {
  connect,
  type Gap,
  type Relay,
  type RelayOptions,
  startRelay,
} from "@moq-game/node-native";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { makeCertificate } from "../../../tools/certificate.mjs";
import { eventually, openBrowser, type TestBrowser, type TestPage } from "./browser.js";

const folder = mkdtempSync(join(tmpdir(), "moq-game-reconnect-"));
const certificate = makeCertificate(folder);
const trusted = { serverCertificateHashes: [certificate.hash] };
const MODES = [
  ["on the page", false],
  ["in a worker", true],
] as const;

let browser: TestBrowser;
const open: (Relay | Impair)[] = [];

beforeAll(async () => {
  browser = await openBrowser();
});

afterEach(async () => {
  await browser.call("closeAll");
  for (const each of open.splice(0)) await each.close();
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** A relay with the certificate that the pages trust. */
async function relayAt(port: number, options: RelayOptions = {}): Promise<Relay> {
  const { cert, key } = certificate;
  const relay = await startRelay({
    listen: `127.0.0.1:${port}`,
    certificate: cert,
    key,
    ...options,
  });
  open.push(relay);
  return relay;
}

/**
 * A publisher and a reader in a page, each with a client of its own. By default it is a new page: Chromium holds back the
 * handshakes of one whose handshakes failed.
 */
async function match(
  name: string,
  url: string,
  worker: boolean,
  more: object = {},
  given?: TestPage,
) {
  const host = given ?? (await browser.another());
  const reconnect = { initialDelay: 100, maxDelay: 500 };
  const options = { ...trusted, worker, reconnect, ...more };
  const [log, pose, out, back] = [`${name}-log`, `${name}-pose`, `${name}-out`, `${name}-in`];
  for (const client of [out, back]) {
    expect((await host.call("connect", client, url, options)).error).toBeUndefined();
  }
  await host.call("publish", out, log, { delivery: "reliable" });
  await host.call("publish", out, pose, { delivery: "latest" });
  await host.call("send", log, ["*0"]);
  await host.call("send", pose, ["0"]);
  expect((await host.call("subscribe", back, log, {})).error).toBeUndefined();
  expect((await host.call("subscribe", back, pose, {})).error).toBeUndefined();
  const got = { log: [] as number[], pose: [] as number[] };
  let sent = 0;
  return {
    got,
    publisher: out,
    reader: back,
    get sent() {
      return sent;
    },
    gaps: async () => ({
      log: await host.call("log", `${log}:gaps`),
      pose: await host.call("log", `${pose}:gaps`),
    }),
    /** One more of each. */
    async send() {
      sent += 1;
      expect(await host.call("send", log, [`${sent}`])).toBe(1);
      await host.call("send", pose, [`${sent}`]);
    },
    /** Waits for the newest of each. */
    async caughtUp(limit = 100_000) {
      await eventually(
        async () => {
          got.log.push(...(await host.call("drain", log)).map(Number));
          got.pose.push(...(await host.call("drain", pose)).map(Number));
          return got;
        },
        ({ log, pose }) => log.at(-1) === sent && pose.at(-1) === sent,
        limit,
      ).catch(async (error: Error) => {
        const told = [
          await host.call("clientStats", out),
          await host.call("clientStats", back),
          await host.call("log", `${log}:ends`),
          await host.call("log", `${pose}:ends`),
        ];
        throw new Error(`${error.message}\n  clients and ends: ${JSON.stringify(told)}`);
      });
    },
    state: async () => [await host.call("state", out), await host.call("state", back)],
    told: async (client: string) => (await host.call("states", client)) as [string, string?][],
    tokens: async (client: string) => await host.call("log", `${client}:tokens`),
    reconnects: async (client: string) => (await host.call("clientStats", client)).reconnects,
    async close() {
      await host.call("close", out);
      await host.call("close", back);
      if (given === undefined) await host.page.close();
    },
  };
}

/** Losses and returns in turn; a slow machine may lose a new connection once more. */
async function expectRounds(game: Awaited<ReturnType<typeof match>>, client: string) {
  const told = (await game.told(client)).map(([state]) => state);
  const rounds = await game.reconnects(client);
  expect(rounds, told.join(", ")).toBeGreaterThan(0);
  expect(rounds, told.join(", ")).toBeLessThan(4);
  expect(told).toEqual(Array(rounds).fill(["reconnecting", "open"]).flat());
}

const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, i) => i);
const rising = (numbers: number[]): boolean =>
  numbers.every((n, i) => i === 0 || n > (numbers[i - 1] ?? n));

describe.each(MODES)("a match %s", (_, worker) => {
  const mode = worker ? "worker" : "page";

  it("goes on after its relay was started again", async () => {
    const first = await relayAt(0);
    const game = await match(`restart-${mode}`, first.url, worker);
    for (let i = 0; i < 5; i++) await game.send();
    await game.caughtUp();
    await first.close();
    await eventually(game.state, (states) => states.every((state) => state === "reconnecting"));
    for (let i = 0; i < 5; i++) await game.send();
    await relayAt(first.port);
    await game.caughtUp();
    for (let i = 0; i < 5; i++) await game.send();
    await game.caughtUp();
    expect(game.got.log).toEqual(upTo(15));
    expect(rising(game.got.pose)).toBe(true);
    const { log, pose } = await game.gaps();
    expect(log).toEqual([]);
    expect(new Set((pose as Gap[]).map(({ reason }) => reason))).toEqual(new Set(["reconnected"]));
    for (const client of [game.publisher, game.reader]) await expectRounds(game, client);
    await game.close();
  });

  it("follows GOAWAY to another relay", async () => {
    const next = await relayAt(0);
    const first = await relayAt(0, { goawayUri: next.url });
    const game = await match(`goaway-${mode}`, first.url, worker);
    await game.send();
    await game.caughtUp();
    // The relay waits until nobody is left; this test would end before the time is up.
    await first.close({ grace: 300_000 });
    for (const client of [game.publisher, game.reader]) {
      await eventually(
        () => game.reconnects(client),
        (reconnects) => reconnects > 0,
      );
    }
    for (let i = 0; i < 5; i++) await game.send();
    await game.caughtUp();
    expect(game.got.log).toEqual(upTo(6));
    expect((await game.gaps()).log).toEqual([]);
    await expectRounds(game, game.reader);
    expect((await game.told(game.reader))[0]).toEqual(["reconnecting", "going_away"]);
    await game.close();
  });

  it("asks for a new token for the new connection", async () => {
    const all = { publish: ["*"], subscribe: ["*"] };
    const first = await relayAt(0, { tokens: { tokens: { one: all } } });
    const game = await match(`token-${mode}`, first.url, worker, { tokens: ["one", "two"] });
    await game.send();
    await game.caughtUp();
    await first.close();
    await relayAt(first.port, { tokens: { tokens: { two: all } } });
    await game.send();
    await game.caughtUp();
    expect(game.got.log).toEqual(upTo(2));
    // One for every attempt: the first may come before the second relay listens.
    const [initial, ...renewed] = (await game.tokens(game.reader)) ?? [];
    expect(initial).toBe("one");
    expect(new Set(renewed)).toEqual(new Set(["two"]));
    await game.close();
  });
});

it.each([0, 500])(
  "pages live on when the relay stops with %i ms of grace, whatever is under way",
  async (grace) => {
    const relay = await relayAt(0);
    // The ends of the pages' streams are acknowledged a tenth of a second later.
    const network = await startImpair({
      target: `127.0.0.1:${relay.port}`,
      up: { delay: 100 },
      seed: 1,
    });
    open.push(network);
    const node = await connect(relay.url, trusted);
    const pages = await Promise.all(Array.from({ length: 6 }, () => browser.another()));
    let crashed = 0;
    for (const [i, { page, call }] of pages.entries()) {
      page.on("crash", () => {
        crashed += 1;
      });
      const track = `busy-${grace}-${i}`;
      await call("connect", "page", `https://127.0.0.1:${network.port}/`, trusted);
      await call("publish", "page", track, { delivery: "reliable" });
      await node.subscribe(["browser", track]).ready;
      await call("keepBusy", "page", track, 5);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    await node.close();
    await relay.close({ grace });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(crashed).toBe(0);
    for (const { page, call } of pages) {
      await eventually(
        () => call("state", "page"),
        (state) => state === "reconnecting",
      );
      await page.close();
    }
  },
);

it("30 s without a packet are noticed within idleTimeout and repaired, on the page and in a worker", async () => {
  const relay = await relayAt(0);
  const network = await startImpair({ target: `127.0.0.1:${relay.port}`, seed: 1 });
  open.push(network);
  const url = `https://127.0.0.1:${network.port}/`;
  const more = { keepAlive: 1_000, idleTimeout: 5_000, reconnect: true };
  // A browser each: Chromium counts the failed handshakes of a page, whoever made them.
  const other = await openBrowser();
  try {
    const games = [
      await match("outage-page", url, false, more),
      await match("outage-worker", url, true, more, other),
    ];
    for (const game of games) {
      await game.send();
      await game.caughtUp();
    }
    // Nobody sends anything: silence alone is no loss.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    for (const game of games) expect(await game.state()).toEqual(["open", "open"]);
    const begun = Date.now();
    network.outage(30_000);
    for (const game of games) {
      await eventually(game.state, (states) => states.every((state) => state === "reconnecting"));
      for (let i = 0; i < 5; i++) await game.send();
    }
    expect(Date.now() - begun).toBeLessThan(30_000);
    for (const game of games) {
      await game.caughtUp(90_000);
      expect(game.got.log).toEqual(upTo(6));
      expect((await game.gaps()).log).toEqual([]);
      await expectRounds(game, game.reader);
      await game.close();
    }
  } finally {
    await other.close();
  }
}, 180_000);
