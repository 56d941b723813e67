import type { ClientState } from "@moq-game/core";
import { type Collected, collect } from "../collect.js";
import {
  brokenRounds,
  type ContractCase,
  check,
  equal,
  last,
  numbered,
  type Role,
  range,
  rising,
  until,
} from "../role.js";

const CUT = "the connection has to be lost on purpose";

/** Every state that the client is in from now on. */
function follow(role: Role): ClientState[] {
  const states: ClientState[] = [];
  role.client.onState((state) => states.push(state));
  return states;
}

/** Runs `work` at the moment at which the loss is noticed. */
function whenLost(role: Role, work: () => void): void {
  const stop = role.client.onState((state) => {
    if (state !== "reconnecting") return;
    stop();
    work();
  });
}

function restored(role: Role, states: readonly ClientState[]): Promise<void> {
  return until(
    role,
    () => role.client.state === "open" && states.includes("open"),
    () => `the connection was not made again: ${states.join(", ")}`,
    30_000,
  );
}

function checkRounds(role: Role, states: readonly ClientState[]): void {
  const broken = brokenRounds(states, role.client.stats().reconnects);
  check(broken === undefined, `${broken}`);
}

function arrived(role: Role, seen: Collected, newest: number): Promise<void> {
  return until(
    role,
    () => last(seen.numbers) === newest,
    () => `${newest} did not arrive; got ${seen.numbers}, gaps ${JSON.stringify(seen.gaps)}`,
    30_000,
  );
}

