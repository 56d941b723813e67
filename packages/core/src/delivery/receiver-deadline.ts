import type { StreamId } from "../transport.js";
import {
  comparePlaces,
  type FetchEnd,
  type Incoming,
  type Place,
  type Receiver,
  type ReceiverConfig,
  type ReceiverCounters,
  toMoqObject,
} from "./receiver.js";

/** Most updates held for a missing one. */
const MAX_HELD = 1024;

interface Held {
  readonly object: Incoming;
  /** When nothing before it can still be in time. */
  readonly until: number;
}

/**
 * `deadline`: updates in order and whole. A missing one is waited for until it would be late; what
 * is late (its delay is more than the deadline above the smallest seen) is counted, not delivered.
 */
export class DeadlineReceiver implements Receiver {
  readonly counters: ReceiverCounters = { stale: 0, late: 0, reset: 0 };
  readonly #config: ReceiverConfig;
  /** Sorted by place. */
  #held: Held[] = [];
  #heldBytes = 0;
  /** The first group that was neither delivered nor reported; `undefined` before the first object. */
  #next: number | undefined;
  #last: Place | undefined;
  /** Groups after `#next` that will not come and were reported: not waited for. */
  #settled = new Set<number>();
  readonly #open = new Map<StreamId, { readonly group: number; objects: number }>();
  #smallestDelay = Infinity;
  #timer: (() => void) | undefined;
  #closed = false;

  constructor(config: ReceiverConfig) {
    this.#config = config;
  }

