import { type Host, runCase } from "@moq-game/contract";
import {
  type ChromiumHost,
  nodeHost,
  type RelayAddress,
  startChromium,
} from "@moq-game/contract/hosts";
import { type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, it } from "vitest";
import { CONDITIONS } from "../src/conditions.js";
import { deliveryCases } from "../src/delivery-case.js";
import { openLinks } from "./links.js";
import { replayable, seed } from "./seed.js";

let relay: Relay;
let chromium: ChromiumHost;

beforeAll(async () => {
  console.log(`network: seed ${seed} (again: MOQ_NETWORK_SEED=${seed})`);
  relay = await startRelay();
  chromium = await startChromium(new URL("./page.ts", import.meta.url));
});

afterAll(async () => {
  await chromium?.close();
  await relay?.close();
});

type HostAt = (relay: RelayAddress) => Host;
const quic: HostAt = (address) => nodeHost(address, "quic");
const webtransport: HostAt = (address) => nodeHost(address, "webtransport");
const page: HostAt = (address) => chromium.host(address, false);
const worker: HostAt = (address) => chromium.host(address, true);

/** Publisher and subscriber; the relay is between them. */
const pairs: readonly [name: string, publisher: HostAt, subscriber: HostAt][] = [
  ["node → node", quic, quic],
  ["node → Chromium", quic, page],
  ["Chromium → node", page, quic],
];

/** Other ways in, on one network each. */
const more: readonly [name: string, publisher: HostAt, subscriber: HostAt, condition: number][] = [
  ["node → Chromium with a worker", webtransport, worker, 1],
  ["Chromium with a worker → node", worker, webtransport, 2],
];

describe("every promise of the delivery classes", () => {
  for (const [i, condition] of CONDITIONS.entries()) {
    const chosen = [...pairs, ...more.filter(([, , , only]) => only === i)];
    describe.concurrent(condition.name, () => {
      for (const [name, publisher, subscriber] of chosen) {
        it(name, () =>
          replayable(async () => {
            const links = await openLinks(relay, `${condition.name}, ${name}`, condition);
            try {
              await runCase(
                deliveryCases[i]!,
                links.withOutage(publisher(links.publisher.address)),
                subscriber(links.subscriber.address),
                () => links.stats(),
              );
            } finally {
              await links.close();
            }
          }),
        );
      }
    });
  }
});
