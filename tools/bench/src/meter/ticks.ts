import { readFileSync } from "node:fs";
import { Histogram, type Quantiles } from "./histogram.js";

/**
 * µs that this thread was ready to run and waited for a processor, so far (`run_delay` of Linux' schedstats; 0 on
 * other systems). A game has a processor for its thread; here the other programs of the run share two.
 */
function waited(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "latin1").split(" ")[1]) / 1_000;
  } catch {
    return 0;
  }
}

/** What the ticks of a script's thread take of it: the time that passes, without waiting for a processor. */
export class Ticks {
  readonly #each = new Histogram();
  #spent = 0;
  #waited = 0;
  #from = 0n;
  #waitedBefore = 0;

  begin(): void {
    this.#waitedBefore = waited();
    this.#from = process.hrtime.bigint();
  }

  end(): void {
    const passed = Number(process.hrtime.bigint() - this.#from) / 1_000;
    // Between two looks at other clocks, so a little more may have been waited.
    const without = Math.min(passed, waited() - this.#waitedBefore);
    this.#spent += passed - without;
    this.#waited += without;
    this.#each.add(passed - without);
  }

  clear(): void {
    this.#each.clear();
    this.#spent = 0;
    this.#waited = 0;
  }

  /** µs in all ticks and in each, and what was not counted; `objects` is what they dealt with. */
  result(objects: number): {
    game_thread_us: number;
    game_thread_waited_us: number;
    game_thread_objects: number;
    tick_us: Quantiles;
  } {
    return {
      game_thread_us: this.#spent,
      game_thread_waited_us: this.#waited,
      game_thread_objects: objects,
      tick_us: this.#each.quantiles(),
    };
  }
}
