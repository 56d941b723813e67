/** The script of the page: one subscriber, over WebTransport or a WebSocket. */
import type { Delivery } from "@moq-game/core";
import { type Client, connect } from "@moq-game/web";
import { Meter, type Received } from "../meter/meter.js";
import { NAMESPACE, TRACK } from "../roles/track.js";

export interface PageOrder {
  readonly over: "moq" | "ws";
  readonly url: string;
  readonly certificateHash?: string;
  readonly delivery?: Delivery;
  readonly worker: boolean;
  /** WebSocket that hears how far the page is. */
  readonly acks: string;
  readonly window: number;
  /** How often somebody joins anew before it is measured, the track being warm in the relay. */
  readonly joins: number;
}

let meter: Meter;

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error(`no connection to ${socket.url}`));
  });
}

async function tellAcks(order: PageOrder): Promise<void> {
  const socket = new WebSocket(order.acks);
  await opened(socket);
  const step = Math.max(1, Math.floor(order.window / 8));
  let next = 1;
  meter.onPassed = () => {
    if (meter.passed < next) return;
    next = meter.passed + step;
    socket.send(`${meter.passed}`);
  };
}

/** Resolves when the first object is there; then leaves. */
async function join(client: Client): Promise<void> {
  const reader = meter.subscriber();
  const subscription = client.subscribe([NAMESPACE, TRACK], { wait: 10_000 });
  await new Promise<void>((resolve) => {
    subscription.onReadable(() => {
      subscription.drain(({ bytes }) => reader.take(bytes), { maxObjects: 1 });
      resolve();
    });
  });
  subscription.close();
}

export const page = {
  now: (): number => performance.now() * 1000,

  /** @param offset µs from this page's clock to the machine's */
  async subscribe(order: PageOrder, offset: number): Promise<void> {
    meter = new Meter(() => Math.floor(performance.now() * 1000 + offset));
    await tellAcks(order);
    if (order.over === "ws") {
      const reader = meter.subscriber();
      const socket = new WebSocket(order.url);
      socket.binaryType = "arraybuffer";
      socket.onmessage = (event) => reader.take(new Uint8Array(event.data as ArrayBuffer));
      return opened(socket);
    }
    const options = {
      serverCertificateHashes: [order.certificateHash ?? ""],
      worker: order.worker,
    };
    const client = await connect(order.url, options);
    const reader = meter.subscriber();
    const subscription = client.subscribe([NAMESPACE, TRACK], { wait: 10_000 });
    subscription.onReadable(() => subscription.drain(({ bytes }) => reader.take(bytes)));
    await subscription.ready;
    if (order.joins === 0) return;
    const other = await connect(order.url, options);
    await join(other);
    meter.first.clear();
    for (let i = 0; i < order.joins; i++) {
      // At any moment of a tick.
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 20));
      await join(other);
    }
    await other.close();
  },

  measure: (): void => meter.measure(),
  result: (): Received => meter.result(),
};

export type Page = typeof page;

(globalThis as { bench?: Page }).bench = page;
