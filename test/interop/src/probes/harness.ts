/** What probes are made of. Runs in Node and in a page. */
import type { Client, Delivery, MoqObject } from "@moq-game/core";

/** How a session reaches the relay: `narrow` is 200 kB a second towards the client. */
export type Path = "direct" | "narrow";

/** Opens one more session with the relay. */
export type Open = (path?: Path) => Promise<Client>;

/** What a probe may do to the relay. */
export interface RelayControl {
  /** Stops the relay as a service manager would, and starts it again under the same address. */
  restart(): Promise<void>;
}

/** Resolves when the relay does it, rejects with what is missing. */
export interface Probe {
  readonly name: string;
  run(open: Open, namespace: string, relay: RelayControl): Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytesOf = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

export function demand(holds: boolean, what: string): void {
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

export async function until(holds: () => boolean, what: () => string, ms = 5_000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    demand(Date.now() < end, what());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * A publisher and a subscriber of one track, joined. `told`: the subscriber names the class too, for relays that do not
 * carry it.
 */
export async function joined(open: Open, namespace: string, delivery: Delivery, told = true) {
  const [publisher, subscriber] = await Promise.all([open(), open()]);
  const track = publisher.publish([namespace, "track"], { delivery });
  await within(5_000, "the namespace is not accepted", track.ready);
  const subscription = subscriber.subscribe([namespace, "track"], told ? { delivery } : {});
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
      seen.push(textOf(object.bytes));
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
