import type { Delivery, Gap, MoqObject } from "../api.js";
import type { StreamId } from "../transport.js";
import type { Clock } from "./clock.js";
import { DeadlineReceiver } from "./receiver-deadline.js";
import { LatestReceiver } from "./receiver-latest.js";
import { ReliableReceiver } from "./receiver-reliable.js";

/** A place in a track whose ids a JavaScript number holds. */
export interface Place {
  readonly group: number;
  readonly object: number;
}

/** A whole object as it arrived, by subscription or by FETCH. */
export interface Incoming extends Place {
  readonly subgroup: number;
  readonly payload: Uint8Array;
  /** In ms of the monotonic clock. */
  readonly receivedAt: number;
  /** The publisher's time in unix ms, where it sent one. */
  readonly publishedAt: number | undefined;
  /** Groups before this one that do not exist (draft-18 "Prior Group ID Gap"). */
  readonly priorGroups: number;
  /** Objects before this one that do not exist (draft-18 "Prior Object ID Gap"). */
  readonly priorObjects: number;
}

/** What a receiver is made with. */
export interface ReceiverConfig {
  readonly clock: Clock;
  /** In ms, for `deadline`. */
  readonly deadline: number;
  /** Longest wait in ms for a missing group. */
  readonly gapTimeout: number;
  /** `datagram`: deliver also what is older than the newest. */
  readonly unordered: boolean;
  /** The publisher said its class, so groups are contiguous. */
  readonly contiguous: boolean;
  /** The publisher's first group, where it said so. */
  readonly firstGroup: number | undefined;
  /** Bytes that may be held while something earlier is missing; above, streams are paused. */
  readonly holdBytes: number;
  readonly deliver: (object: MoqObject) => void;
  readonly onGap: (gap: Gap) => void;
  /** Holds back a stream while too much of later groups is held. */
  readonly onHold: (stream: StreamId, paused: boolean) => void;
}

/** Drops of a receiver, by cause. Each only grows. */
export interface ReceiverCounters {
  stale: number;
  late: number;
  reset: number;
}

/** How the past that was asked for with FETCH ended. */
export type FetchEnd = "complete" | "refused" | "cut";

/**
 * One reader's way in, by delivery class: puts in order what arrives on streams, in datagrams and
 * from a joining FETCH, and decides what is delivered, held, dropped or reported as a gap.
 */
export interface Receiver {
  readonly counters: ReceiverCounters;
  /**
   * The subscription stands. `largest`: where the track was then; `next`: delivery begins at the
   * next group. Objects from before are not waited for.
   */
  begin(largest: Place | undefined, next: boolean): void;
  /**
   * An earlier connection delivered all before `next`: nothing of it is delivered again, and what a
   * FETCH brings goes on from there. Before {@link begin}.
   */
  resume(next: Place): void;
  /** A FETCH of the past is under way: live objects are held until `fetchEnded`. */
  expectFetch(): void;
  fetched(object: Incoming): void;
  /** All up to this place, inclusive, is absent (or cannot be had, when `unknown`). */
  fetchedRange(to: Place, unknown: boolean): void;
  fetchEnded(end: FetchEnd): void;
  streamOpened(stream: StreamId, group: number): void;
  /** An object on a stream, or in a datagram (`undefined`). */
  object(stream: StreamId | undefined, object: Incoming): void;
  /** No object at or after `object` exists in the group. */
  groupEnds(group: number, object: number): void;
  /** `whole`: everything of the stream arrived; `endOfGroup`: it held the group's last object. */
  streamEnded(stream: StreamId, whole: boolean, endOfGroup: boolean): void;
  /** Nothing more arrives: delivers what is held and reports what is missing. */
  finish(): void;
  /** Stops timers and drops what is held. */
  close(): void;
}

/** The receiver of a class. */
export function createReceiver(delivery: Delivery, config: ReceiverConfig): Receiver {
  switch (delivery) {
    case "reliable":
      return new ReliableReceiver(config);
    case "latest":
    case "datagram":
      return new LatestReceiver(config, delivery === "datagram" && config.unordered);
    case "deadline":
      return new DeadlineReceiver(config);
  }
}

/** The application's view of an object. */
export function toMoqObject(object: Incoming): MoqObject {
  return {
    group: object.group,
    object: object.object,
    subgroup: object.subgroup,
    bytes: object.payload,
    receivedAt: object.receivedAt,
    publishedAt: object.publishedAt,
    keyframe: object.object === 0,
  };
}

/** Negative, zero or positive as `a` is before, at or after `b`. */
export function comparePlaces(a: Place, b: Place): number {
  return a.group === b.group ? a.object - b.object : a.group - b.group;
}
