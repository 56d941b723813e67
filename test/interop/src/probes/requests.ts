/** Requests beside SUBSCRIBE: discovery, FETCH, TRACK_STATUS, rendezvous, refusals. */
import { bytesOf, demand, joined, type Probe, textOf, until, within } from "./harness.js";

/** One group as a whole: one that has ended, or the one that goes on. */
function fetching(past: boolean): Probe["run"] {
  return async (open, namespace) => {
    const { publisher, subscriber, track, seen, objects } = await joined(
      open,
      namespace,
      "reliable",
    );
    const arrived = (count: number) =>
      until(
        () => seen.length === count,
        () => `the subscriber has ${JSON.stringify(seen)}`,
      );
    track.keyframe(bytesOf("key"));
    track.send(bytesOf("a"));
    await arrived(2);
    if (past) {
      track.keyframe(bytesOf("next"));
      await arrived(3);
    }
    const group = objects[0]?.group ?? 0;
    const got: string[] = [];
    const work = (async () => {
      const range = { fromGroup: group, toGroup: group };
      for await (const batch of subscriber.fetch([namespace, "track"], range)) {
        for (const object of batch) got.push(textOf(object.bytes));
      }
    })();
    await within(5_000, "the fetch does not end", work);
    demand(got.join() === "key,a", `got ${JSON.stringify(got)}`);
    await Promise.all([publisher.close(), subscriber.close()]);
  };
}

export const requestProbes: readonly Probe[] = [
  {
    name: "discovery: a namespace comes and goes",
    async run(open, namespace) {
      const [publisher, watcher] = await Promise.all([open(), open()]);
      const changes: string[] = [];
      const watching = (async () => {
        for await (const change of watcher.discover(namespace)) {
          changes.push(`${change.kind} ${change.namespace.join("/")}`);
        }
      })();
      watching.catch(() => undefined);
      const track = publisher.publish([`${namespace}/room`, "track"]);
      await within(5_000, "the namespace is not accepted", track.ready);
      const expected = `added ${namespace}/room`;
      await until(
        () => changes.includes(expected),
        () => `told ${JSON.stringify(changes)}`,
      );
      await publisher.close();
      await until(
        () => changes.includes(`removed ${namespace}/room`),
        () => `told ${JSON.stringify(changes)}`,
      );
      await watcher.close();
    },
  },
  { name: "FETCH of a past group", run: fetching(true) },
  { name: "FETCH of the current group", run: fetching(false) },
  {
    name: "TRACK_STATUS",
    async run(open, namespace) {
      const { publisher, subscriber, track, seen, objects } = await joined(
        open,
        namespace,
        "reliable",
      );
      track.send(bytesOf("a"));
      await until(
        () => seen.length === 1,
        () => "no object",
      );
      const status = await within(
        5_000,
        "no answer to TRACK_STATUS",
        subscriber.status([namespace, "track"]),
      );
      demand(
        status.largest?.group === objects[0]?.group,
        `the largest location is ${JSON.stringify(status.largest)}`,
      );
      await Promise.all([publisher.close(), subscriber.close()]);
    },
  },
  {
    name: "rendezvous: the subscriber comes first",
    async run(open, namespace) {
      const [publisher, subscriber] = await Promise.all([open(), open()]);
      const subscription = subscriber.subscribe([namespace, "track"], { wait: 5_000 });
      subscription.ready.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const track = publisher.publish([namespace, "track"]);
      await within(5_000, "the namespace is not accepted", track.ready);
      await within(5_000, "the subscription is not answered", subscription.ready);
      await Promise.all([publisher.close(), subscriber.close()]);
    },
  },
  {
    name: "an unknown track is refused as not found",
    async run(open, namespace) {
      const subscriber = await open();
      const subscription = subscriber.subscribe([namespace, "nothing"]);
      let code: string | undefined;
      await within(
        5_000,
        "no answer",
        subscription.ready.catch((error: { code?: string }) => {
          code = error.code;
        }),
      );
      demand(code === "not_found", `refused as ${code}`);
      await subscriber.close();
    },
  },
];
