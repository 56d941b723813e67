// Numbered updates, and readers that hold each delivery class to its promise.
import { performance } from "node:perf_hooks";

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** An update: its number, when it left, and padding. */
export function numbered(number, size) {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, number);
  view.setFloat64(8, performance.now());
  return bytes;
}

/** Ages in ms; one in sixteen is kept, so that hours fit. */
export class AgeMeter {
  #ages = [];
  #count = 0;

  add(age) {
    this.#count += 1;
    if (this.#count % 16 === 0) this.#ages.push(age);
  }

  /** Median and 99th percentile since the last call. */
  take() {
    const sorted = this.#ages.sort((a, b) => a - b);
    this.#ages = [];
    const at = (share) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99) };
  }
}

export class Reader {
  #last = 0;
  #objects = 0;
  #back = 0;
  #missing = 0;
  #ended;

  constructor(subscription, delivery, where, age) {
    this.delivery = delivery;
    this.where = where;
    subscription.onEnd((reason) => {
      this.#ended ??= `${reason.kind} ${reason.error?.message ?? ""}`;
    });
    const visit = (object) => {
      const view = new DataView(object.bytes.buffer, object.bytes.byteOffset);
      const number = view.getFloat64(0);
      this.#objects += 1;
      if (number <= this.#last) this.#back += 1;
      else {
        if (this.#last > 0) this.#missing += number - this.#last - 1;
        this.#last = number;
      }
      age?.add(performance.now() - view.getFloat64(8));
    };
    subscription.onReadable(() => subscription.drain(visit));
  }

  /** Against the number of the last update. */
  verdict(final) {
    return {
      delivery: this.delivery,
      where: this.where,
      objects: this.#objects,
      back: this.#back,
      missing: this.#missing,
      behind: final - this.#last,
      ended: this.#ended ?? null,
    };
  }
}
