/** p50, p99 and the largest of a series of durations, µs. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Buckets of one power of two, as a power of two. */
const BITS = 6;

/** Durations in µs in buckets whose width is 1/64 of their value: the twin of native/moqt-bench's. */
export class Histogram {
  #buckets = new Float64Array(64 * 40);
  #count = 0;
  #max = 0;

  add(value: number): void {
    const whole = Math.max(value, 0);
    const index = bucket(whole);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count += 1;
    if (whole > this.#max) this.#max = whole;
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#max = 0;
  }

  /** The value below which this share of all lies; 0 when there are none. */
  quantile(share: number): number {
    const rank = Math.ceil(this.#count * share);
    let seen = 0;
    for (const [index, count] of this.#buckets.entries()) {
      seen += count;
      if (count > 0 && seen >= rank) return Math.min(upper(index), this.#max);
    }
    return this.#max;
  }

  quantiles(): Quantiles {
    return { p50: this.quantile(0.5), p99: this.quantile(0.99), max: this.#max };
  }
}

function bucket(value: number): number {
  if (value < 0x4000_0000) {
    // Whole numbers of 32 bits: counting must not cost more than what is counted.
    const whole = value | 0;
    const exponent = Math.max(31 - Math.clz32(whole) - BITS, 0);
    return (exponent << BITS) + (whole >> exponent);
  }
  const exponent = Math.floor(Math.log2(value)) - BITS;
  return (exponent << BITS) + Math.floor(value / 2 ** exponent);
}

/** The largest value of a bucket. */
function upper(index: number): number {
  const exponent = Math.max((index >> BITS) - 1, 0);
  return (index - (exponent << BITS) + 1) * 2 ** exponent - 1;
}
