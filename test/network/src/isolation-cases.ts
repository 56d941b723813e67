/**
 * One publisher and many subscribers on one relay: those that read all the time must not notice one
 * that stops reading, one on a slow link and those that leave. The test tells `everybody` when all
 * subscribers are there, `over` when those have everything, and `all looked` when the subscribers are done.
 */
import { type ContractCase, check, type Role, until } from "@moq-game/contract";
import type { Subscription } from "@moq-game/core";
import type { Load } from "./conditions.js";
import {
  CLASSES,
  fail,
  isComplete,
  PATIENCE,
  progress,
  publishAll,
  sendAll,
  settled,
  watch,
} from "./delivery-case.js";
import type { Seen, Sent } from "./evidence.js";
import { brokenBehind, brokenBounds, brokenPeace, brokenPromises } from "./promises.js";

/** No deadline of a busy machine counts here: what is late at the one would be the other's fault. */
const NO_DEADLINE = 30_000;

/** Above what the relay's window and the readers' queues take of a subscriber that does not read. */
const LOAD: Load = {
  updates: 200,
  interval: 20,
  reliable: 4_000,
  latest: 4_000,
  deadline: 2_000,
  datagram: 800,
};

/**
 * Most bytes that may wait for a reader whose `queueBytes` is 64 KiB: a paused stream may still bring
 * what was on its way. Well below what is sent.
 */
const MOST_WAITING = 512 * 1024;

async function subscribeAll(role: Role, name: string, queueBytes: number): Promise<Subscription[]> {
  await role.told("published");
  const readers = CLASSES.map((track) =>
    role.client.subscribe([role.namespace, track], { queueBytes }),
  );
  await Promise.all(readers.map((reader) => reader.ready));
  role.tell(`${name} is there`);
  return readers;
}

/** The names of the cases, also of the letters that say that a subscriber is there. */
export const UNDISTURBED = ["reads in Node", "reads in Chromium"] as const;
export const TROUBLE = {
  stops: "stops reading",
  stopsInChromium: "stops reading in Chromium",
  slow: "is on a slow link",
  leaves: "leaves in mid-stream",
  unsubscribes: "unsubscribes in mid-stream",
} as const;

const nobody = async (): Promise<void> => {};

export const publishing: ContractCase = {
  name: "publishes to all",
  subscriber: nobody,
  async publisher(role) {
    const tracks = publishAll(role, NO_DEADLINE);
    await Promise.all(tracks.map((track) => track.ready));
    role.tell("published");
    await role.told("everybody");
    const sent = await Promise.all(tracks.map((track) => sendAll(role, track, LOAD)));
    role.tell("sent", sent);
    // Leaving now would cut what the others still look at.
    await role.told("all looked");
    fail(sent.flatMap(brokenBounds));
  },
};

/** Reads everything all the time, and must get it. */
function undisturbed(name: string): ContractCase {
  return {
    name,
    publisher: nobody,
    async subscriber(role) {
      const seen = (await subscribeAll(role, name, 8 * 1024 * 1024)).map(watch);
      const sent = (await role.told("sent")) as readonly Sent[];
      await until(
        role,
        () => sent.every((track, i) => isComplete(track, seen[i])),
        () => `not complete: ${progress(sent, seen)}`,
        PATIENCE,
      );
      role.tell(`${name} to the end`);
      await role.told("over");
      // The tracks have not ended.
      const broken = (): string[] =>
        sent.flatMap((track, i) => {
          const ended = {
            ...(seen[i] as Seen),
            ends: [{ kind: "ended", error: undefined } as const],
          };
          return [...brokenPromises(track, ended, NO_DEADLINE), ...brokenPeace(track, ended)];
        });
      await settled(role, broken);
    },
  };
}

/** Subscribes to everything and never reads. */
function stopped(name: string): ContractCase {
  return {
    name,
    publisher: nobody,
    async subscriber(role) {
      const readers = await subscribeAll(role, name, 64 * 1024);
      await role.told("over");
      const counters = readers.map(({ stats }) => stats);
      check(
        counters.every(({ queuedBytes }) => queuedBytes <= MOST_WAITING),
        `more waits for the reader than may: ${JSON.stringify(counters)}`,
      );
    },
  };
}

/** Reads all the time, but its link takes a fraction of what is sent. */
const slow: ContractCase = {
  name: TROUBLE.slow,
  publisher: nobody,
  async subscriber(role) {
    const seen = (await subscribeAll(role, TROUBLE.slow, 8 * 1024 * 1024)).map(watch);
    await role.told("over");
    const [reliable, ...rest] = seen;
    fail([
      ...(reliable === undefined ? [] : brokenBehind(reliable)),
      ...rest.flatMap(({ numbers }, i) =>
        numbers.every((n, at) => at === 0 || n > (numbers[at - 1] ?? n))
          ? []
          : [`${CLASSES[i + 1]}: went back`],
      ),
    ]);
  },
};

/** Is gone in the middle, with what is on its way to it. */
const leaving: ContractCase = {
  name: TROUBLE.leaves,
  publisher: nobody,
  async subscriber(role) {
    (await subscribeAll(role, TROUBLE.leaves, 64 * 1024)).map(watch);
    await role.told("midway");
    await role.client.close();
  },
};

const unsubscribing: ContractCase = {
  name: TROUBLE.unsubscribes,
  publisher: nobody,
  async subscriber(role) {
    const readers = await subscribeAll(role, TROUBLE.unsubscribes, 64 * 1024);
    const seen = readers.map(watch);
    await role.told("midway");
    for (const reader of readers) reader.close();
    const had = seen.map(({ numbers }) => numbers.length);
    await role.told("over");
    const has = seen.map(({ numbers }) => numbers.length);
    check(String(had) === String(has), `objects came after close: ${had} then ${has}`);
  },
};

export const isolationCases: readonly ContractCase[] = [
  publishing,
  ...UNDISTURBED.map(undisturbed),
  stopped(TROUBLE.stops),
  stopped(TROUBLE.stopsInChromium),
  slow,
  leaving,
  unsubscribing,
];
