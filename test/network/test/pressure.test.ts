import type { Client, Delivery } from "@moq-game/core";
import { connect, type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLASSES } from "../src/delivery-case.js";
import { openLink } from "./links.js";
import { replayable } from "./seed.js";

/** 256 MB are offered to a link of 100 kB/s, as fast as the publisher can. */
const OFFERED = 256 * 1024 * 1024;
/** What a process may grow by meanwhile: the bounded queues of four tracks, and the runtime's own. */
const GROWTH = 96 * 1024 * 1024;
const QUEUE_BYTES = 1024 * 1024;

let relay: Relay;

beforeAll(async () => {
  relay = await startRelay();
});

afterAll(async () => {
  await relay?.close();
});

async function publish(client: Client, delivery: Delivery) {
  const track = client.publish(["pressure", delivery], { delivery, queueBytes: QUEUE_BYTES });
  await track.ready;
  return track;
}

describe("a publisher far above its link feels back-pressure instead of growing", () => {
  it.each(CLASSES)("%s", (delivery) =>
    replayable(async () => {
      const network = { delay: 20, rate: 100_000, queue: 24 * 1024 };
      const link = await openLink(relay, `pressure, ${delivery}`, network);
      const { url, certificateHash } = link.address;
      const trust = { serverCertificateHashes: [certificateHash] };
      const publisher = await connect(url.replace(/^https:/, "moqt:"), trust);
      const reader = await connect(relay.url, trust);
      try {
        const track = await publish(publisher, delivery);
        const subscription = reader.subscribe(["pressure", delivery]);
        await subscription.ready;
        let read = 0;
        subscription.onReadable(() => {
          subscription.drain(() => (read += 1));
        });
        const update = new Uint8Array(delivery === "datagram" ? 1_000 : 16 * 1024);
        const before = process.memoryUsage.rss();
        let refused = 0;
        for (let offered = 0; offered < OFFERED; offered += update.length) {
          if (!track.send(update)) refused += 1;
          // A game loop gives the runtime its turns.
          if (offered % (1024 * update.length) === 0) await new Promise((go) => setTimeout(go, 1));
        }
        // What was handed over meanwhile waits until the thread that sends has had its turn.
        const bound = QUEUE_BYTES + update.length + 10_000;
        await expect
          .poll(() => publisher.stats().publications[0]?.queuedBytes, { timeout: 5_000 })
          .toBeLessThanOrEqual(bound);
        const grown = process.memoryUsage.rss() - before;
        const counted = publisher.stats().publications[0];
        expect(grown).toBeLessThan(GROWTH);
        // Every class is refused when the thread that sends is not given its turn; only reliable must be.
        if (delivery === "reliable") expect(refused).toBeGreaterThan(1_000);
        else expect(counted?.dropped).toBeGreaterThan(1_000);
        await expect.poll(() => read, { timeout: 20_000 }).toBeGreaterThan(0);
      } finally {
        await Promise.all([publisher.close(), reader.close()]);
        await link.proxy.close();
      }
    }),
  );
});
