import {
  type ContractCase,
  ContractViolation,
  collect,
  last,
  numbered,
  type Role,
  range,
  until,
} from "@moq-game/contract";
import type { Client, Delivery, Publication, Subscription } from "@moq-game/core";
import {
  CONDITIONS,
  type Condition,
  DEADLINE,
  GENTLE,
  GROUP_LENGTH,
  type Load,
  NARROW,
  QUEUE_BYTES,
} from "./conditions.js";
import type { Seen, Sent } from "./evidence.js";
import { brokenBounds, brokenPressure, brokenPromises } from "./promises.js";

export const CLASSES: readonly Delivery[] = ["reliable", "latest", "deadline", "datagram"];

/** Longest wait in ms for what is promised: far above what a network of the conditions needs. */
export const PATIENCE = 60_000;

/** All delivery classes on one network: each side proves the promises made to it. */
function deliveryCase(condition: Condition): ContractCase {
  const load: Load = { ...GENTLE, ...condition.load };
  return {
    name: condition.name,
    async publisher(role) {
      const tracks = publishAll(role);
      await Promise.all(tracks.map((track) => track.ready));
      role.tell("published");
      await role.told("subscribed");
      const sent = await Promise.all(tracks.map((track) => sendAll(role, track, load)));
      if (!condition.endsAtOnce) {
        role.tell("sent", sent);
        await role.told("complete");
      }
      await Promise.all(tracks.map((track) => track.end({ flush: PATIENCE })));
      if (condition.endsAtOnce) role.tell("sent", sent);
      const broken = [
        ...sent.flatMap(brokenBounds),
        ...sent
          .filter(({ delivery }) => condition.pressure?.includes(delivery))
          .flatMap(brokenPressure),
        ...interruptions(role.client),
      ];
      role.tell("flushed");
      await role.told("done");
      fail(broken);
    },
    async subscriber(role) {
      await role.told("published");
      const readers = CLASSES.map((name) => role.client.subscribe([role.namespace, name]));
      await Promise.all(readers.map((reader) => reader.ready));
      const seen = readers.map((reader) => watch(reader));
      role.tell("subscribed");
      const sent = (await role.told("sent")) as readonly Sent[];
      if (!condition.endsAtOnce) {
        await until(
          role,
          () => sent.every((track, i) => isComplete(track, seen[i])),
          () => `not complete: ${progress(sent, seen)}`,
          PATIENCE,
        );
        role.tell("complete");
      }
      await until(
        role,
        () => seen.every((track) => track.ends.length > 0),
        () => `no end: ${progress(sent, seen)}`,
        PATIENCE,
      );
      await settled(role, () => [
        ...sent.flatMap((track, i) => brokenPromises(track, seen[i] as Seen, DEADLINE)),
        ...interruptions(role.client),
      ]);
      role.tell(
        "outcome",
        Object.fromEntries(sent.map(({ delivery }, i) => [delivery, seen[i]?.numbers.length])),
      );
      // Without a relay between them, leaving would cut the publisher short.
      await role.told("flushed");
      role.tell("done");
    },
  };
}

/** In the order of {@link CONDITIONS}, then {@link NARROW}. */
export const deliveryCases: readonly ContractCase[] = [...CONDITIONS, NARROW].map(deliveryCase);

/** One track of each class. */
export function publishAll(role: Role, deadline = DEADLINE): Publication[] {
  return CLASSES.map((delivery) =>
    role.client.publish([role.namespace, delivery], {
      delivery,
      queueBytes: QUEUE_BYTES,
      ...(delivery === "deadline" ? { deadline } : {}),
    }),
  );
}

/** Publishes all updates at the load's pace, or slower when `send` pushes back. */
export async function sendAll(role: Role, track: Publication, load: Load): Promise<Sent> {
  const { delivery } = track;
  const bytes = load[delivery];
  let refused = 0;
  let maxQueuedBytes = 0;
  const looks: number[] = [];
  for (const n of range(load.updates)) {
    // Not by the track that may have to wait.
    if (delivery === "latest" && n === load.updates >> 1) role.tell("midway");
    const update = numbered(n, bytes);
    const starts = delivery === "reliable" && n % GROUP_LENGTH === 0;
    while (!(starts ? track.keyframe(update) : track.send(update))) {
      refused += 1;
      await track.writable();
    }
    await role.sleep(load.interval);
    looks.push(statsOf(role.client, track)?.queuedBytes ?? 0);
    maxQueuedBytes = Math.max(maxQueuedBytes, n < 4 ? 0 : Math.min(...looks.slice(-5)));
  }
  const dropped = statsOf(role.client, track)?.dropped ?? 0;
  const count = load.updates;
  return { delivery, count, refused, dropped, maxQueuedBytes, queueBytes: QUEUE_BYTES, bytes };
}

function statsOf(client: Client, track: Publication) {
  return client.stats().publications.find((each) => each.delivery === track.delivery);
}

/** Reads a subscription as it comes and keeps what it told; counters are as of the last look. */
export function watch(subscription: Subscription): Seen {
  const collected = collect(subscription);
  return {
    ...collected,
    get stats() {
      return subscription.stats;
    },
  };
}

/** What must have come while the track is live. */
export function isComplete(sent: Sent, seen: Seen | undefined): boolean {
  if (seen === undefined) return false;
  if (sent.delivery === "reliable") return seen.numbers.length >= sent.count;
  return sent.delivery !== "latest" || last(seen.numbers) === sent.count - 1;
}

/** Where each track stands, for messages. */
export function progress(sent: readonly Sent[], seen: readonly Seen[]): string {
  return sent
    .map(({ delivery, count }, i) => {
      const { numbers = [], gaps = [], ends = [] } = seen[i] ?? {};
      const kinds = ends.map(({ kind }) => kind).join();
      return `${delivery} ${numbers.length} of ${count}, last ${last(numbers)}, ${gaps.length} gaps, end "${kinds}"`;
    })
    .join("; ");
}

/** These networks must be survived on one connection. */
function interruptions(client: Client): string[] {
  const { state, reconnects } = client.stats();
  if (state === "open" && reconnects === 0) return [];
  return [`the connection is ${state} after ${reconnects} reconnects`];
}

/** As {@link fail}, but counters may come a little later: those of a client in a worker do. */
export async function settled(role: Role, broken: () => readonly string[]): Promise<void> {
  for (let waited = 0; waited < 2_000 && broken().length > 0; waited += 100) await role.sleep(100);
  fail(broken());
}

/** Throws when a promise was broken. */
export function fail(broken: readonly string[]): void {
  if (broken.length > 0) throw new ContractViolation(broken.join("; "));
}
