/**
 * What reading one object costs a script, without a network: `pnpm exec vitest bench --run` in this
 * folder. Every run reads 250 objects of 100 bytes: divide its mean by 250.
 */
import { bench, describe } from "vitest";
import type { Delivery } from "../src/api.js";
import { connectOverTransport } from "../src/client/connect.js";
import { memoryPair } from "../src/memory.js";
import { NativeClient } from "../src/native/client.js";
import type { Transport, TransportEvents } from "../src/transport.js";
import { BATCH, BatchPort, BYTES } from "./native/batch-port.js";

/** Kept, so that reading cannot be left out. */
const seen = { sum: 0 };
const visit = (object: { readonly bytes: Uint8Array }): void => {
  seen.sum += object.bytes[0] ?? 0;
};

describe("records of the native library", () => {
  const port = new BatchPort();
  const host = {
    now: () => performance.now(),
    schedule: (run: () => void) => void setTimeout(run),
  };
  const client = new NativeClient(port, host, "{}");
  const drained = client.subscribe(["match/42", "drained"], { delivery: "datagram" });
  const iterated = client.subscribe(["match/42", "iterated"], { delivery: "datagram" });
  const iterator = iterated[Symbol.asyncIterator]();

  bench(
    "drain",
    () => {
      port.waiting = 1;
      port.wakeUp();
      drained.drain(visit);
    },
    { setup: () => port.prepare([2]) },
  );

  bench(
    "for await",
    async () => {
      const next = iterator.next();
      port.waiting = 1;
      port.wakeUp();
      for (const object of (await next).value ?? []) visit(object);
    },
    { setup: () => port.prepare([3]) },
  );
});

/** A transport that shows the events that its session hears. */
function tapped(transport: Transport): {
  readonly transport: Transport;
  events(): TransportEvents;
} {
  let heard: TransportEvents | undefined;
  const start = (events: TransportEvents): void => {
    heard = events;
    transport.start(events);
  };
  return {
    transport: new Proxy(transport, {
      get: (target, name) => {
        if (name === "start") return start;
        const member = Reflect.get(target, name) as unknown;
        return typeof member === "function" ? member.bind(target) : member;
      },
    }),
    events: () => heard as TransportEvents,
  };
}

async function reader(delivery: Delivery) {
  const host = {
    now: () => performance.now(),
    setTimer: (run: () => void, ms: number) => setTimeout(run, ms),
    clearTimer: (timer: unknown) => clearTimeout(timer as number),
  };
  const { a, b } = memoryPair();
  const tap = tapped(b);
  const heard: { datagram?: Uint8Array; stream?: number } = {};
  const [publisher, subscriber] = await Promise.all([
    connectOverTransport(a, {}, host),
    connectOverTransport(tap.transport, {}, host, { role: "server" }),
  ]);
  const track = publisher.publish(["match/42", delivery], { delivery });
  const subscription = subscriber.subscribe(["match/42", delivery], { unordered: true });
  await Promise.all([track.ready, subscription.ready]);
  const events = tap.events();
  const { datagram, data } = events;
  events.datagram = (bytes) => {
    heard.datagram = bytes;
    datagram(bytes);
  };
  events.data = (id, dir, bytes, fin) => {
    if (dir === "uni") heard.stream = id;
    data(id, dir, bytes, fin);
  };
  track.keyframe(new Uint8Array(BYTES));
  while (heard.datagram === undefined && heard.stream === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  subscription.drain(visit);
  return { events: { datagram, data }, heard, subscription };
}

describe("the protocol in TypeScript, from transport to reader", async () => {
  const datagrams = await reader("datagram");
  bench("datagram", () => {
    const { datagram } = datagrams.heard;
    for (let i = 0; i < BATCH; i++) datagrams.events.datagram(datagram as Uint8Array);
    datagrams.subscription.drain(visit);
  });

  const stream = await reader("reliable");
  // The next objects of the stream: the smallest step of the object id, the length, the payload.
  const chunk = new Uint8Array(BATCH * (2 + BYTES));
  for (let i = 0; i < BATCH; i++) chunk.set([0, BYTES], i * (2 + BYTES));
  bench("reliable", () => {
    stream.events.data(stream.heard.stream as number, "uni", chunk, false);
    stream.subscription.drain(visit);
  });
});
