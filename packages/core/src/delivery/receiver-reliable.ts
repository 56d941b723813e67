import type { Gap } from "../api.js";
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

/** Wait in ms for what may have been overtaken, where nothing says that anything is missing. */
const REORDER_WAIT = 250;
/** A group whose stream is still open is waited for this many times longer than a missing one. */
const OPEN_STREAM_FACTOR = 5;

/** Counted for each held object beside its bytes. */
const OBJECT_OVERHEAD = 64;

/** What is known of one group. */
interface Held {
  /** Sorted by object id; none was delivered. */
  objects: Incoming[];
  readonly open: Set<StreamId>;
  /** The id after the group's last object, once known. */
  end: number | undefined;
  /** A stream of it was reset: what followed on it is lost unless it comes again. */
  broken: boolean;
  /** Groups before it that do not exist. */
  priorGroups: number;
}

/** Every object once, in order, across groups; a hole is waited for, boundedly, then reported. */
export class ReliableReceiver implements Receiver {
  readonly counters: ReceiverCounters = { stale: 0, late: 0, reset: 0 };
  readonly #config: ReceiverConfig;
  readonly #groups = new Map<number, Held>();
  readonly #streams = new Map<StreamId, number>();
  readonly #heldBack = new Set<StreamId>();
  #heldBytes = 0;
  /** The next object to deliver; `undefined` until the first is known. */
  #next: Place | undefined;
  /** Where the subscription's own objects begin. */
  #liveStart: Place | undefined;
  /** The track had no object when the subscription began: its very first group is ours. */
  #fromFirst = false;
  #joining = false;
  #waitingSince: number | undefined;
  #timer: (() => void) | undefined;
  #closed = false;

  constructor(config: ReceiverConfig) {
    this.#config = config;
  }

