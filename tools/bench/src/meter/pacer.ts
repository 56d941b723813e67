import type { Load } from "../load.js";
import { monotonic } from "./clock.js";
import { writeHeader } from "./payload.js";

/** Where updates go. */
export interface Outlet {
  /** Takes one update; the bytes are its own. False: none is taken now. */
  send(bytes: Buffer, first: boolean): boolean;
  /** Resolves when one is taken again. Without it: tried again after 1 ms. */
  writable?(): Promise<void>;
  /** Updates of one turn of the event loop replace each other: one in a turn, then. */
  readonly oneInATurn?: boolean;
}

/** Without progress for so many ms, what is in flight counts as lost. */
const STALL_MS = 50;

/** Sends updates: at a rate, or as many as a window of unacknowledged ones lets through. */
export class Pacer {
  readonly #load: Load;
  readonly #outlet: Outlet;
  #number = 0;
  #refused = 0;
  #measuredFrom = 0;
  #began = 0;
  #passed = 0;
  #forgiven = 0;
  #blocked = false;
  #stopped = false;
  #turn: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(load: Load, outlet: Outlet) {
    this.#load = load;
    this.#outlet = outlet;
  }

  /** Once; later calls do nothing. */
  start(): void {
    if (this.#began > 0) return;
    this.#began = performance.now();
    if (this.#load.rate > 0) this.#paced();
    else {
      this.#fill();
      this.#watch();
    }
  }

  measure(): void {
    this.#measuredFrom = this.#number;
    this.#refused = 0;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
  }

  result(): { sent: number; refused: number } {
    return { sent: this.#number - this.#measuredFrom, refused: this.#refused };
  }

  /** So many updates have passed the subscribers. */
  acknowledge(updates: number): void {
    if (updates <= this.#passed) return;
    this.#passed = updates;
    if (this.#load.rate === 0) this.#fill();
  }

  #paced(): void {
    if (this.#stopped) return;
    const elapsed = performance.now() - this.#began;
    const due = Math.floor((elapsed / 1000) * this.#load.rate) + 1;
    while (this.#number < due && this.#send()) {}
    const next = (due / this.#load.rate) * 1000 - (performance.now() - this.#began);
    this.#timer = setTimeout(() => this.#paced(), Math.max(0, next));
  }

  #inFlight(): number {
    const arrived = Math.min(this.#passed + this.#forgiven, this.#number);
    return this.#number - arrived;
  }

  #fill(): void {
    if (this.#stopped || this.#blocked || this.#began === 0) return;
    if (this.#outlet.oneInATurn) {
      this.#turn ??= setImmediate(() => {
        this.#turn = undefined;
        if (this.#inFlight() < this.#load.window && this.#send()) this.#fill();
      });
      return;
    }
    while (this.#inFlight() < this.#load.window && this.#send()) {}
  }

  /** Forgives what does not arrive. */
  #watch(): void {
    let seen = this.#passed;
    this.#timer = setInterval(() => {
      if (this.#passed === seen) {
        this.#forgiven = this.#number - this.#passed;
        this.#fill();
      }
      seen = this.#passed;
    }, STALL_MS);
  }

  #send(): boolean {
    const { group, keyframe, size } = this.#load;
    const first = this.#number % group === 0;
    const bytes = Buffer.allocUnsafe(first ? (keyframe ?? size) : size);
    writeHeader(bytes, this.#number, monotonic());
    if (this.#outlet.send(bytes, first)) {
      this.#number += 1;
      return true;
    }
    this.#refused += 1;
    this.#blocked = true;
    const go = (): void => {
      this.#blocked = false;
      if (this.#load.rate === 0) this.#fill();
    };
    if (this.#outlet.writable) this.#outlet.writable().then(go, () => this.stop());
    else setTimeout(go, 1);
    return false;
  }
}
