import type { Client, Delivery } from "@moq-game/core";
import { startImpair } from "@moq-game/impair";
import { connect, type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, openBrowser, type TestBrowser } from "./browser.js";

const CLASSES: readonly Delivery[] = ["reliable", "latest", "deadline", "datagram"];

const encoder = new TextEncoder();
const decoder = new TextDecoder();
let relay: Relay;
let browser: TestBrowser;
let node: Client;

beforeAll(async () => {
  relay = await startRelay();
  browser = await openBrowser();
  node = await connect(relay.url, { serverCertificateHashes: [relay.certificateHash] });
});

afterAll(async () => {
  await node?.close();
  await browser?.close();
  await relay?.close();
});

/** A deadline that a busy machine keeps too. */
const optionsOf = (delivery: Delivery) =>
  delivery === "deadline" ? { delivery, deadline: 10_000 } : { delivery };

const trusted = () => ({ serverCertificateHashes: [relay.certificateHash] });

describe.each([
  ["on the page", false],
  ["in a worker", true],
])("a client %s", (_, worker) => {
  const name = worker ? "worker" : "page";

  it("connects and tells what was negotiated", async () => {
    const { protocol } = await browser.call("connect", name, relay.url, { ...trusted(), worker });
    expect(protocol).toMatchObject({
      draft: 18,
      transport: "webtransport",
      capabilities: { fetch: true, discover: true, datagrams: true },
    });
  });

  it.each(CLASSES)("publishes %s to Node", async (delivery) => {
    const track = `${name}-out-${delivery}`;
    await browser.call("publish", name, track, optionsOf(delivery));
    await browser.call("send", track, ["*first"]);
    const reader = node.subscribe(["browser", track]);
    await reader.ready;
    expect(reader.delivery).toBe(delivery);
    const got: string[] = [];
    reader.onReadable(() => {
      reader.drain(({ bytes }) => got.push(decoder.decode(bytes)));
    });
    await eventually(
      () => got,
      (texts) => texts.includes("first"),
    );
    for (let i = 0; i < 30; i++) {
      await browser.call("send", track, [`${i}`]);
    }
    await browser.call("send", track, [""]);
    await eventually(
      () => got,
      (texts) => texts.includes(""),
    );
    const numbers = got.filter((text) => /^\d+$/.test(text)).map(Number);
    if (delivery === "reliable") expect(numbers).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
    reader.close();
    await browser.call("end", track);
  });

  it.each(CLASSES)("subscribes to %s from Node", async (delivery) => {
    const track = `${name}-in-${delivery}`;
    const publication = node.publish(["browser", track], optionsOf(delivery));
    await publication.ready;
    publication.keyframe(encoder.encode("first"));
    expect(await browser.call("subscribe", name, track, {})).toEqual({ delivery });
    const got: string[] = [];
    const drain = async () => {
      got.push(...(await browser.call("drain", track)));
      return got;
    };
    await eventually(drain, (texts) => texts.includes("first"));
    for (let i = 0; i < 30; i++) {
      publication.send(encoder.encode(`${i}`));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    publication.send(new Uint8Array(0));
    await eventually(drain, (texts) => texts.includes(""));
    const numbers = got.filter((text) => /^\d+$/.test(text)).map(Number);
    if (delivery === "reliable") expect(numbers).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    await publication.end();
    await eventually(
      () => browser.call("log", `${track}:ends`),
      (ends) => ends?.length === 1,
    );
    expect(await browser.call("log", `${track}:ends`)).toEqual([["ended", undefined]]);
  });

  it("keeps a burst of groups in order beyond the 100 streams that the browser grants", async () => {
    const track = `${name}-burst`;
    await browser.call("publish", name, track, { delivery: "reliable" });
    const reader = node.subscribe(["browser", track], { start: "now" });
    await reader.ready;
    await eventually(
      () => browser.call("subscribers", track),
      (count) => count === 1,
    );
    const texts = Array.from({ length: 400 }, (_, i) => `*${i}`);
    expect(await browser.call("send", track, texts)).toBe(400);
    const got: string[] = [];
    for await (const batch of reader) {
      for (const { bytes } of batch) got.push(decoder.decode(bytes));
      if (got.length >= 400) break;
    }
    expect(got).toEqual(texts.map((text) => text.slice(1)));
    await browser.call("end", track);
  });

  it("waits for streams that the relay, a fifth of a second away, grants late", async () => {
    await using far = await startImpair({ target: new URL(relay.url).host, both: { delay: 100 } });
    const [track, client] = [`${name}-far`, `${name}-far`];
    const url = `https://${far.host}:${far.port}/`;
    expect((await browser.call("connect", client, url, { ...trusted(), worker })).error).toBe(
      undefined,
    );
    await browser.call("publish", client, track, { delivery: "reliable" });
    const reader = node.subscribe(["browser", track], { start: "now" });
    await reader.ready;
    await eventually(
      () => browser.call("subscribers", track),
      (count) => count === 1,
    );
    // Each text is a stream; at first the relay grants 128, and hears of the first after 100 ms.
    const texts = Array.from({ length: 400 }, (_, i) => `*${i}`);
    expect(await browser.call("send", track, texts)).toBe(400);
    const got: string[] = [];
    await eventually(
      () => {
        reader.drain(({ bytes }) => got.push(decoder.decode(bytes)));
        return got.length;
      },
      (count) => count >= 400,
      20_000,
    );
    expect(got).toEqual(texts.map((text) => text.slice(1)));
    reader.close();
    await browser.call("close", client);
  });

  it("receives 400 groups and an object of 2 MB in order", async () => {
    const track = `${name}-large`;
    const publication = node.publish(["browser", track], { queueBytes: 8 * 1024 * 1024 });
    await publication.ready;
    await browser.call("subscribe", name, track, { start: "now" });
    const large = "x".repeat(2_000_000);
    for (let i = 0; i < 400; i++) {
      while (!publication.keyframe(encoder.encode(`${i}`))) await publication.writable();
    }
    while (!publication.send(encoder.encode(large))) await publication.writable();
    const got: string[] = [];
    await eventually(
      async () => {
        got.push(...(await browser.call("drain", track)));
        return got.length;
      },
      (count) => count >= 401,
      20_000,
    );
    expect(got.slice(0, 400)).toEqual(Array.from({ length: 400 }, (_, i) => `${i}`));
    expect(got[400]?.length).toBe(large.length);
    expect((await browser.call("stats", track))?.gaps).toBe(0);
    await publication.end();
  });

  it("ends on the last update when far more are sent than the network takes", async () => {
    const track = `${name}-latest`;
    await browser.call("publish", name, track, { delivery: "latest" });
    const reader = node.subscribe(["browser", track], { start: "now" });
    await reader.ready;
    await eventually(
      () => browser.call("subscribers", track),
      (count) => count === 1,
    );
    const filler = "y".repeat(20_000);
    const texts = Array.from({ length: 1_000 }, (_, i) => `${i}|${filler}`);
    expect(await browser.call("send", track, texts)).toBe(1_000);
    const got: number[] = [];
    await eventually(
      () => {
        reader.drain(({ bytes }) => got.push(Number.parseInt(decoder.decode(bytes), 10)));
        return got;
      },
      (numbers) => numbers[numbers.length - 1] === 999,
      20_000,
    );
    expect(got).toEqual([...got].sort((a, b) => a - b));
    reader.close();
    await browser.call("end", track);
  });

  it("names the limit of a datagram and the missing track", async () => {
    const track = `${name}-limits`;
    await browser.call("publish", name, track, { delivery: "datagram" });
    const error = await browser.call("sendError", track, 1_200);
    expect(error).toMatchObject({ code: "too_large", isMoqError: true });
    expect(error?.message).toMatch(/1200 bytes.*at most 1090/);
    await browser.call("end", track);
    const missing = await browser.call("subscribe", name, `${name}-missing`, {});
    expect(missing.error).toMatchObject({ code: "not_found", isMoqError: true });
  });

  it("closes once and delivers nothing afterwards", async () => {
    const track = `${name}-close`;
    const publication = node.publish(["browser", track]);
    publication.keyframe(encoder.encode("1"));
    await publication.ready;
    await browser.call("subscribe", name, track, {});
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await browser.call("close", name)).toBe("closed");
    expect(await browser.call("drain", track)).toEqual([]);
    expect(await browser.call("log", `${track}:ends`)).toEqual([["closed", undefined]]);
    expect(await browser.call("states", name)).toEqual([["closed", undefined]]);
    await publication.end();
  });
});

