import { type Host, Post } from "@moq-game/contract";
import { type ChromiumHost, nodeHost, startChromium } from "@moq-game/contract/hosts";
import { type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isolationCases, publishing, TROUBLE, UNDISTURBED } from "../src/isolation-cases.js";
import { openLink } from "./links.js";
import { replayable } from "./seed.js";

let relay: Relay;
let chromium: ChromiumHost;

beforeAll(async () => {
  // A small window, so that who does not keep up leaves it; it still is a second of what is sent.
  relay = await startRelay({ limits: { queueBytes: 256 * 1024 } });
  chromium = await startChromium(new URL("./page.ts", import.meta.url));
});

afterAll(async () => {
  await chromium?.close();
  await relay?.close();
});

it("subscribers do not notice one that stops, one on a slow link and those that leave", () =>
  replayable(async () => {
    const narrow = await openLink(relay, "isolation, slow", {
      delay: 30,
      rate: 20_000,
      queue: 16 * 1024,
    });
    const node = nodeHost(relay, "quic");
    const page = chromium.host(relay, false);
    const post = new Post(() => {});
    const namespace = `isolation/${Date.now().toString(36)}`;
    const play = async (name: string, host: Host, side: "publisher" | "subscriber") => {
      const found = isolationCases.find((each) => each.name === name);
      if (found === undefined) throw new Error(`no case "${name}"`);
      try {
        await host.play(found, side, namespace, post);
      } catch (error) {
        post.fail();
        throw new Error(`who ${name}: ${(error as Error).message}`);
      }
    };
    const subscribers: readonly [name: string, host: Host][] = [
      [UNDISTURBED[0], node],
      [UNDISTURBED[1], page],
      [TROUBLE.stops, nodeHost(relay, "webtransport")],
      [TROUBLE.stopsInChromium, chromium.host(relay, true)],
      [TROUBLE.slow, nodeHost(narrow.address, "quic")],
      [TROUBLE.leaves, node],
      [TROUBLE.unsubscribes, page],
    ];
    const everybody = (async () => {
      for (const [name] of subscribers) await post.told(`${name} is there`);
      post.tell("everybody");
      for (const name of UNDISTURBED) await post.told(`${name} to the end`);
      post.tell("over");
    })();
    try {
      await Promise.all([
        play(publishing.name, node, "publisher"),
        Promise.all(subscribers.map(([name, host]) => play(name, host, "subscriber"))).then(() =>
          post.tell("all looked"),
        ),
        everybody,
      ]);
      // The trouble was real: it left the relay's window.
      const { requests } = relay.stats() as { requests: { too_far_behind: number } };
      expect(requests.too_far_behind).toBeGreaterThan(0);
    } finally {
      await narrow.proxy.close();
    }
  }));
