import type { Delivery } from "@moq-game/core";

/** What may be wrong with one side's network. Shares are 0–1, times ms, rates bytes a second, each way. */
export interface BadNetwork {
  readonly delay?: number;
  readonly jitter?: number;
  readonly loss?: number;
  readonly reorder?: number;
  readonly duplicate?: number;
  readonly rate?: number;
  readonly queue?: number;
}

export type NetworkSide = "publisher" | "subscriber";

/** What is sent: four tracks, one of each class, at the same pace. */
export interface Load {
  /** Of each track. */
  readonly updates: number;
  /** ms between two of one track. */
  readonly interval: number;
  /** Sizes in bytes. */
  readonly reliable: number;
  readonly latest: number;
  readonly deadline: number;
  readonly datagram: number;
}

/** One network, with all delivery classes on it at once. */
export interface Condition {
  readonly name: string;
  readonly publisher?: BadNetwork;
  readonly subscriber?: BadNetwork;
  /** Where nothing passes for 3 s, from the middle on. */
  readonly outage?: NetworkSide;
  readonly load?: Partial<Load>;
  /** The publisher's network is slower than these tracks alone: their back-pressure must show. */
  readonly pressure?: readonly Delivery[];
  /** The tracks end right after the last update, which must arrive all the same. */
  readonly endsAtOnce?: boolean;
}

export const OUTAGE = 3_000;

/** Deadline in ms of the track of that class. */
export const DEADLINE = 250;

/** Every group of the reliable track has so many objects. */
export const GROUP_LENGTH = 20;

/** Bytes that may wait in a publication's queue. */
export const QUEUE_BYTES = 48 * 1024;

export const GENTLE: Load = {
  updates: 150,
  interval: 33,
  reliable: 300,
  latest: 700,
  deadline: 200,
  datagram: 120,
};

/** About 2 MB a second: several times what a narrow link takes, also from a machine that cannot keep this pace. */
const HEAVY: Load = {
  updates: 200,
  interval: 5,
  reliable: 4_000,
  latest: 5_000,
  deadline: 1_000,
  datagram: 200,
};

const SLOW: BadNetwork = { delay: 20, rate: 120_000, queue: 24 * 1024 };

/** A rate and nothing else, which the kernel can make as well: see the test over veth. */
export const NARROW = {
  name: "a narrow link on the subscriber's side, without delay",
  subscriber: { rate: 120_000, queue: 24 * 1024 },
  load: HEAVY,
} satisfies Condition;

export const CONDITIONS: readonly Condition[] = [
  {
    name: "20 ms, jitter that reorders, reordering and duplicates, no loss",
    publisher: { delay: 20, jitter: 20, reorder: 0.05, duplicate: 0.03 },
    subscriber: { delay: 20, jitter: 20, reorder: 0.05, duplicate: 0.03 },
  },
  {
    name: "2 % loss, 60 ms, jitter",
    publisher: { delay: 60, jitter: 20, loss: 0.02 },
    subscriber: { delay: 60, jitter: 20, loss: 0.02 },
    endsAtOnce: true,
  },
  {
    name: "5 % loss, 120 ms, jitter",
    publisher: { delay: 120, jitter: 40, loss: 0.05 },
    subscriber: { delay: 120, jitter: 40, loss: 0.05 },
  },
  {
    name: "5 % loss, 20 ms, on the subscriber's side alone",
    subscriber: { delay: 20, jitter: 10, loss: 0.05 },
    endsAtOnce: true,
  },
  {
    name: "3 s outage on the publisher's side",
    publisher: { delay: 20, loss: 0.02 },
    outage: "publisher",
  },
  {
    name: "3 s outage on the subscriber's side",
    subscriber: { delay: 20, loss: 0.02 },
    outage: "subscriber",
    endsAtOnce: true,
  },
  {
    name: "a link slower than the publisher, on its side",
    publisher: SLOW,
    load: HEAVY,
    pressure: ["reliable", "latest", "deadline"],
    endsAtOnce: true,
  },
  {
    name: "a link slower than the publisher, on the subscriber's side",
    subscriber: SLOW,
    load: HEAVY,
  },
];
