/** What is asked of a relay, one feature each, played by two clients of ours. Runs in Node and in a page. */
import type { Client, Delivery, MoqObject } from "@moq-game/core";

/** Opens one more session with the relay. */
export type Open = () => Promise<Client>;

/** Resolves when the relay does it, rejects with what is missing. */
export interface Probe {
  readonly name: string;
  run(open: Open, namespace: string): Promise<void>;
}

/** How long one probe may take. */
export const PROBE_MS = 12_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function demand(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function until(holds: () => boolean, what: () => string, ms = 5_000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    demand(Date.now() < end, what());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A publisher and a subscriber of one track, joined. */
async function joined(open: Open, namespace: string, delivery: Delivery) {
  const [publisher, subscriber] = await Promise.all([open(), open()]);
  const track = publisher.publish([namespace, "track"], { delivery });
  await within(5_000, "the namespace is not accepted", track.ready);
  const subscription = subscriber.subscribe([namespace, "track"], { delivery });
  await within(5_000, "the subscription is not answered", subscription.ready);
  await until(
    () => track.subscribers > 0,
    () => "the relay does not subscribe at the publisher",
  );
  const seen: string[] = [];
  const objects: MoqObject[] = [];
  let ended: string | undefined;
  const read = (): void => {
    subscription.drain((object) => {
      seen.push(decoder.decode(object.bytes));
      objects.push({ ...object, bytes: object.bytes.slice() });
    });
  };
  subscription.onReadable(read);
  subscription.onEnd((reason) => {
    read();
    ended = reason.kind === "error" ? `${reason.error?.code}: ${reason.error?.message}` : "ended";
  });
  read();
  return { publisher, subscriber, track, subscription, seen, objects, end: () => ended };
}

function oneByOne(delivery: Delivery): Probe["run"] {
  return async (open, namespace) => {
    const { publisher, subscriber, track, subscription, seen } = await joined(
      open,
      namespace,
      delivery,
    );
    for (const word of ["one", "two", "three", "four", "five"]) {
      demand(track.send(encoder.encode(word)), "back-pressure at once");
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

/** As many objects as the publisher takes at once. */
function burst(objects: number, groups: number): Probe["run"] {
  return async (open, namespace) => {
    const { publisher, subscriber, track, seen } = await joined(open, namespace, "reliable");
    const sent: string[] = [];
    for (let i = 0; i < objects; i++) {
      const word = `object ${i}`;
      const bytes = encoder.encode(word);
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
    track.send(encoder.encode("last"));
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

export const probes: readonly Probe[] = [
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
  { name: "`reliable`: 500 objects in 5 groups, whole and in order", run: burst(500, 5) },
  { name: "`reliable`: 40 groups in one burst, whole and in order", run: burst(400, 40) },
  { name: "the end of a track", run: ending(true) },
  { name: "the end of a namespace's last track", run: ending(false) },
  {
    name: "late join: the whole current group",
    async run(open, namespace) {
      const { publisher, subscriber, track, seen } = await joined(open, namespace, "reliable");
      track.keyframe(encoder.encode("key"));
      track.send(encoder.encode("a"));
      track.send(encoder.encode("b"));
      await until(
        () => seen.length === 3,
        () => `the first subscriber has ${JSON.stringify(seen)}`,
      );
      const late = await open();
      const subscription = late.subscribe([namespace, "track"]);
      await within(5_000, "the late subscription is not answered", subscription.ready);
      const got: string[] = [];
      const read = (): void => {
        subscription.drain((object) => got.push(decoder.decode(object.bytes)));
      };
      subscription.onReadable(read);
      read();
      await until(
        () => got.length >= 3,
        () => `the late subscriber has ${JSON.stringify(got)}`,
      );
      track.send(encoder.encode("c"));
      await until(
        () => got.length >= 4,
        () => `the late subscriber has ${JSON.stringify(got)}`,
      );
      demand(got.join() === "key,a,b,c", `the late subscriber has ${JSON.stringify(got)}`);
      await Promise.all([publisher.close(), subscriber.close(), late.close()]);
    },
  },
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
  {
    name: "FETCH of the current group",
    async run(open, namespace) {
      const { publisher, subscriber, track, seen, objects } = await joined(
        open,
        namespace,
        "reliable",
      );
      track.keyframe(encoder.encode("key"));
      track.send(encoder.encode("a"));
      await until(
        () => seen.length === 2,
        () => `the subscriber has ${JSON.stringify(seen)}`,
      );
      const group = objects[0]?.group ?? 0;
      const got: string[] = [];
      const fetching = (async () => {
        const range = { fromGroup: group, toGroup: group };
        for await (const batch of subscriber.fetch([namespace, "track"], range)) {
          for (const object of batch) got.push(decoder.decode(object.bytes));
        }
      })();
      await within(5_000, "the fetch does not end", fetching);
      demand(got.join() === "key,a", `got ${JSON.stringify(got)}`);
      await Promise.all([publisher.close(), subscriber.close()]);
    },
  },
  {
    name: "TRACK_STATUS",
    async run(open, namespace) {
      const { publisher, subscriber, track, seen, objects } = await joined(
        open,
        namespace,
        "reliable",
      );
      track.send(encoder.encode("a"));
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

/** Runs one probe with sessions that are all closed afterwards. Gives what is missing, or nothing. */
export async function runProbe(
  name: string,
  connect: Open,
  namespace: string,
): Promise<string | undefined> {
  const probe = probes.find((each) => each.name === name);
  if (probe === undefined) throw new Error(`no probe "${name}"`);
  const clients: Client[] = [];
  const open: Open = async () => {
    const client = await within(5_000, "no session", connect());
    clients.push(client);
    return client;
  };
  try {
    await within(PROBE_MS, "the probe hangs", probe.run(open, namespace));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await Promise.all(clients.map((client) => client.close().catch(() => undefined)));
  }
}
