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
  /** The group after the last one delivered or given up; `undefined` before the first. */
  #next: number | undefined;
  #last: Place | undefined;
  /** Groups not delivered that will not come: late, reset or known not to exist. */
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
      this.#gap(object.group, object.group, 1, "late");
      this.#settle(object.group);
      this.#advance(false);
      return;
    }
    if (this.#last !== undefined && comparePlaces(object, this.#last) <= 0) {
      this.counters.stale += 1;
      return;
    }
    if (object.priorGroups > 0 && this.#next !== undefined) {
      const from = Math.max(this.#next, object.group - object.priorGroups);
      for (let g = from; g < object.group && this.#settled.size < MAX_HELD; g++) this.#settle(g);
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
    if (open.objects > 0 || (this.#next !== undefined && open.group < this.#next)) return;
    this.#gap(open.group, open.group, undefined, "reset");
    this.#settle(open.group);
    this.#advance(false);
  }

  finish(): void {
    this.#advance(true);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.();
    this.#held = [];
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

  #settle(group: number): void {
    if (this.#next !== undefined && group < this.#next) return;
    this.#settled.add(group);
    if (this.#settled.size > MAX_HELD) {
      const oldest = Math.min(...this.#settled);
      this.#settled.delete(oldest);
    }
  }

  #hold(held: Held): void {
    let at = this.#held.length;
    while (at > 0 && comparePlaces((this.#held[at - 1] as Held).object, held.object) > 0) at -= 1;
    const before = this.#held[at - 1];
    if (before !== undefined && comparePlaces(before.object, held.object) === 0) return;
    this.#held.splice(at, 0, held);
  }

  #advance(force: boolean): void {
    if (this.#closed) return;
    const now = this.#config.clock.now();
    for (let head = this.#held[0]; head !== undefined; head = this.#held[0]) {
      const { group } = head.object;
      while (this.#next !== undefined && this.#next < group && this.#settled.delete(this.#next)) {
        this.#next += 1;
      }
      const inOrder = this.#next === undefined || group <= this.#next;
      if (!inOrder && !force && now < head.until && this.#held.length <= MAX_HELD) break;
      if (!inOrder) this.#reportMissing(group - 1);
      this.#held.shift();
      this.#deliver(head.object);
    }
    this.#arm(now);
  }

  #deliver(object: Incoming): void {
    this.#last = { group: object.group, object: object.object };
    this.#next = object.group + 1;
    for (const group of this.#settled) if (group < this.#next) this.#settled.delete(group);
    this.#config.deliver(toMoqObject(object));
  }

  #reportMissing(to: number): void {
    let from: number | undefined;
    for (let group = this.#next ?? to + 1; group <= to; group++) {
      // Each settled group has been reported already.
      if (!this.#settled.has(group)) from ??= group;
      else if (from !== undefined) {
        this.#gap(from, group - 1, undefined, "lost");
        from = undefined;
      }
      if (this.#settled.size === 0) break;
    }
    if (from !== undefined) this.#gap(from, to, undefined, "lost");
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
