import type { MoqError, MoqObject, NamespaceChange, Signal } from "@moq-game/core";
import { decodeBatch, type PostedBatch } from "./worker-protocol.js";

/** What the page's client needs of an iteration. */
export interface Iteration {
  receive(batch: PostedBatch, clockOffset: number): void;
  change(change: NamespaceChange): void;
  end(error: MoqError | undefined): void;
}

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T>) => void;
  readonly reject: (error: unknown) => void;
}

/** The page's view of a `discover` or `fetch` that runs in the worker. */
export class PageIteration<T extends NamespaceChange | readonly MoqObject[]>
  implements Iteration, AsyncIterator<T>
{
  #values: T[] = [];
  #waiters: Waiter<T>[] = [];
  #over: { readonly error: MoqError | undefined } | undefined;
  readonly #ahead: number;
  readonly #more: (count: number) => void;
  readonly #left: () => void;
  /** Results read since the worker was last told. */
  #read = 0;
  #stopSignal: () => void = () => {};

  /** `more` tells the worker of room; of `ahead` results that it may post unasked, half are read then. */
  constructor(ahead: number, more: (count: number) => void, left: () => void) {
    this.#ahead = ahead;
    this.#more = more;
    this.#left = left;
  }

  /** Ends it at `signal`; false when that is now. */
  follow(signal: Signal | undefined): boolean {
    if (signal === undefined) return true;
    const abort = (): void => void this.return();
    signal.addEventListener("abort", abort);
    this.#stopSignal = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
    return !signal.aborted;
  }

  receive(batch: PostedBatch, clockOffset: number): void {
    this.#push(decodeBatch(batch, clockOffset) as readonly MoqObject[] as T);
  }

  change(change: NamespaceChange): void {
    this.#push(change as T);
  }

  end(error: MoqError | undefined): void {
    this.#over ??= { error };
    this.#stopSignal();
    this.#serve();
  }

  next(): Promise<IteratorResult<T>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<T>> {
    if (this.#over === undefined) this.#left();
    this.#values = [];
    this.end(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  #push(value: T): void {
    if (this.#over !== undefined) return;
    this.#values.push(value);
    this.#serve();
  }

  #serve(): void {
    while (this.#waiters.length > 0) {
      const value = this.#values.shift();
      if (value !== undefined) {
        this.#waiters.shift()?.resolve({ done: false, value });
        this.#wasRead();
        continue;
      }
      if (this.#over === undefined) return;
      const { error } = this.#over;
      this.#over = { error: undefined };
      const waiter = this.#waiters.shift();
      if (error === undefined) waiter?.resolve({ done: true, value: undefined });
      else waiter?.reject(error);
    }
  }

  #wasRead(): void {
    this.#read += 1;
    if (this.#over !== undefined || this.#read * 2 < this.#ahead) return;
    this.#more(this.#read);
    this.#read = 0;
  }
}
