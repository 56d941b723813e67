import { collect } from "../collect.js";
import { publishing, subscribing } from "../opening.js";
import { type ContractCase, check, equal, failure, numbered, until } from "../role.js";

export const lifecycleCases: readonly ContractCase[] = [
  {
    name: "protocol: draft, transport and capabilities are told",
    async publisher(role) {
      const { draft, transport, capabilities } = role.client.protocol;
      equal(draft, 18, "draft");
      check(["webtransport", "quic", "memory"].includes(transport), `transport ${transport}`);
      check(capabilities.datagrams && capabilities.fetch, "datagrams and fetch");
      equal(role.client.state, "open", "state");
    },
    async subscriber(role) {
      equal(role.client.protocol.draft, 18, "draft");
    },
  },
  {
    name: "subscribe: an unknown track is rejected with the peer's reason",
    async publisher(role) {
      await role.told("done");
    },
    async subscriber(role) {
      const subscription = role.client.subscribe([role.namespace, "nobody"]);
      const seen = collect(subscription);
      const error = await failure("ready", () => subscription.ready);
      equal(error.code, "not_found", "code");
      check(error.message.length > 10, "the message says something");
      await until(
        role,
        () => seen.ends.length === 1,
        () => "no end was told",
      );
      equal(seen.ends[0]?.kind, "error", "kind of end");
      equal(role.client.state, "open", "the client goes on");
      role.tell("done");
    },
  },
  {
    name: "subscribe: with `wait`, the track may appear later",
    relay: "waiting for a publisher (RENDEZVOUS_TIMEOUT) is a relay's part of the protocol",
    async publisher(role) {
      await role.told("waiting");
      await role.sleep(200);
      const track = role.client.publish([role.namespace, "later"]);
      await track.ready;
      await until(
        role,
        () => track.subscribers > 0,
        () => "nobody subscribed",
      );
      track.keyframe(numbered(7));
      await role.told("done");
    },
    async subscriber(role) {
      const subscription = role.client.subscribe([role.namespace, "later"], { wait: 30_000 });
      const seen = collect(subscription);
      role.tell("waiting");
      await subscription.ready;
      await until(
        role,
        () => seen.numbers.length > 0,
        () => "nothing arrived",
      );
      equal(seen.numbers, [7], "objects");
      role.tell("done");
    },
  },
  {
    name: "end: the subscriber gets everything, then one end",
    async publisher(role) {
      const track = await publishing(role, "finite");
      for (let i = 0; i < 20; i++) track.send(numbered(i));
      await track.end();
      await track.end();
      const error = await failure("send after end", () => track.send(numbered(99)));
      equal(error.code, "closed", "code");
      await role.told("done");
    },
    async subscriber(role) {
      const { seen } = await subscribing(role, "finite");
      await until(
        role,
        () => seen.ends.length > 0,
        () => "no end was told",
      );
      equal(seen.numbers.length, 20, "objects before the end");
      equal(seen.ends[0]?.kind, "ended", "kind of end");
      await role.sleep(100);
      equal(seen.ends.length, 1, "ends");
      role.tell("done");
    },
  },
  {
    name: "close: nothing is delivered after a subscription closes",
    async publisher(role) {
      const track = await publishing(role, "state");
      track.keyframe(numbered(0));
      await role.told("closed");
      for (let i = 1; i < 30; i++) {
        track.send(numbered(i));
        await role.sleep(5);
      }
      await until(
        role,
        () => track.subscribers === 0,
        () => `${track.subscribers} subscribers`,
      );
      role.tell("sent");
    },
    async subscriber(role) {
      const { subscription, seen } = await subscribing(role, "state");
      await until(
        role,
        () => seen.numbers.length === 1,
        () => "nothing arrived",
      );
      subscription.close();
      subscription.close();
      equal(
        seen.ends.map((end) => end.kind),
        ["closed"],
        "ends",
      );
      role.tell("closed");
      await role.told("sent");
      equal(seen.numbers, [0], "objects");
      equal(subscription.drain(() => undefined).objects, 0, "objects drained after close");
    },
  },
  {
    name: "close: a client closes once, ends what hangs on it, and refuses the rest",
    async publisher(role) {
      const track = role.client.publish([role.namespace, "state"]);
      await track.ready;
      role.tell("published");
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const subscription = role.client.subscribe([role.namespace, "state"]);
      await subscription.ready;
      const seen = collect(subscription);
      const states: string[] = [];
      role.client.onState((state) => states.push(state));
      await Promise.all([role.client.close(), role.client.close()]);
      await role.client.close();
      equal(role.client.state, "closed", "state");
      equal(states, ["closed"], "states told");
      equal(seen.ends.length, 1, "ends");
      const error = await failure("subscribe", () => {
        const refused = role.client.subscribe([role.namespace, "state"]);
        return refused.ready;
      });
      equal(error.code, "closed", "code");
      role.tell("done");
    },
  },
  {
    name: "subscribe: a signal ends the subscription",
    async publisher(role) {
      const track = role.client.publish([role.namespace, "state"]);
      await track.ready;
      role.tell("published");
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const listeners = new Set<() => void>();
      const signal = {
        aborted: false,
        addEventListener: (_: "abort", listener: () => void) => void listeners.add(listener),
        removeEventListener: (_: "abort", listener: () => void) => void listeners.delete(listener),
      };
      const subscription = role.client.subscribe([role.namespace, "state"], { signal });
      const seen = collect(subscription);
      await subscription.ready;
      signal.aborted = true;
      for (const listener of [...listeners]) listener();
      await until(
        role,
        () => seen.ends.length === 1,
        () => "no end was told",
      );
      equal(listeners.size, 0, "listeners left on the signal");
      role.tell("done");
    },
  },
  {
    name: "reading: async iteration gives owned bytes in batches and ends with the track",
    async publisher(role) {
      const track = await publishing(role, "log");
      for (let i = 0; i < 500; i++) track.send(numbered(i));
      await track.end({ flush: 10_000 });
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const subscription = role.client.subscribe([role.namespace, "log"]);
      await subscription.ready;
      role.tell("subscribed");
      const kept: Uint8Array[] = [];
      let batches = 0;
      for await (const batch of subscription) {
        batches += 1;
        for (const object of batch) kept.push(object.bytes);
      }
      equal(kept.length, 500, "objects");
      kept.forEach((bytes, i) => {
        equal(Array.from(bytes), Array.from(numbered(i)), `bytes of object ${i}`);
      });
      check(batches < 500, "objects came one by one");
      role.tell("done");
    },
  },
  {
    name: "reading: a drain that stops at its budget says so and comes again",
    async publisher(role) {
      const track = await publishing(role, "log");
      for (let i = 0; i < 100; i++) track.send(numbered(i));
      role.tell("sent");
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const subscription = role.client.subscribe([role.namespace, "log"]);
      await subscription.ready;
      const sizes: number[] = [];
      const read = (): boolean => {
        const result = subscription.drain(() => undefined, { maxObjects: 7 });
        sizes.push(result.objects);
        return result.more;
      };
      role.tell("subscribed");
      await role.told("sent");
      const waiting = (): number => subscription.stats.queuedObjects;
      await until(
        role,
        () => waiting() === 100,
        () => `${waiting()} of 100 wait`,
      );
      subscription.onReadable(read);
      check(read(), "a drain of 7 of 100 objects did not say that there is more");
      const total = (): number => sizes.reduce((sum, size) => sum + size, 0);
      await until(
        role,
        () => total() === 100,
        () => `${total()} of 100`,
      );
      check(
        sizes.every((size) => size <= 7),
        `a drain gave ${Math.max(...sizes)} of at most 7`,
      );
      role.tell("done");
    },
  },
];
