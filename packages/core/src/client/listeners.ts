/** A set of callbacks of which one that throws hurts no other. */
export class Listeners<A extends readonly unknown[]> {
  #all: ((...args: A) => void)[] = [];
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
    this.#all.push(entry);
    return () => {
      this.#all = this.#all.filter((other) => other !== entry);
    };
  }

  /** Calls all that are registered at this moment. */
  emit(...args: A): void {
    for (const listener of this.#all) {
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
