import {
  type ChromiumHost,
  clientHost,
  MemoryNetwork,
  nodeHost,
  startChromium,
} from "@moq-game/contract/hosts";
import { afterAll, beforeAll, describe, it } from "vitest";
import { contractCases, type Host, runCase } from "../src/index.js";
import { RestartableRelay } from "./relay.js";

const cases = contractCases.filter(({ cut }) => cut !== undefined);

describe("core over memory, without a relay", () => {
  for (const contractCase of cases) {
    if (contractCase.relay !== undefined) {
      it.skip(`${contractCase.name} (not without a relay: ${contractCase.relay})`, () => {});
      continue;
    }
    it(contractCase.name, async () => {
      const network = new MemoryNetwork();
      const [publisher, subscriber] = await network.clients();
      const [one, other] = [clientHost(publisher), clientHost(subscriber)];
      await runCase(contractCase, one, other, undefined, () => network.cut());
    });
  }
});

describe("through a relay that is started again", () => {
  const relay = new RestartableRelay();
  let chromium: ChromiumHost;

  beforeAll(async () => {
    await relay.start();
    chromium = await startChromium(new URL("./page.ts", import.meta.url));
  }, 60_000);

  afterAll(async () => {
    await chromium?.close();
    await relay.close();
  });

  const quic = (): Host => nodeHost(relay.now, "quic");
  const webtransport = (): Host => nodeHost(relay.now, "webtransport");
  const page = (): Host => chromium.host(relay.now, false);
  const worker = (): Host => chromium.host(relay.now, true);

  const pairs: readonly [name: string, publisher: () => Host, subscriber: () => Host][] = [
    ["Chromium → Chromium", page, page],
    ["Chromium → Chromium with a worker", page, worker],
    ["Chromium with a worker → Chromium", worker, page],
    ["node over QUIC → node over QUIC", quic, quic],
    ["node over WebTransport → node over QUIC", webtransport, quic],
    ["node over QUIC → Chromium", quic, page],
    ["Chromium → node over QUIC", page, quic],
  ];

  describe.each(pairs)("%s", (_, publisher, subscriber) => {
    for (const contractCase of cases) {
      it(contractCase.name, () =>
        runCase(contractCase, publisher(), subscriber(), relay.inspect, relay.restart),
      );
    }
  });
});
