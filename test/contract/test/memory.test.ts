import { clientHost, surroundings } from "@moq-game/contract/hosts";
import { connectedPair } from "@moq-game/core";
import { describe, it } from "vitest";
import { contractCases, runCase } from "../src/index.js";

/** The client in TypeScript against itself, with nothing between but the in-memory transport. */
describe("core over memory, without a relay", () => {
  for (const contractCase of contractCases) {
    // In reconnect.test.ts, with connections that can be made anew.
    if (contractCase.cut !== undefined) continue;
    if (contractCase.relay !== undefined) {
      it.skip(`${contractCase.name} (not without a relay: ${contractCase.relay})`, () => {});
      continue;
    }
    it(contractCase.name, async () => {
      const [publisher, subscriber] = await connectedPair(surroundings);
      await runCase(contractCase, clientHost(publisher), clientHost(subscriber));
    });
  }
});
