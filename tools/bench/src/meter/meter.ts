import { Histogram, type Quantiles } from "./histogram.js";
import { type Clock, HEADER_BYTES, readNumber, readSentAt } from "./payload.js";

/** What all subscribers of a process received while it was measured. */
export interface Received {
  readonly delivered: number;
  readonly bytes: number;
  /** Numbers left out, and objects that were not above the last. */
  readonly lost: number;
  readonly out_of_order: number;
  readonly first_us: Quantiles;
  readonly age_us: Quantiles;
  readonly interval_us: Quantiles;
}

/** Counts what arrives. */
export class Meter {
  readonly clock: Clock;
  readonly first = new Histogram();
  readonly age = new Histogram();
  readonly interval = new Histogram();
  delivered = 0;
  bytes = 0;
  lost = 0;
  outOfOrder = 0;
  /** Updates that the subscribers have received or passed over, added up. */
  passed = 0;
  /** When what counts was sent, µs: what was sent before it and is late is not of this measurement. */
  from = 0;
  onPassed: (() => void) | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  subscriber(): Subscriber {
    return new Subscriber(this);
  }

  /** Begins the measurement: what was sent so far does not count, except for first objects. */
  measure(): void {
    this.from = this.clock();
    for (const histogram of [this.age, this.interval]) histogram.clear();
    this.delivered = 0;
    this.bytes = 0;
    this.lost = 0;
    this.outOfOrder = 0;
  }

  result(): Received {
    return {
      delivered: this.delivered,
      bytes: this.bytes,
      lost: this.lost,
      out_of_order: this.outOfOrder,
      first_us: this.first.quantiles(),
      age_us: this.age.quantiles(),
      interval_us: this.interval.quantiles(),
    };
  }
}

/** One of the subscribers of a {@link Meter}. */
export class Subscriber {
  readonly #meter: Meter;
  readonly #since: number;
  #last = -1;
  #lastAt = 0;

  get clock(): Clock {
    return this.#meter.clock;
  }

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#since = meter.clock();
  }

  /** `at`: of those who are handed several at a time, and look at the clock once for them. */
  take(bytes: Uint8Array, at: number = this.#meter.clock()): void {
    if (bytes.length < HEADER_BYTES) return;
    const meter = this.#meter;
    const number = readNumber(bytes);
    const sent = readSentAt(bytes);
    const counts = sent >= meter.from;
    if (counts) {
      meter.delivered += 1;
      meter.bytes += bytes.length;
      meter.age.add(at - sent);
    }
    let ahead = number + 1;
    if (this.#last < 0) {
      meter.first.add(at - this.#since);
    } else {
      if (counts) meter.interval.add(at - this.#lastAt);
      ahead = number - this.#last;
      if (ahead <= 0) {
        if (counts) meter.outOfOrder += 1;
        return;
      }
      if (counts) meter.lost += ahead - 1;
    }
    this.#last = number;
    this.#lastAt = at;
    meter.passed += ahead;
    meter.onPassed?.();
  }
}
