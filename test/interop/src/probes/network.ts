/** What shows only on a narrow path, or when the relay goes away. */
import { bytesOf, demand, type Probe, textOf, until, within } from "./harness.js";

/** Bytes of bulk, and of an urgent update behind it: seconds on the narrow path. */
const BULK = 400_000;
const URGENT = 200_000;
const CHUNK = 10_000;
/** Bulk that may come between, for it is on its way already. Shares of equal size would be all of `URGENT`. */
const ON_ITS_WAY = URGENT / 2;

/** Whether an urgent track, named so by one side, has the narrow path for itself as long as it needs it. */
function overtaking(side: "publisher" | "subscriber"): Probe["run"] {
  return async (open, namespace) => {
    const [publisher, subscriber] = await Promise.all([open(), open("narrow")]);
    const start = async (name: string, priority: number) => {
      const of = (named: typeof side) => (named === side ? { priority } : {});
      const options = { ...of("publisher"), queueBytes: 2 * BULK };
      const track = publisher.publish([namespace, name], options);
      await within(5_000, "the namespace is not accepted", track.ready);
      const subscription = subscriber.subscribe([namespace, name], of("subscriber"));
      const received = { bytes: 0 };
      subscription.onReadable(() => {
        subscription.drain(({ bytes }) => {
          received.bytes += bytes.length;
        });
      });
      await within(5_000, "a subscription is not answered", subscription.ready);
      await until(
        () => track.subscribers > 0,
        () => "the relay does not subscribe at the publisher",
      );
      return { track, received };
    };
    const bulk = await start("bulk", 250);
    const urgent = await start("urgent", 1);
    for (let sent = 0; sent < BULK; sent += CHUNK) bulk.track.send(new Uint8Array(CHUNK));
    await until(
      () => bulk.received.bytes > 0,
      () => "no bulk",
    );
    const before = bulk.received.bytes;
    for (let sent = 0; sent < URGENT; sent += CHUNK) urgent.track.send(new Uint8Array(CHUNK));
    await until(
      () => urgent.received.bytes >= URGENT,
      () => `${urgent.received.bytes} of ${URGENT} urgent bytes`,
      15_000,
    );
    const between = bulk.received.bytes - before;
    demand(between < ON_ITS_WAY, `${between} bytes of bulk between ${URGENT} that are more urgent`);
    await Promise.all([publisher.close(), subscriber.close()]);
  };
}

export const networkProbes: readonly Probe[] = [
  { name: "priority of the publisher, on a narrow path", run: overtaking("publisher") },
  { name: "priority of the subscriber, on a narrow path", run: overtaking("subscriber") },
  {
    name: "the relay restarts: publisher and subscriber go on",
    async run(open, namespace, relay) {
      const [publisher, subscriber] = await Promise.all([open(), open()]);
      const told: string[] = [];
      for (const [side, client] of Object.entries({ publisher, subscriber })) {
        client.onState((state, reason) => told.push(`${side} ${state}: ${reason?.message}`));
      }
      const track = publisher.publish([namespace, "track"]);
      await within(5_000, "the namespace is not accepted", track.ready);
      const subscription = subscriber.subscribe([namespace, "track"], { wait: 5_000 });
      const seen: string[] = [];
      subscription.onReadable(() => {
        subscription.drain(({ bytes }) => seen.push(textOf(bytes)));
      });
      await within(5_000, "the subscription is not answered", subscription.ready);
      await relay.restart();
      let sent = 0;
      const sending = setInterval(() => {
        if (publisher.state === "open") track.keyframe(bytesOf(`${sent++}`));
      }, 50);
      try {
        await until(
          () => seen.length > 0,
          () => `nothing arrives afterwards; ${told.join("; ")}`,
          30_000,
        );
      } finally {
        clearInterval(sending);
      }
      await Promise.all([publisher.close(), subscriber.close()]);
    },
  },
];
