import { GOOD_NETWORK, type Settings } from "./options.js";
import { Random } from "./random.js";

/** UDP and IPv4 headers, which a link carries as well. */
const HEADER_BYTES = 28;

/** Counts of one direction since the start. Bytes are UDP payload. */
export interface LaneStats {
  packetsIn: number;
  bytesIn: number;
  packetsOut: number;
  bytesOut: number;
  /** Lost by chance. */
  lost: number;
  /** Lost because an outage was on. */
  outage: number;
  /** Dropped because the queue of a slow link, or the proxy's own memory limit, was full. */
  overflow: number;
  /** Held back so that later packets overtake them (`reorder`). */
  reordered: number;
  duplicated: number;
  /** Largest number of bytes that waited for the rate. */
  maxQueuedBytes: number;
}

export function noPackets(): LaneStats {
  return {
    packetsIn: 0,
    bytesIn: 0,
    packetsOut: 0,
    bytesOut: 0,
    lost: 0,
    outage: 0,
    overflow: 0,
    reordered: 0,
    duplicated: 0,
    maxQueuedBytes: 0,
  };
}

/** One direction of one flow: says when each packet arrives, or that it never does. No sockets, no clock. */
export class Lane {
  settings: Settings = GOOD_NETWORK;
  readonly #random: Random;
  readonly #stats: LaneStats;
  /** When the link has sent all that waits. */
  #free = 0;
  #last = 0;

  constructor(seed: number, stats: LaneStats) {
    this.#random = new Random(seed);
    this.#stats = stats;
  }

  /**
   * The times in ms at which a packet of `bytes` that comes `now` goes on: none, one or two.
   * The same number of draws is made for each packet, so that a change of one setting leaves the other
   * packets' fates alone.
   */
  plan(now: number, bytes: number, outage: boolean): number[] {
    const { settings, stats } = this;
    const loss = this.#random.next();
    const jitter = this.#random.next();
    const reorder = this.#random.next();
    const duplicate = this.#random.next();
    stats.packetsIn += 1;
    stats.bytesIn += bytes;
    if (outage) {
      stats.outage += 1;
      return [];
    }
    let due = now;
    if (settings.rate > 0) {
      const perMs = settings.rate / 1_000;
      const start = Math.max(now, this.#free);
      const waiting = (start - now) * perMs;
      if (waiting + bytes > settings.queue) {
        stats.overflow += 1;
        return [];
      }
      stats.maxQueuedBytes = Math.max(stats.maxQueuedBytes, Math.round(waiting + bytes));
      this.#free = start + (bytes + HEADER_BYTES) / perMs;
      due = this.#free;
    }
    // Lost on the far side of the link: it took its share of the rate.
    if (loss < settings.loss) {
      stats.lost += 1;
      return [];
    }
    due += settings.delay + jitter * settings.jitter;
    if (settings.keepOrder) due = Math.max(due, this.#last);
    this.#last = due;
    if (reorder < settings.reorder) {
      stats.reordered += 1;
      due += settings.reorderDelay;
    }
    if (duplicate < settings.duplicate) {
      stats.duplicated += 1;
      return [due, due];
    }
    return [due];
  }

  get stats(): LaneStats {
    return this.#stats;
  }
}
