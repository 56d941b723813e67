/** Which moment of a sender to show: its clock as seen from here, through a network that delays. */

/** The smallest delay of the last one or two spans of so many ms counts: what was is forgotten. */
const SPAN = 1_000;
/** By how much of the time that passes the shown clock may run slower or faster to get there. */
const SLEW = 0.05;
/** A difference of more ms is no drift: the sender stood still, or one of the clocks was set. */
const JUMP = 250;

/**
 * The sender's clock by the times that arrive with its updates. Between two updates it runs like the clock here. When
 * the sender stands still for a while, runs slower, or the way to here becomes longer, it follows within two seconds.
 */
export class SenderClock {
  /** Smallest of arrival minus sender's time, in this span and in the one before. */
  #smallest = Number.POSITIVE_INFINITY;
  #before = Number.POSITIVE_INFINITY;
  #spanFrom = 0;
  /** What is shown is this much behind the clock here, without the wanted delay. */
  #offset: number | undefined;
  #askedAt = 0;

  /** An update of the sender's time `time` came at `arrival`, in ms of the clock here. */
  update(arrival: number, time: number): void {
    const age = Math.abs(arrival - this.#spanFrom);
    if (age >= SPAN) {
      this.#before = age < 2 * SPAN ? this.#smallest : Number.POSITIVE_INFINITY;
      this.#smallest = Number.POSITIVE_INFINITY;
      this.#spanFrom = arrival;
    }
    this.#smallest = Math.min(this.#smallest, arrival - time);
  }

  /** The sender's time at `now` of the clock here, `-Infinity` before the first update; call it with every frame. */
  shown(now: number): number {
    const wanted = Math.min(this.#smallest, this.#before);
    if (wanted === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
    const most = SLEW * Math.max(0, now - this.#askedAt);
    this.#askedAt = now;
    const off = wanted - (this.#offset ?? wanted);
    const known = this.#offset !== undefined && Math.abs(off) <= JUMP;
    this.#offset = known ? wanted - off + Math.max(-most, Math.min(most, off)) : wanted;
    return now - this.#offset;
  }

  /** Forgets everything: another sender follows. */
  reset(): void {
    this.#smallest = Number.POSITIVE_INFINITY;
    this.#before = Number.POSITIVE_INFINITY;
    this.#offset = undefined;
  }
}
