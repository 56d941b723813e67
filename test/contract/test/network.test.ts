import { type ChromiumHost, nodeHost, startChromium } from "@moq-game/contract/hosts";
import { type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, it } from "vitest";
import { contractCases, type Host, runCase } from "../src/index.js";

let relay: Relay;
let chromium: ChromiumHost;

beforeAll(async () => {
  relay = await startRelay({ listen: "127.0.0.1:0" });
  chromium = await startChromium(new URL("./page.ts", import.meta.url));
}, 60_000);

afterAll(async () => {
  await chromium?.close();
  await relay?.close();
});

const quic = (): Host => nodeHost(relay, "quic");
const webtransport = (): Host => nodeHost(relay, "webtransport");
const memory = (): Host => nodeHost(relay, "memory");
const page = (): Host => chromium.host(relay, false);
const worker = (): Host => chromium.host(relay, true);

/** Each client implementation in both roles, and each with each other, through the embedded relay. */
const pairs: readonly [name: string, publisher: () => Host, subscriber: () => Host][] = [
  ["node over QUIC → node over QUIC", quic, quic],
  ["node over WebTransport → node over WebTransport", webtransport, webtransport],
  ["node in the relay's process → node over QUIC", memory, quic],
  ["node over QUIC → node in the relay's process", quic, memory],
  ["node over QUIC → Chromium", quic, page],
  ["Chromium → node over QUIC", page, quic],
  ["Chromium → Chromium", page, page],
  ["node over QUIC → Chromium with a worker", quic, worker],
  ["Chromium with a worker → node over QUIC", worker, quic],
];

describe.each(pairs)("%s", (_, publisher, subscriber) => {
  for (const contractCase of contractCases) {
    // In reconnect.test.ts, with a relay of its own.
    if (contractCase.cut !== undefined) continue;
    it(contractCase.name, () =>
      runCase(contractCase, publisher(), subscriber(), () => relay.stats()),
    );
  }
});
