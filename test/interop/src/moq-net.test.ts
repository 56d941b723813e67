/** Our relay and our client with `@moq/net`, the TypeScript client of moq-dev, in Chromium. */
import { type Client, connect, type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPage } from "./chromium.js";
import { moqNetLacks } from "./expectations.js";
import type { Strings } from "./moq-net-page.js";
import { note } from "./results.js";

let relay: Relay;
let ours: Client;
let opened: Awaited<ReturnType<typeof openPage>>;

beforeAll(async () => {
  relay = await startRelay({ listen: "127.0.0.1:0" });
  ours = await connect(relay.url, { serverCertificateHashes: [relay.certificateHash] });
  opened = await openPage("./moq-net-page.ts", "moqNetRead");
});

afterAll(async () => {
  await opened?.close();
  await ours?.close();
  await relay?.close();
});

/** A case for the page: noted as it ends. */
function played(name: string, run: () => Promise<void>): void {
  test(name, async () => {
    const of = { kind: "case", client: "@moq/net", transport: "WebTransport", name } as const;
    const lack = moqNetLacks[name];
    const expected = lack === undefined ? "passes" : "fails";
    const complaint = await run().then(
      () => undefined,
      (error: Error) => error.message,
    );
    note({ ...of, ok: complaint === undefined, expected, why: lack?.why ?? null });
    if (lack === undefined) expect(complaint).toBeUndefined();
    else expect(complaint).toMatch(lack.complaint);
  });
}

/** Strings that follow each other: a reader begins at the newest. */
function consecutive(strings: Strings, track: string): void {
  const first = Number(strings[0]?.split(" ")[1]);
  expect(strings).toEqual(strings.map((_, i) => `${track} ${first + i}`));
}

describe("@moq/net over WebTransport", () => {
  played("set-up: draft-18 is negotiated", async () => {
    const args = [relay.url, relay.certificateHash] as const;
    const version = await opened.page.evaluate((list) => window.moqNetConnect(...list), args);
    expect(version).toBe("moq-transport-18");
  });

  played("it publishes, our client discovers and subscribes", async () => {
    await opened.page.evaluate(() => window.moqNetPublish("theirs/room", "chat"));
    for await (const change of ours.discover(["theirs"])) {
      expect(change).toMatchObject({ kind: "added", namespace: ["theirs", "room"] });
      break;
    }
    const got: string[] = [];
    const reader = ours.subscribe(["theirs/room", "chat"]);
    for await (const batch of reader) {
      for (const { bytes } of batch) got.push(new TextDecoder().decode(bytes));
      if (got.length >= 10) break;
    }
    consecutive(got, "chat");
  });

  played("our client publishes, it discovers and subscribes before the first object", async () => {
    const track = ours.publish(["ours/room", "chat"]);
    await track.ready;
    const rest = await opened.page.evaluate(() => window.moqNetAnnounced("ours"));
    expect(rest).toBe("room");
    let n = 0;
    const writing = setInterval(() => {
      if (track.subscribers > 0) track.keyframe(new TextEncoder().encode(`chat ${n++}`));
    }, 20);
    try {
      const got = await opened.page.evaluate(() => window.moqNetRead("ours/room", "chat", 10));
      consecutive(got, "chat");
    } finally {
      clearInterval(writing);
      await track.end();
    }
  });

  played("it subscribes to a track that has objects", async () => {
    const track = ours.publish(["ours/hall", "chat"]);
    await track.ready;
    track.keyframe(new TextEncoder().encode("chat 0"));
    const first = ours.subscribe(["ours/hall", "chat"]);
    await first.ready;
    try {
      await opened.page.evaluate(() => window.moqNetRead("ours/hall", "chat", 1));
    } finally {
      first.close();
      await track.end();
    }
  });
});