describe("what can go wrong", () => {
  it("refuses addresses and options with a message that says what to do", async () => {
    const problem = async (url: string, options: object) =>
      (await browser.call("connect", "bad", url, options)).error?.message ?? "";
    expect(await problem("http://127.0.0.1:4443", {})).toMatch(/begins with http:\/\/.*https:\/\//);
    expect(await problem("moqt://127.0.0.1:4443", {})).toMatch(/https:\/\//);
    expect(await problem("nonsense", {})).toMatch(/no URL/);
    expect(await problem("https://127.0.0.1:1/#x", {})).toMatch(/fragment/);
    expect(await problem(relay.url, { serverCertificateHashes: ["12"] })).toMatch(/64 hexadecimal/);
    expect(await problem(relay.url, { conectTimeout: 1 })).toMatch(/connectTimeout\?/);
  });

  it.each([false, true])("tells of a wrong certificate hash (worker: %s)", async (worker) => {
    const { error } = await browser.call("connect", "bad", relay.url, {
      serverCertificateHashes: ["00".repeat(32)],
      connectTimeout: 60_000,
      worker,
    });
    expect(error).toMatchObject({ code: "connection_failed", isMoqError: true });
    expect(error?.message).toMatch(/SHA-256 of the relay's present certificate/);
  });

  it.each([false, true])("tells of a port where nothing listens (worker: %s)", async (worker) => {
    const gone = await startRelay();
    const { url } = gone;
    await gone.close();
    const { error } = await browser.call("connect", "bad", url, {
      ...trusted(),
      connectTimeout: 3_000,
      worker,
    });
    expect(["connection_failed", "timeout"]).toContain(error?.code);
    expect(error?.message).toMatch(/Check/);
  });

  it("tells of a token that the relay does not know", async () => {
    const guarded = await startRelay({
      tokens: { tokens: { secret: { publish: ["*"], subscribe: ["*"] } } },
    });
    const options = { serverCertificateHashes: [guarded.certificateHash] };
    const { error } = await browser.call("connect", "bad", guarded.url, {
      ...options,
      token: "wrong",
    });
    expect(error?.code).toBe("unauthorized");
    expect(error?.message).toContain("option token");
    const good = await browser.call("connect", "good", guarded.url, {
      ...options,
      token: "secret",
    });
    expect(good.error).toBeUndefined();
    expect(await browser.call("close", "good")).toBe("closed");
    await guarded.close();
  });

  it.each([false, true])("tells when the relay disappears (worker: %s)", async (worker) => {
    const name = `lost-${worker}`;
    const brief = await startRelay();
    const hashes = { serverCertificateHashes: [brief.certificateHash] };
    await browser.call("connect", name, brief.url, { ...hashes, worker, reconnect: false });
    const publisher = await connect(brief.memoryUrl);
    const publication = publisher.publish(["browser", name]);
    await publication.ready;
    publication.keyframe(encoder.encode("1"));
    await browser.call("subscribe", name, name, {});
    await brief.close();
    await eventually(
      () => browser.call("state", name),
      (state) => state === "closed",
      20_000,
    );
    const ends = await browser.call("log", `${name}:ends`);
    expect(ends?.length).toBe(1);
    const states = (await browser.call("states", name)) as [string, string][];
    expect(states.map(([state]) => state)).toEqual(["closed"]);
    expect(states[0]?.[1]).toBeDefined();
    await publisher.close();
  });
});
