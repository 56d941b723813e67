import { type Host as CaseHost, playWith, runCase } from "@moq-game/contract";
import { type Client, connectedPair } from "@moq-game/core";
import { Random } from "@moq-game/impair/random";
import { afterEach, describe, it, vi } from "vitest";
import { CONDITIONS, type Condition } from "../src/conditions.js";
import { deliveryCases } from "../src/delivery-case.js";
import { replayable, seedFor } from "./seed.js";
import { MemoryNetwork, World } from "./world.js";

/** Runs of each condition; each has a seed of its own. */
const RUNS = 8;

afterEach(() => {
  vi.useRealTimers();
});

async function run(condition: Condition, index: number, seed: number): Promise<void> {
  const world = new World(new Random(seed));
  const network = new MemoryNetwork(world, condition);
  const window = network.window;
  const pair = connectedPair(
    world,
    { idleTimeout: 60_000 },
    { carrier: network.carry, ...(window === undefined ? {} : { connectionWindow: window }) },
  );
  const [publisher, subscriber] = await world.run(pair);
  const host = (client: Client): CaseHost => ({
    name: "core",
    play(contractCase, side, namespace, post) {
      if (side === "publisher" && condition.outage !== undefined) {
        post.told("midway").then(
          () => network.outage(),
          () => {},
        );
      }
      return playWith(client, contractCase, side, namespace, post, world.sleep);
    },
  });
  await world.run(runCase(deliveryCases[index]!, host(publisher), host(subscriber)));
}

/** The TypeScript client without a relay, sockets or real time: a seed gives exactly the same run again. */
describe("core over a bad network in memory", () => {
  it.each(CONDITIONS.map((condition, index) => [condition.name, condition, index] as const))(
    "%s",
    (name, condition, index) =>
      replayable(async () => {
        for (let i = 0; i < RUNS; i++) await run(condition, index, seedFor(`${name}, run ${i}`));
      }),
  );
});
