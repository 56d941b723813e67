import type { NamespaceChange } from "@moq-game/core";
import { publishing, statusUntil, subscribing } from "../opening.js";
import {
  type ContractCase,
  check,
  equal,
  failure,
  last,
  numbered,
  numberOf,
  range,
  until,
} from "../role.js";

function listen(changes: AsyncIterable<NamespaceChange>): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const change of changes) seen.push(`${change.kind} ${change.namespace.join("/")}`);
    seen.push("end");
  })();
  return seen;
}

export const discoveryCases: readonly ContractCase[] = [
  {
    name: "discover: namespaces that exist, appear and go away",
    async publisher(role) {
      const first = role.client.publish([`${role.namespace}/a`, "t"]);
      await first.ready;
      role.tell("first");
      await role.told("seen first");
      const second = role.client.publish([[...role.namespace.split("/"), "b", "c"], "t"]);
      await second.ready;
      await role.told("seen second");
      await first.end();
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("first");
      const seen = listen(role.client.discover(`${role.namespace}/`));
      const wait = (count: number): Promise<void> =>
        until(
          role,
          () => seen.length >= count,
          () => `saw only ${seen.join(", ")}`,
        );
      await wait(1);
      role.tell("seen first");
      await wait(2);
      role.tell("seen second");
      await wait(3);
      equal(
        seen,
        [`added ${role.namespace}/a`, `added ${role.namespace}/b/c`, `removed ${role.namespace}/a`],
        "changes",
      );
      role.tell("done");
    },
  },
  {
    name: "discover: two listeners share, and end with the client",
    async publisher(role) {
      const track = role.client.publish([`${role.namespace}/a`, "t"]);
      await track.ready;
      role.tell("published");
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const both = [
        listen(role.client.discover(role.namespace)),
        listen(role.client.discover(role.namespace)),
      ];
      await until(
        role,
        () => both.every((seen) => seen.length === 1),
        () => JSON.stringify(both),
      );
      await role.client.close();
      await until(
        role,
        () => both.every((seen) => last(seen) === "end"),
        () => JSON.stringify(both),
      );
      role.tell("done");
    },
  },
  {
    name: "fetch: the current group comes back whole and in order",
    async publisher(role) {
      const track = await publishing(role, "world");
      track.keyframe(numbered(0, 5_000));
      for (const i of range(19, 1)) track.send(numbered(i, 100));
      await role.told("done");
    },
    async subscriber(role) {
      const { seen } = await subscribing(role, "world");
      await until(
        role,
        () => seen.numbers.length === 20,
        () => `${seen.numbers.length} of 20`,
      );
      const group = seen.objects[0]?.group ?? 0;
      const fetched: number[] = [];
      const track = [role.namespace, "world"] as const;
      for await (const batch of role.client.fetch(track, { fromGroup: group, toGroup: group })) {
        for (const object of batch) fetched.push(numberOf(object.bytes));
      }
      equal(fetched, range(20), "fetched objects");
      const error = await failure("fetch of nothing", async () => {
        for await (const _ of role.client.fetch([role.namespace, "none"], {
          fromGroup: 0,
          toGroup: 1,
        }));
      });
      check(error.code === "not_found" || error.code === "invalid_argument", `code ${error.code}`);
      role.tell("done");
    },
  },
  {
    name: "status: the newest object and the class of a track are told",
    async publisher(role) {
      const track = role.client.publish([role.namespace, "poses"], { delivery: "latest" });
      await track.ready;
      track.send(numbered(1));
      role.tell("published");
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const status = await statusUntil(role, "poses", ({ largest }) => largest !== undefined);
      equal(status.delivery, "latest", "delivery class");
      check((status.largest?.group ?? 0) > 1e12, `newest group ${status.largest?.group}`);
      const error = await failure("status", () => role.client.status([role.namespace, "none"]));
      equal(error.code, "not_found", "code");
      role.tell("done");
    },
  },
];
