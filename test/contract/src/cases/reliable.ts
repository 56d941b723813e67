import { collect } from "../collect.js";
import { publishing, statusUntil, subscribing } from "../opening.js";
import { type ContractCase, check, equal, last, numbered, range, rising, until } from "../role.js";

const TRACK = "state";

export const reliableCases: readonly ContractCase[] = [
  {
    name: "reliable: 60 objects of one burst arrive once, in order",
    async publisher(role) {
      const track = await publishing(role, TRACK);
      track.keyframe(numbered(0));
      for (const i of range(59, 1)) check(track.send(numbered(i)), `object ${i} was refused`);
      await role.told("done");
    },
    async subscriber(role) {
      const { subscription, seen } = await subscribing(role, TRACK);
      equal(subscription.delivery, "reliable", "delivery class");
      await until(
        role,
        () => seen.numbers.length >= 60,
        () => `${seen.numbers.length} of 60`,
      );
      await role.sleep(50);
      equal(seen.numbers, range(60), "objects");
      equal(seen.gaps, [], "gaps");
      equal(seen.objects[0]?.keyframe, true, "the first object starts its group");
      role.tell("done");
    },
  },
  {
    name: "reliable: order holds across many groups",
    async publisher(role) {
      const track = await publishing(role, TRACK);
      for (const i of range(200)) {
        const accepted = i % 5 === 0 ? track.keyframe(numbered(i)) : track.send(numbered(i));
        check(accepted, `object ${i} was refused`);
        if (i % 20 === 0) await role.sleep(2);
      }
      await role.told("done");
    },
    async subscriber(role) {
      const { seen } = await subscribing(role, TRACK);
      await until(
        role,
        () => seen.numbers.length >= 200,
        () => `${seen.numbers.length} of 200`,
      );
      equal(seen.numbers, range(200), "objects");
      const groups = seen.objects.map((object) => object.group);
      equal(new Set(groups).size, 40, "groups");
      equal((groups[199] ?? 0) - (groups[0] ?? 0), 39, "groups are contiguous");
      equal(seen.gaps, [], "gaps");
      role.tell("done");
    },
  },
  {
    name: "reliable: a late joiner begins at the newest keyframe and misses nothing after",
    async publisher(role) {
      const track = role.client.publish([role.namespace, TRACK]);
      await track.ready;
      for (const i of range(10)) {
        if (i === 0 || i === 4) track.keyframe(numbered(i));
        else track.send(numbered(i));
      }
      role.tell("published");
      await role.told("all ten are there");
      // Objects race the late joiner's request.
      for (const i of range(60, 10)) {
        track.send(numbered(i));
        await role.sleep(2);
      }
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      // The second group has six objects, the first has four.
      await statusUntil(role, TRACK, ({ largest }) => largest?.object === 5);
      role.tell("all ten are there");
      const seen = collect(role.client.subscribe([role.namespace, TRACK]));
      await until(
        role,
        () => last(seen.numbers) === 69,
        () => `ended at ${last(seen.numbers)}`,
      );
      equal(seen.numbers, range(66, 4), "objects from the newest keyframe on");
      equal(seen.objects[0]?.keyframe, true, "the first is the keyframe");
      equal(seen.gaps, [], "gaps");
      role.tell("done");
    },
  },
  {
    name: "reliable: an empty object and one of a megabyte arrive whole",
    async publisher(role) {
      const track = await publishing(role, TRACK, { queueBytes: 4 * 1024 * 1024 });
      track.keyframe(new Uint8Array());
      track.send(numbered(1, 1024 * 1024));
      track.send(new Uint8Array());
      track.send(numbered(2));
      await role.told("done");
    },
    async subscriber(role) {
      const { subscription, seen } = await subscribing(role, TRACK);
      await until(
        role,
        () => seen.numbers.length >= 4,
        () => `${seen.numbers.length} of 4`,
      );
      equal(seen.numbers, [-1, 1, -1, 2], "objects");
      equal(subscription.stats.objects, 4, "counted objects");
      check(subscription.stats.bytes > 1024 * 1024, "counted bytes");
      role.tell("done");
    },
  },
  {
    name: "reliable: a full queue says so, loses nothing, and drains",
    async publisher(role) {
      const track = await publishing(role, TRACK, { queueBytes: 64 * 1024 });
      let refused = 0;
      for (let i = 0; i < 400; ) {
        const accepted =
          i === 0 ? track.keyframe(numbered(0, 8192)) : track.send(numbered(i, 8192));
        if (accepted) i += 1;
        else {
          refused += 1;
          await track.writable();
        }
      }
      check(refused > 0, "3 MB in one go never filled a queue of 64 kB");
      await role.told("done");
    },
    async subscriber(role) {
      const { seen } = await subscribing(role, TRACK);
      await until(
        role,
        () => seen.numbers.length >= 400,
        () => `${seen.numbers.length} of 400`,
      );
      equal(seen.numbers, range(400), "objects");
      role.tell("done");
    },
  },
  {
    name: "reliable: a reader that stops hurts no other, and gets everything it may when it goes on",
    async publisher(role) {
      const track = await publishing(role, TRACK);
      for (const i of range(120)) {
        if (i % 30 === 0) track.keyframe(numbered(i, 512));
        else track.send(numbered(i, 512));
        await role.sleep(2);
      }
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const ref = [role.namespace, TRACK] as const;
      const still = role.client.subscribe(ref);
      const seen = collect(role.client.subscribe(ref));
      await still.ready;
      role.tell("subscribed");
      await until(
        role,
        () => last(seen.numbers) === 119,
        () => `ended at ${last(seen.numbers)}`,
      );
      check(rising(seen.numbers), "order of the reader that reads");
      const late = collect(still);
      await until(
        role,
        () => last(late.numbers) === 119,
        () => `ended at ${last(late.numbers)}`,
      );
      equal(late.numbers.slice(-90), range(90, 30), "what waited for the reader that stopped");
      role.tell("done");
    },
  },
];
