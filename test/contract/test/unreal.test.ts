import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeHost, unrealHost } from "@moq-game/contract/hosts";
import { type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, it } from "vitest";
import { makeCertificate } from "../../../tools/certificate.mjs";
import { contractCases, type Host, runCase } from "../src/index.js";

/** The suite that every client implementation passes, in a Puerts host: with itself, and with Node. */
const folder = mkdtempSync(join(tmpdir(), "moq-game-unreal-"));
const { cert, key } = makeCertificate(folder);
let relay: Relay;

const start = (port: number): Promise<Relay> =>
  startRelay({ listen: `127.0.0.1:${port}`, certificate: cert, key });

async function restart(): Promise<void> {
  const { port } = relay;
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
});

afterAll(async () => {
  await relay?.close();
  rmSync(folder, { recursive: true });
});

const unreal = (): Host => unrealHost(relay);
const node = (): Host => nodeHost(relay, "quic");

const pairs: readonly [name: string, publisher: () => Host, subscriber: () => Host][] = [
  ["Unreal → Unreal", unreal, unreal],
  ["Unreal → Node", unreal, node],
  ["Node → Unreal", node, unreal],
];

describe.each(pairs)("%s", (_, publisher, subscriber) => {
  for (const contractCase of contractCases) {
    it(contractCase.name, () =>
      runCase(
        contractCase,
        publisher(),
        subscriber(),
        inspect,
        contractCase.cut === undefined ? undefined : restart,
      ),
    );
  }
});
