import { collect } from "../collect.js";
import { publishing, statusUntil, subscribing } from "../opening.js";
import {
  type ContractCase,
  check,
  equal,
  failure,
  last,
  numbered,
  range,
  rising,
  until,
} from "../role.js";

/** Rounds of 150 datagrams; each begins when the one before is there. */
const DATAGRAM_ROUNDS = 20;

export const unreliableCases: readonly ContractCase[] = [
  {
    name: "latest: never goes back, and ends on the last update",
    async publisher(role) {
      const track = await publishing(role, "poses", { delivery: "latest" });
      for (const i of range(300)) {
        track.send(numbered(i, 200));
        if (i % 10 === 9) await role.sleep(5);
      }
      await role.told("done");
    },
    async subscriber(role) {
      const { subscription, seen } = await subscribing(role, "poses");
      equal(subscription.delivery, "latest", "delivery class");
      await until(
        role,
        () => last(seen.numbers) === 299,
        () => `ended at ${last(seen.numbers)}`,
      );
      check(rising(seen.numbers), "an older update came after a newer one");
      role.tell("done");
    },
  },
  {
    name: "latest: a late joiner gets the newest update at once",
    async publisher(role) {
      const track = role.client.publish([role.namespace, "poses"], { delivery: "latest" });
      await track.ready;
      for (const i of range(5)) track.send(numbered(i));
      role.tell("published");
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      // Some may have been replaced before they left: the newest is known by coming and staying.
      const { largest } = await statusUntil(role, "poses", ({ largest }) => largest !== undefined);
      check(largest?.object === 0, `an update is a group of one object, not ${largest?.object}`);
      const seen = collect(role.client.subscribe([role.namespace, "poses"]));
      await until(
        role,
        () => last(seen.numbers) === 4,
        () => `ended at ${last(seen.numbers)}`,
      );
      check(rising(seen.numbers), "order");
      role.tell("done");
    },
  },
  {
    name: "latest: a pose of 17 kB, more than any datagram, arrives whole",
    async publisher(role) {
      const track = await publishing(role, "mocap", { delivery: "latest" });
      for (const i of range(30)) {
        track.send(numbered(i, 17_000));
        await role.sleep(16);
      }
      await role.told("done");
    },
    async subscriber(role) {
      const { seen } = await subscribing(role, "mocap");
      await until(
        role,
        () => last(seen.numbers) === 29,
        () => `ended at ${last(seen.numbers)}`,
      );
      check(rising(seen.numbers), "order");
      role.tell("done");
    },
  },
  {
    name: "deadline: what is in time arrives in order, with the publisher's time",
    async publisher(role) {
      const track = await publishing(role, "voice", {
        delivery: "deadline",
        deadline: 30_000,
      });
      for (const i of range(50)) {
        track.send(numbered(i));
        await role.sleep(5);
      }
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const subscription = role.client.subscribe([role.namespace, "voice"]);
      await subscription.ready;
      equal(subscription.delivery, "deadline", "delivery class");
      let stamped = 0;
      const numbers: number[] = [];
      const read = (): void => {
        subscription.drain((object) => {
          numbers.push(object.bytes[3] ?? -1);
          if (object.publishedAt !== undefined && object.publishedAt > 1.6e12) stamped += 1;
        });
      };
      subscription.onReadable(read);
      role.tell("subscribed");
      await until(
        role,
        () => numbers.length >= 50,
        () => `${numbers.length} of 50`,
      );
      equal(numbers, range(50), "updates");
      equal(stamped, 50, "updates that carry their time");
      role.tell("done");
    },
  },
  {
    name: "datagram: only newer updates, most of them, the session stays up for thousands",
    async publisher(role) {
      const track = await publishing(role, "input", { delivery: "datagram" });
      let sent = 0;
      const send = (): void => {
        track.send(numbered(sent, 100));
        sent += 1;
      };
      // Not faster than the other side reads: what a slow machine cannot take is dropped, and says nothing.
      for (const round of range(DATAGRAM_ROUNDS)) {
        let arrived = false;
        const ahead = (): void => {
          arrived = true;
        };
        void role.told(`round ${round}`).then(ahead, ahead);
        for (let i = 0; i < 150 || !arrived; i++) {
          send();
          if (i % 20 === 19 || i >= 150) await role.sleep(4);
        }
      }
      role.tell("sent", sent);
      await role.told("done");
      equal(role.client.state, "open", "state of the publisher");
    },
    async subscriber(role) {
      const { subscription, seen } = await subscribing(role, "input");
      equal(subscription.delivery, "datagram", "delivery class");
      for (const round of range(DATAGRAM_ROUNDS)) {
        const due = (round + 1) * 150 - 1;
        await until(
          role,
          () => (last(seen.numbers) ?? 0) >= due,
          () => `ended at ${last(seen.numbers)} in round ${round}`,
        );
        role.tell(`round ${round}`);
      }
      const sent = Number(await role.told("sent"));
      check(rising(seen.numbers), "an older update came after a newer one");
      const got = seen.numbers.length;
      check(sent >= 3_000 && got > sent / 2, `only ${got} of ${sent} on a quiet network`);
      equal(role.client.state, "open", "state of the subscriber");
      role.tell("done");
    },
  },
  {
    name: "datagram: one over the limit is refused with the limit; the others go on",
    async publisher(role) {
      const track = await publishing(role, "input", { delivery: "datagram" });
      track.send(numbered(1, 1_000));
      const error = await failure("a datagram of 5,000 bytes", () =>
        track.send(numbered(2, 5_000)),
      );
      equal(error.code, "too_large", "code");
      check(/\d{3,4}/.test(error.message), `the message names no limit: ${error.message}`);
      for (const i of range(20, 3)) {
        track.send(numbered(i, 64));
        await role.sleep(10);
      }
      role.tell("sent");
      await role.told("done");
    },
    async subscriber(role) {
      const { seen } = await subscribing(role, "input");
      await until(
        role,
        () => (last(seen.numbers) ?? 0) >= 20,
        () => `ended at ${last(seen.numbers)}`,
      );
      await role.told("sent");
      check(!seen.numbers.includes(2), "the refused update arrived");
      equal(seen.ends.length, 0, "ends");
      role.tell("done");
    },
  },
];