export const reconnectCases: readonly ContractCase[] = [
  {
    name: "reconnect: a reliable track goes on where each subscription stood",
    cut: CUT,
    async publisher(role) {
      const states = follow(role);
      const track = role.client.publish([role.namespace, "log"]);
      await track.ready;
      track.keyframe(numbered(0));
      role.tell("published");
      await role.told("subscribed");
      for (let i = 1; i < 10; i++) track.send(numbered(i));
      await role.told("ten");
      whenLost(role, () => {
        for (let i = 10; i < 15; i++) check(track.send(numbered(i)), `${i} was not accepted`);
      });
      await role.cut();
      await restored(role, states);
      for (let i = 15; i < 20; i++) track.send(numbered(i));
      await role.told("done");
      checkRounds(role, states);
      role.tell("checked");
    },
    async subscriber(role) {
      const states = follow(role);
      await role.told("published");
      const seen = collect(role.client.subscribe([role.namespace, "log"]));
      await arrived(role, seen, 0);
      role.tell("subscribed");
      await arrived(role, seen, 9);
      role.tell("ten");
      await arrived(role, seen, 19);
      equal(seen.numbers, range(20), "objects");
      equal(seen.gaps, [], "gaps");
      checkRounds(role, states);
      role.tell("done");
      // Without a relay, the end of one client is a loss for the other.
      await role.told("checked");
    },
  },
  {
    name: "reconnect: groups that went by meanwhile are told as gaps",
    cut: CUT,
    async publisher(role) {
      const track = role.client.publish([role.namespace, "world"]);
      await track.ready;
      track.keyframe(numbered(0));
      role.tell("published");
      await role.told("subscribed");
      whenLost(role, () => {
        for (let i = 1; i < 6; i++) check(track.keyframe(numbered(i)), `${i} was not accepted`);
      });
      await role.cut();
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const seen = collect(role.client.subscribe([role.namespace, "world"]));
      await arrived(role, seen, 0);
      role.tell("subscribed");
      await arrived(role, seen, 5);
      // All but the newest went by meanwhile; a client that was back before it was given them has sent them live.
      check(rising(seen.numbers), `objects ${seen.numbers}`);
      const first = seen.objects[0]?.group ?? 0;
      const told = `gaps after group ${first}: ${JSON.stringify(seen.gaps)}`;
      // Of the first one the rest is missed.
      for (const number of range(5, 1)) {
        const group = first + number;
        const gaps = seen.gaps.filter((gap) => gap.fromGroup <= group && group <= gap.toGroup);
        const came = seen.numbers.includes(number);
        check(came === (gaps.length === 0), `group ${group} ${came ? "came" : "did not"}; ${told}`);
        check(
          gaps.every(({ reason }) => reason === "reconnected"),
          told,
        );
      }
      role.tell("done");
    },
  },
  ...(["latest", "deadline", "datagram"] as const).map(
    (delivery): ContractCase => ({
      name: `reconnect: ${delivery} goes on, and never goes back`,
      cut: CUT,
      async publisher(role) {
        const states = follow(role);
        // Longer than any pause of a busy machine.
        const options = delivery === "deadline" ? { delivery, deadline: 30_000 } : { delivery };
        const track = role.client.publish([role.namespace, "pose"], options);
        await track.ready;
        role.tell("published");
        await role.told("subscribed");
        track.send(numbered(0));
        await role.told("first");
        await role.cut();
        await restored(role, states);
        await until(
          role,
          () => track.subscribers > 0,
          () => "nobody subscribed again",
          30_000,
        );
        let arrived = false;
        void role.told("done").then(
          () => {
            arrived = true;
          },
          () => {
            arrived = true;
          },
        );
        for (let i = 1; !arrived && i < 1_000; i++) {
          track.send(numbered(i));
          await role.sleep(20);
        }
      },
      async subscriber(role) {
        await role.told("published");
        const subscription = role.client.subscribe([role.namespace, "pose"]);
        const seen = collect(subscription);
        await subscription.ready;
        role.tell("subscribed");
        await arrived(role, seen, 0);
        role.tell("first");
        await until(
          role,
          () => seen.numbers.length >= 5,
          () => `nothing after the loss: ${seen.numbers}`,
          30_000,
        );
        check(
          seen.numbers.every((n, i) => i === 0 || n > (seen.numbers[i - 1] ?? n)),
          `went back: ${seen.numbers}`,
        );
        equal(seen.ends.length, 0, "ends");
        role.tell("done");
      },
    }),
  ),
  {
    name: "reconnect: what is asked for meanwhile comes with the connection",
    cut: CUT,
    async publisher(role) {
      const states = follow(role);
      role.tell("here");
      await role.told("here too");
      whenLost(role, () => {
        role.client.publish([role.namespace, "late"]).keyframe(numbered(7));
      });
      await role.cut();
      await restored(role, states);
      role.tell("restored");
      await role.told("done");
    },
    async subscriber(role) {
      const asked: Collected[] = [];
      await role.told("here");
      whenLost(role, () => {
        asked.push(collect(role.client.subscribe([role.namespace, "late"], { wait: 30_000 })));
      });
      role.tell("here too");
      await until(
        role,
        () => asked[0] !== undefined && last(asked[0].numbers) === 7,
        () => `it did not arrive: ${role.client.state}, ${JSON.stringify(asked[0])}`,
        30_000,
      );
      await role.told("restored");
      role.tell("done");
    },
  },
  {
    name: "reconnect: closing meanwhile ends everything once",
    cut: CUT,
    async publisher(role) {
      const track = role.client.publish([role.namespace, "state"]);
      await track.ready;
      track.keyframe(numbered(0));
      role.tell("published");
      await role.told("subscribed");
      await role.cut();
      await role.told("done");
    },
    async subscriber(role) {
      const states = follow(role);
      await role.told("published");
      const seen = collect(role.client.subscribe([role.namespace, "state"]));
      await arrived(role, seen, 0);
      let closed: Promise<void> | undefined;
      whenLost(role, () => {
        closed = role.client.close();
      });
      role.tell("subscribed");
      await until(
        role,
        () => closed !== undefined,
        () => "the loss was not noticed",
        30_000,
      );
      await closed;
      await role.sleep(300);
      equal(states, ["reconnecting", "closed"], "states");
      equal(
        seen.ends.map((end) => end.kind),
        ["closed"],
        "ends",
      );
      role.tell("done");
    },
  },
];