  begin(largest: Place | undefined, next: boolean): void {
    if (largest === undefined) {
      this.#next ??= this.#config.firstGroup;
      return;
    }
    // What came before the subscription is delivered only if a FETCH brings it.
    if (this.#next === undefined) {
      this.#next = next ? largest.group + 1 : largest.group;
      const start = { group: next ? largest.group : largest.group - 1, object: Infinity };
      if (this.#last === undefined || comparePlaces(this.#last, start) < 0) this.#last = start;
      else this.#next = Math.max(this.#next, this.#last.group + 1);
    }
  }

  resume(next: Place): void {
    this.#last = { group: next.group, object: next.object - 1 };
  }

  expectFetch(): void {}

  fetched(object: Incoming): void {
    // The newest update of the past, however old: it says how things stand.
    if (this.#closed || (this.#last !== undefined && comparePlaces(object, this.#last) <= 0))
      return;
    this.#deliver(object);
  }

  fetchedRange(_to: Place, _unknown: boolean): void {}

  fetchEnded(_end: FetchEnd): void {
    this.#advance(false);
  }

  streamOpened(stream: StreamId, group: number): void {
    this.#open.set(stream, { group, objects: 0 });
  }

  object(stream: StreamId | undefined, object: Incoming): void {
    if (this.#closed) return;
    const open = stream === undefined ? undefined : this.#open.get(stream);
    if (open !== undefined) open.objects += 1;
    const delay = this.#delay(object);
    if (delay !== undefined && delay > this.#config.deadline) {
      this.counters.late += 1;
      this.#lost(object.group, 1, "late");
      return;
    }
    if (this.#isOver(object)) {
      this.counters.stale += 1;
      return;
    }
    const until = object.receivedAt + Math.max(0, this.#config.deadline - (delay ?? 0));
    this.#hold({ object, until });
    this.#advance(false);
  }

  groupEnds(group: number, object: number): void {
    if (object === 0) this.#settle(group);
    this.#advance(false);
  }

  streamEnded(stream: StreamId, whole: boolean, _endOfGroup: boolean): void {
    const open = this.#open.get(stream);
    this.#open.delete(stream);
    if (open === undefined || whole) return;
    this.counters.reset += 1;
    if (open.objects === 0) this.#lost(open.group, undefined, "reset");
  }

  finish(): void {
    this.#advance(true);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.();
    this.#held = [];
    this.#heldBytes = 0;
    this.#open.clear();
    this.#settled.clear();
  }

  /** Delay above the smallest seen; `undefined` when the publisher sent no time. */
  #delay(object: Incoming): number | undefined {
    if (object.publishedAt === undefined) return undefined;
    // Clocks differ between hosts; only the difference between two delays means something.
    const delay = object.receivedAt - object.publishedAt;
    this.#smallestDelay = Math.min(this.#smallestDelay, delay);
    return delay - this.#smallestDelay;
  }

  /** Delivered, passed over or reported already. */
  #isOver(place: Place): boolean {
    const last = this.#last;
    if (last === undefined) return false;
    const passed = this.#next !== undefined && place.group < this.#next;
    return comparePlaces(place, last) <= 0 || (passed && place.group !== last.group);
  }

  /** Nothing of this group will come, which is reported unless it was delivered or reported. */
  #lost(group: number, objects: number | undefined, reason: "late" | "reset"): void {
    if (this.#settle(group)) this.#gap(group, group, objects, reason);
    this.#advance(false);
  }

  /** Does not wait for this group any more; false when it did not anyway. */
  #settle(group: number): boolean {
    if ((this.#next !== undefined && group < this.#next) || this.#settled.has(group)) return false;
    this.#settled.add(group);
    this.#passSettled();
    if (this.#settled.size > MAX_HELD) {
      // So much came after the hole that it is given up.
      const first = Math.min(...this.#settled);
      this.#reportMissing(first - 1);
      this.#pass(first);
    }
    return true;
  }

  /** Moves `#next` to at least `group`, and past what is settled. */
  #pass(group: number): void {
    this.#next = Math.max(this.#next ?? 0, group);
    for (const settled of this.#settled) if (settled < this.#next) this.#settled.delete(settled);
    this.#passSettled();
  }

  /** Moves `#next` past what is settled. */
  #passSettled(): void {
    while (this.#next !== undefined && this.#settled.delete(this.#next)) this.#next += 1;
  }

  #hold(held: Held): void {
    let at = this.#held.length;
    while (at > 0 && comparePlaces((this.#held[at - 1] as Held).object, held.object) > 0) at -= 1;
    const before = this.#held[at - 1];
    if (before !== undefined && comparePlaces(before.object, held.object) === 0) {
      this.counters.stale += 1;
      return;
    }
    this.#held.splice(at, 0, held);
    this.#heldBytes += held.object.payload.byteLength;
  }

  #advance(force: boolean): void {
    if (this.#closed) return;
    const now = this.#config.clock.now();
    for (let head = this.#held[0]; head !== undefined; head = this.#held[0]) {
      // The publisher may say that groups before this one do not exist.
      const expected = head.object.group - head.object.priorGroups;
      const inOrder = this.#next === undefined || expected <= this.#next;
      if (!inOrder && !force && now < head.until && !this.#isFull()) break;
      if (!inOrder) this.#reportMissing(expected - 1);
      this.#held.shift();
      this.#heldBytes -= head.object.payload.byteLength;
      this.#deliver(head.object);
    }
    this.#arm(now);
  }

  #isFull(): boolean {
    return this.#held.length > MAX_HELD || this.#heldBytes > this.#config.holdBytes;
  }

  #deliver(object: Incoming): void {
    this.#last = { group: object.group, object: object.object };
    this.#pass(object.group + 1);
    this.#config.deliver(toMoqObject(object));
  }

  /** Reports the groups up to `to` that were not reported yet. */
  #reportMissing(to: number): void {
    let from = this.#next;
    if (from === undefined) return;
    for (const settled of [...this.#settled].sort((a, b) => a - b)) {
      if (settled > to) break;
      if (settled > from) this.#gap(from, settled - 1, undefined, "lost");
      from = settled + 1;
    }
    if (from <= to) this.#gap(from, to, undefined, "lost");
  }

  #gap(
    fromGroup: number,
    toGroup: number,
    objects: number | undefined,
    reason: "late" | "lost" | "reset",
  ): void {
    this.#config.onGap({ fromGroup, toGroup, objects, reason });
  }

  #arm(now: number): void {
    this.#timer?.();
    this.#timer = undefined;
    const head = this.#held[0];
    if (head === undefined) return;
    this.#timer = this.#config.clock.after(Math.max(1, head.until - now), () => {
      this.#timer = undefined;
      this.#advance(false);
    });
  }
}
