import { type Client, connectedPair, type Host as Surroundings } from "@moq-game/core";
import { describe, it } from "vitest";
import { contractCases, type Host, playWith, runCase } from "../src/index.js";

const surroundings: Surroundings = {
  now: () => performance.now(),
  setTimer: (run, ms) => setTimeout(run, ms),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

function host(name: string, client: Client): Host {
  return {
    name,
    play: (contractCase, side, namespace, post) =>
      playWith(client, contractCase, side, namespace, post),
  };
}

/** The client in TypeScript against itself, with nothing between but the in-memory transport. */
describe("core over memory, without a relay", () => {
  for (const contractCase of contractCases) {
    if (contractCase.relay !== undefined) {
      it.skip(`${contractCase.name} (not without a relay: ${contractCase.relay})`, () => {});
      continue;
    }
    it(contractCase.name, async () => {
      const [publisher, subscriber] = await connectedPair(surroundings);
      await runCase(contractCase, host("core", publisher), host("core", subscriber));
    });
  }
});
