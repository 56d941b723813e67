/** Tracks: the delivery classes, groups, ends, late joiners, properties. */
import type { Delivery } from "@moq-game/core";
import { bytesOf, demand, joined, type Probe, textOf, until, within } from "./harness.js";

function oneByOne(delivery: Delivery): Probe["run"] {
  return async (open, namespace) => {
    const { publisher, subscriber, track, subscription, seen } = await joined(
      open,
      namespace,
      delivery,
    );
    for (const word of ["one", "two", "three", "four", "five"]) {
      demand(track.send(bytesOf(word)), "back-pressure at once");
      await until(
        () => seen[seen.length - 1] === word,
        () => `"${word}" does not arrive; got ${JSON.stringify(seen)}`,
      );
    }
    demand(seen.length === 5, `got ${JSON.stringify(seen)}`);
    demand(
      subscription.delivery === delivery,
      `the class arrives as "${subscription.delivery}", not "${delivery}"`,
    );
    await Promise.all([publisher.close(), subscriber.close()]);
  };
}

/** What travels as a property: the class with the track, the publisher's time with each update. */
function properties(of: "track" | "object"): Probe["run"] {
  return async (open, namespace) => {
    const { publisher, subscriber, track, subscription, objects } = await joined(
      open,
      namespace,
      "deadline",
      of === "object",
    );
    track.send(bytesOf("timed"));
    await until(
      () => objects.length > 0,
      () => "no update",
    );
    if (of === "track") {
      demand(subscription.delivery === "deadline", `the class arrives as ${subscription.delivery}`);
    } else demand(objects[0]?.publishedAt !== undefined, "the update arrives without its time");
    await Promise.all([publisher.close(), subscriber.close()]);
  };
}

/** As many objects as the publisher takes at once. */
function burst(objects: number, groups: number): Probe["run"] {
  return async (open, namespace) => {
    const { publisher, subscriber, track, seen } = await joined(open, namespace, "reliable");
    const sent: string[] = [];
    for (let i = 0; i < objects; i++) {
      const word = `object ${i}`;
      const bytes = bytesOf(word);
      const first = i % (objects / groups) === 0;
      while (!(first ? track.keyframe(bytes) : track.send(bytes))) await track.writable();
      sent.push(word);
    }
    await until(
      () => seen.length >= objects,
      () => `${seen.length} of ${objects} objects`,
    );
    demand(JSON.stringify(seen) === JSON.stringify(sent), "not in order");
    await Promise.all([publisher.close(), subscriber.close()]);
  };
}

/** `neighbour`: another track keeps the namespace in use, so that it is not withdrawn. */
function ending(neighbour: boolean): Probe["run"] {
  return async (open, namespace) => {
    const { publisher, subscriber, track, seen, end } = await joined(open, namespace, "reliable");
    if (neighbour) publisher.publish([namespace, "neighbour"]);
    track.send(bytesOf("last"));
    await track.end({ flush: 2_000 });
    await until(
      () => end() !== undefined,
      () => "no end",
    );
    demand(end() === "ended", `it ends as ${end()}`);
    demand(seen.join() === "last", `got ${JSON.stringify(seen)}`);
    await Promise.all([publisher.close(), subscriber.close()]);
  };
}

export const deliveryProbes: readonly Probe[] = [
  {
    name: "set-up",
    async run(open) {
      const client = await open();
      demand(client.protocol.draft === 18, `draft ${client.protocol.draft}`);
      await client.close();
    },
  },
  { name: "`reliable`, one by one", run: oneByOne("reliable") },
  { name: "`latest`, one by one", run: oneByOne("latest") },
  { name: "`deadline`, one by one", run: oneByOne("deadline") },
  { name: "`datagram`, one by one", run: oneByOne("datagram") },
  { name: "track properties: the class of a track", run: properties("track") },
  { name: "object properties: the time of an update", run: properties("object") },
  { name: "`reliable`: 500 objects in 5 groups, whole and in order", run: burst(500, 5) },
  { name: "`reliable`: 40 groups in one burst, whole and in order", run: burst(400, 40) },
  { name: "the end of a track", run: ending(true) },
  { name: "the end of a namespace's last track", run: ending(false) },
  {
    name: "late join: the whole current group",
    async run(open, namespace) {
      const { publisher, subscriber, track, seen } = await joined(open, namespace, "reliable");
      track.keyframe(bytesOf("key"));
      track.send(bytesOf("a"));
      track.send(bytesOf("b"));
      await until(
        () => seen.length === 3,
        () => `the first subscriber has ${JSON.stringify(seen)}`,
      );
      const late = await open();
      const subscription = late.subscribe([namespace, "track"]);
      await within(5_000, "the late subscription is not answered", subscription.ready);
      const got: string[] = [];
      const read = (): void => {
        subscription.drain((object) => got.push(textOf(object.bytes)));
      };
      subscription.onReadable(read);
      read();
      await until(
        () => got.length >= 3,
        () => `the late subscriber has ${JSON.stringify(got)}`,
      );
      track.send(bytesOf("c"));
      await until(
        () => got.length >= 4,
        () => `the late subscriber has ${JSON.stringify(got)}`,
      );
      demand(got.join() === "key,a,b,c", `the late subscriber has ${JSON.stringify(got)}`);
      await Promise.all([publisher.close(), subscriber.close(), late.close()]);
    },
  },
];
