/** A set of callbacks of which one that throws hurts no other. */
export class Listeners<A extends readonly unknown[]> {
  /** Another array after each change: one that is being called is not changed. */
  #all: readonly ((...args: A) => void)[] = [];
  readonly #failed: (error: unknown) => void;

  /** `failed` hears what a listener threw; without it such errors are dropped. */
  constructor(failed: (error: unknown) => void = () => {}) {
    this.#failed = failed;
  }

  get size(): number {
    return this.#all.length;
  }

  /** Returns the function that removes the listener again; it is idempotent. */
  add(listener: (...args: A) => void): () => void {
    // Wrapped, so that one function added twice is removed one at a time.
    const entry = (...args: A): void => listener(...args);
    this.#all = [...this.#all, entry];
    return () => {
      this.#all = this.#all.filter((other) => other !== entry);
    };
  }

  /** Calls all that are registered at this moment, but for those that one of them removes meanwhile. */
  emit(...args: A): void {
    const all = this.#all;
    for (const listener of all) {
      if (all !== this.#all && !this.#all.includes(listener)) continue;
      try {
        listener(...args);
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  clear(): void {
    this.#all = [];
  }
}
