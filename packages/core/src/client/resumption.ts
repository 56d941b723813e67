import type { Delivery, Gap } from "../api.js";
import { comparePlaces, type Place } from "../delivery/receiver.js";

/**
 * Groups by which a peer may be behind what was delivered already and still tell of the same run of
 * the publisher: another relay, or another path, can lag. A publisher of ours that was started again
 * is ahead, as its groups start from the clock.
 */
const LAG = 1_024;

/** An interruption of a reader that no object has followed yet. */
export class Resumption {
  /** The first place that was neither delivered nor reported as missing. */
  #next: Place;
  /** The reader was too slow: only the newest group is asked for. That the group at hand has a gap was reported. */
  readonly newestOnly: boolean;
  /** The newest object delivered before; `undefined`: there was none. */
  readonly #delivered: Place | undefined;
  /** The publisher numbers groups without holes. */
  #contiguous = true;
  /** The newest object when the peer accepted anew. */
  #largest: Place | undefined;
  /** Not all since then can be had. */
  #pastIsLost = false;
  /** A gap was reported for it, up to this group. */
  #told: number | undefined;

  constructor(next: Place, delivered: Place | undefined, newestOnly: boolean) {
    this.#next = next;
    this.newestOnly = newestOnly;
    this.#delivered = delivered;
    if (newestOnly) this.#told = next.group - 1;
  }

  get next(): Place {
    return this.#next;
  }

  /** Interrupted again before an object came: what was reported is not reported twice. */
  again(): void {
    const told = this.#told;
    this.#pastIsLost = false;
    if (told === undefined || this.newestOnly) return;
    this.#told = undefined;
    if (told >= this.#next.group) this.#next = { group: told + 1, object: 0 };
  }

  /** The peer accepted anew. False: the track began anew too, and its ids say nothing about the old ones. */
  accepted(largest: Place | undefined, contiguous: boolean): boolean {
    this.#largest = largest;
    this.#contiguous = contiguous;
    const delivered = this.#delivered;
    if (delivered === undefined) return true;
    if (largest === undefined) return false;
    const lags = contiguous && largest.group + LAG >= delivered.group;
    return lags || comparePlaces(largest, delivered) >= 0;
  }

  /** What lies between the interruption and the newest group cannot be had. */
  pastIsLost(): void {
    this.#pastIsLost = true;
  }

  /** A gap of the receiver, which is one of this interruption. */
  tell(gap: Gap): Gap {
    this.#told = Math.max(this.#told ?? 0, gap.toGroup);
    return { ...gap, reason: this.#reason };
  }

  /** What is missing for good although no object shows it: all of the past, when none of it can be had. */
  lost(): Gap | undefined {
    const largest = this.#largest;
    if (this.#told !== undefined || largest === undefined || this.#nothingPassed) return undefined;
    return this.tell(gapOf(this.next.group, largest.group));
  }

  /** No object was published between the interruption and the new start. */
  get #nothingPassed(): boolean {
    return this.#largest !== undefined && comparePlaces(this.#largest, this.#next) < 0;
  }

  get #reason(): Gap["reason"] {
    return this.newestOnly ? "too_far_behind" : "reconnected";
  }

  /** What is missing before `first`, the first object after the interruption. */
  missedBefore(first: Place, delivery: Delivery): Gap | undefined {
    const { next } = this;
    if (this.newestOnly) {
      // The group at hand was reported.
      const to = first.object > 0 ? first.group : first.group - 1;
      if (!this.#contiguous || to <= next.group) return undefined;
      return { ...gapOf(next.group + 1, to), reason: this.#reason };
    }
    if (this.#told !== undefined || comparePlaces(first, next) <= 0) return undefined;
    const reliable = delivery === "reliable";
    const pastIsLost = this.#pastIsLost && !this.#nothingPassed;
    if (first.group === next.group) return reliable ? gapOf(next.group, next.group) : undefined;
    if (!this.#contiguous && !pastIsLost) return undefined;
    // Whether the group at hand had more objects, only a FETCH can tell.
    const from = next.object === 0 || (reliable && pastIsLost) ? next.group : next.group + 1;
    const to = reliable && first.object > 0 ? first.group : first.group - 1;
    return from > to ? undefined : gapOf(from, to);
  }
}

function gapOf(fromGroup: number, toGroup: number): Gap {
  return { fromGroup, toGroup, objects: undefined, reason: "reconnected" };
}
