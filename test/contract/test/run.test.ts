import { connectedPair, type Host as Surroundings } from "@moq-game/core";
import { expect, it } from "vitest";
import { type ContractCase, type Host, playWith, runCase } from "../src/index.js";
import { until } from "../src/role.js";

const surroundings: Surroundings = {
  now: () => performance.now(),
  setTimer: (run, ms) => setTimeout(run, ms),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

it("a case that fails shows the counters of both clients and what lies between them", async () => {
  const clients = await connectedPair(surroundings);
  const [publisher, subscriber] = clients.map(
    (client, i): Host => ({
      name: `host ${i}`,
      play: (contractCase, side, namespace, post) =>
        playWith(client, contractCase, side, namespace, post),
    }),
  ) as [Host, Host];
  const stuck: ContractCase = {
    name: "stuck",
    async publisher(role) {
      role.client.publish([role.namespace, "track"]).keyframe(new Uint8Array(3));
      await role.told("done");
    },
    async subscriber(role) {
      await until(
        role,
        () => false,
        () => "0 of 1",
        20,
      );
    },
  };
  const failed = runCase(stuck, publisher, subscriber, () => ({ relay: "fine" }));
  const { message } = await failed.then(
    () => expect.fail("it passed"),
    (error: Error) => error,
  );
  expect(message).toMatch(
    /^subscriber on host 1: 0 of 1 \(after 20 ms\)\n {2}its client: \{.*\}\n/,
  );
  expect(message).toContain('between them: {"relay":"fine"}');
  expect(message).toMatch(
    /publisher on host 0: the other side failed\n {2}its client: .*"bytes":3/,
  );
});
