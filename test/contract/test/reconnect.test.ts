import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ChromiumHost,
  clientHost,
  MemoryNetwork,
  nodeHost,
  startChromium,
} from "@moq-game/contract/hosts";
import { type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, it } from "vitest";
import { makeCertificate } from "../../../tools/certificate.mjs";
import { contractCases, type Host, runCase } from "../src/index.js";

/**
 * Chromium (seen in 156) crashes a page whose session the relay closes while the end of one of its
 * streams is not acknowledged. So long in ms before the relay goes, for acknowledgements to arrive.
 */
const SETTLE = 200;

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
  const folder = mkdtempSync(join(tmpdir(), "moq-game-contract-"));
  const { cert, key } = makeCertificate(folder);
  let relay: Relay;
  let chromium: ChromiumHost;

  const start = (port: number): Promise<Relay> =>
    startRelay({ listen: `127.0.0.1:${port}`, certificate: cert, key });

  async function restart(): Promise<void> {
    const { port } = relay;
    await new Promise((resolve) => setTimeout(resolve, SETTLE));
    await relay.close();
    relay = await start(port);
  }

  function inspect(): unknown {
    try {
      return relay.stats();
    } catch (error) {
      return `between two relays: ${error}`;
    }
  }

  beforeAll(async () => {
    relay = await start(0);
    chromium = await startChromium(new URL("./page.ts", import.meta.url));
  }, 60_000);

  afterAll(async () => {
    await chromium?.close();
    await relay?.close();
    rmSync(folder, { recursive: true });
  });

  const quic = (): Host => nodeHost(relay, "quic");
  const webtransport = (): Host => nodeHost(relay, "webtransport");
  const page = (): Host => chromium.host(relay, false);
  const worker = (): Host => chromium.host(relay, true);

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
        runCase(contractCase, publisher(), subscriber(), inspect, restart),
      );
    }
  });
});