  begin(largest: Place | undefined, next: boolean): void {
    const { contiguous, firstGroup } = this.#config;
    if (largest !== undefined) {
      this.#liveStart = next
        ? { group: largest.group + 1, object: 0 }
        : { group: largest.group, object: largest.object + 1 };
    } else if (firstGroup !== undefined) this.#liveStart = { group: firstGroup, object: 0 };
    else this.#fromFirst = contiguous;
    // A FETCH says where delivery begins; otherwise it is here.
    if (this.#joining) return;
    const live = this.#liveStart;
    if (this.#next === undefined || (live !== undefined && comparePlaces(this.#next, live) < 0)) {
      this.#next = live;
    }
  }

  resume(next: Place): void {
    this.#next = next;
  }

  expectFetch(): void {
    this.#joining = true;
  }

  fetched(object: Incoming): void {
    if (this.#closed) return;
    const next = this.#next;
    if (next !== undefined && comparePlaces(object, next) < 0) return;
    this.#next = { group: object.group, object: object.object + 1 };
    this.#config.deliver(toMoqObject(object));
  }

  fetchedRange(to: Place, unknown: boolean): void {
    if (this.#closed) return;
    const from = this.#next?.group ?? to.group;
    if (this.#next !== undefined && comparePlaces(to, this.#next) < 0) return;
    this.#next = after(to);
    if (unknown) this.#gap(Math.min(from, to.group), to.group, undefined, "lost");
  }

  fetchEnded(end: FetchEnd): void {
    if (!this.#joining) return;
    this.#joining = false;
    const fetched = this.#next;
    const live = this.#liveStart;
    // Past and subscription are contiguous: what lies between them does not exist.
    if (live !== undefined && (fetched === undefined || comparePlaces(fetched, live) < 0)) {
      this.#next = live;
      if (end === "cut") this.#gap(fetched?.group ?? live.group, live.group, undefined, "reset");
    }
    this.#advance(false);
  }

  streamOpened(stream: StreamId, group: number): void {
    if (this.#closed) return;
    this.#streams.set(stream, group);
    if (this.#next !== undefined && group < this.#next.group) return;
    this.#group(group).open.add(stream);
    this.#updateHold();
  }

  object(_stream: StreamId | undefined, object: Incoming): void {
    if (this.#closed) return;
    if (this.#next !== undefined && comparePlaces(object, this.#next) < 0) {
      this.counters.stale += 1;
      return;
    }
    const held = this.#group(object.group);
    held.priorGroups = Math.max(held.priorGroups, object.priorGroups);
    if (!this.#joining && held.objects.length === 0 && this.#isNext(object)) {
      // The usual case: nothing is missing, nothing is held.
      this.#deliver(object);
      if (held.end !== undefined || this.#groups.size > 1) this.#advance(false);
      return;
    }
    if (insert(held.objects, object)) this.#heldBytes += cost(object);
    this.#advance(false);
    this.#updateHold();
  }

  groupEnds(group: number, object: number): void {
    if (this.#closed || (this.#next !== undefined && group < this.#next.group)) return;
    const held = this.#group(group);
    held.end = Math.min(held.end ?? Infinity, object);
    this.#advance(false);
  }

  streamEnded(stream: StreamId, whole: boolean, endOfGroup: boolean): void {
    const group = this.#streams.get(stream);
    this.#streams.delete(stream);
    this.#heldBack.delete(stream);
    if (!whole) this.counters.reset += 1;
    if (this.#closed || group === undefined) return;
    const held = this.#groups.get(group);
    if (held === undefined) return;
    held.open.delete(stream);
    if (!whole) held.broken = true;
    else if (endOfGroup) {
      const last = held.objects[held.objects.length - 1];
      const delivered = this.#next?.group === group ? this.#next.object : 0;
      held.end = Math.max(delivered, last === undefined ? 0 : last.object + 1);
    }
    this.#advance(false);
  }

  finish(): void {
    this.#joining = false;
    this.#advance(true);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.();
    this.#groups.clear();
    this.#streams.clear();
    this.#heldBytes = 0;
  }

  #isNext(object: Place): boolean {
    const next = this.#next;
    return next !== undefined && next.group === object.group && next.object === object.object;
  }

  #group(group: number): Held {
    let held = this.#groups.get(group);
    if (held === undefined) {
      held = { objects: [], open: new Set(), end: undefined, broken: false, priorGroups: 0 };
      this.#groups.set(group, held);
    }
    return held;
  }

  #deliver(object: Incoming): void {
    this.#next = { group: object.group, object: object.object + 1 };
    this.#waitingSince = undefined;
    this.#config.deliver(toMoqObject(object));
  }

  /** Delivers all that can be. `force`: nothing more arrives, so nothing is waited for. */
  #advance(force: boolean): void {
    this.#timer?.();
    this.#timer = undefined;
    while (!this.#closed && !this.#joining && (this.#next !== undefined || this.#begin(force))) {
      if (!this.#step(force)) break;
    }
    this.#updateHold();
  }

  /** Finds where a subscription without a known start begins. */
  #begin(force: boolean): boolean {
    const group = this.#firstHeld(-1);
    const held = group === undefined ? undefined : this.#groups.get(group);
    const first = held?.objects[0];
    if (held === undefined || first === undefined) return false;
    // A group that says that none precedes it, or one that nothing has overtaken for a while.
    const certain = !this.#fromFirst || held.priorGroups >= first.group;
    if (!certain && !force && !this.#waited(Math.min(REORDER_WAIT, this.#config.gapTimeout))) {
      return false;
    }
    this.#next = { group: first.group, object: first.object };
    this.#waitingSince = undefined;
    for (const older of [...this.#groups.keys()]) if (older < first.group) this.#drop(older);
    return true;
  }

  /** One step; false when there is nothing to do now. */
  #step(force: boolean): boolean {
    const next = this.#next as Place;
    const held = this.#groups.get(next.group);
    const head = held?.objects[0];
    if (held !== undefined && head !== undefined) {
      if (head.object <= next.object) {
        held.objects.shift();
        this.#heldBytes -= cost(head);
        if (head.object === next.object) this.#deliver(head);
        return true;
      }
      if (head.object - head.priorObjects <= next.object) return this.#skipTo(head);
    }
    if (held?.end !== undefined && next.object >= held.end) return this.#skipGroup(next.group + 1);
    if (held !== undefined && head !== undefined) {
      const wait = held.open.size > 1 ? this.#config.gapTimeout : REORDER_WAIT;
      if (!force && !this.#waited(Math.min(wait, this.#config.gapTimeout))) return false;
      const reason = held.broken ? "reset" : "lost";
      this.#gap(next.group, next.group, head.object - next.object, reason);
      return this.#skipTo(head);
    }
    return this.#stepOver(next, held, force);
  }

  /** The group at hand has nothing to deliver: goes on to a later one when it may. */
  #stepOver(next: Place, held: Held | undefined, force: boolean): boolean {
    const later = this.#firstHeld(next.group);
    if (later === undefined) return false;
    const prior = this.#groups.get(later)?.priorGroups ?? 0;
    const absent = next.object === 0 && held === undefined && later - prior <= next.group;
    if (absent) return this.#skipGroup(later);
    const { gapTimeout } = this.#config;
    const started = next.object > 0 || held !== undefined;
    let wait = gapTimeout;
    if (held !== undefined && held.open.size > 0) wait = gapTimeout * OPEN_STREAM_FACTOR;
    else if (started) wait = Math.min(REORDER_WAIT, gapTimeout);
    else if (!this.#config.contiguous) wait = Math.min(REORDER_WAIT, gapTimeout);
    if (!force && !this.#waited(wait)) return false;
    const missing = !started && this.#config.contiguous;
    if (held !== undefined && (held.broken || held.open.size > 0)) {
      this.#gap(next.group, next.group, undefined, held.broken ? "reset" : "lost");
      if (later > next.group + 1 && this.#config.contiguous) {
        this.#gap(next.group + 1, later - 1, undefined, "lost");
      }
      return this.#skipGroup(later);
    }
    if (missing) {
      this.#gap(next.group, later - 1, undefined, "lost");
      return this.#skipGroup(later);
    }
    // The group at hand is taken as complete; those between it and the later one are still missing.
    return this.#skipGroup(this.#config.contiguous ? next.group + 1 : later);
  }

  #skipTo(object: Incoming): boolean {
    this.#next = { group: object.group, object: object.object };
    this.#waitingSince = undefined;
    return true;
  }

  #skipGroup(to: number): boolean {
    for (const group of [...this.#groups.keys()]) if (group < to) this.#drop(group);
    this.#next = { group: to, object: 0 };
    this.#waitingSince = undefined;
    return true;
  }

  #drop(group: number): void {
    const held = this.#groups.get(group);
    if (held === undefined) return;
    for (const object of held.objects) this.#heldBytes -= cost(object);
    this.#groups.delete(group);
  }

  /** The smallest group above `group` that has objects or a known end. */
  #firstHeld(group: number): number | undefined {
    let first: number | undefined;
    for (const [other, held] of this.#groups) {
      if (other <= group || held.objects.length === 0) continue;
      if (first === undefined || other < first) first = other;
    }
    return first;
  }

  /** Whether `wait` ms have passed at this place; otherwise comes back when they have. */
  #waited(wait: number): boolean {
    const now = this.#config.clock.now();
    this.#waitingSince ??= now;
    const left = this.#waitingSince + wait - now;
    if (left <= 0) return true;
    this.#timer?.();
    this.#timer = this.#config.clock.after(Math.max(1, left), () => {
      this.#timer = undefined;
      this.#advance(false);
    });
    return false;
  }

  #gap(
    fromGroup: number,
    toGroup: number,
    objects: number | undefined,
    reason: Gap["reason"],
  ): void {
    this.#config.onGap({ fromGroup, toGroup, objects, reason });
  }

  /** Holds back the streams of later groups while too much of them is held. */
  #updateHold(): void {
    const { holdBytes } = this.#config;
    if (this.#heldBytes > holdBytes) {
      for (const [stream, group] of this.#streams) {
        const current = this.#next !== undefined && group <= this.#next.group && !this.#joining;
        if (current || this.#heldBack.has(stream)) continue;
        this.#heldBack.add(stream);
        this.#config.onHold(stream, true);
      }
      return;
    }
    if (this.#heldBack.size === 0) return;
    const current = this.#next?.group;
    for (const stream of [...this.#heldBack]) {
      if (this.#heldBytes > holdBytes / 2 && this.#streams.get(stream) !== current) continue;
      this.#heldBack.delete(stream);
      this.#config.onHold(stream, false);
    }
  }
}

/** The place behind `place`; the largest object id stands for the whole group. */
function after({ group, object }: Place): Place {
  return object === Number.MAX_SAFE_INTEGER
    ? { group: group + 1, object: 0 }
    : { group, object: object + 1 };
}

function cost(object: Incoming): number {
  return object.payload.byteLength + OBJECT_OVERHEAD;
}

/** Inserts by object id; false when that object is there already. */
function insert(objects: Incoming[], object: Incoming): boolean {
  let at = objects.length;
  while (at > 0 && (objects[at - 1] as Incoming).object > object.object) at -= 1;
  if (at > 0 && (objects[at - 1] as Incoming).object === object.object) return false;
  objects.splice(at, 0, object);
  return true;
}
