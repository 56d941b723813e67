import { nodeHost, unrealHost } from "@moq-game/contract/hosts";
import { afterAll, beforeAll, describe, it } from "vitest";
import { contractCases, type Host, runCase } from "../src/index.js";
import { RestartableRelay } from "./relay.js";

/** The suite that every client implementation passes, in a Puerts host: with itself, and with Node. */
const relay = new RestartableRelay();

beforeAll(async () => {
  await relay.start();
});

afterAll(async () => {
  await relay.close();
});

const unreal = (): Host => unrealHost(relay.now);
const node = (): Host => nodeHost(relay.now, "quic");

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
        relay.inspect,
        contractCase.cut === undefined ? undefined : relay.restart,
      ),
    );
  }
});
