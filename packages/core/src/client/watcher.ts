import type { NamespaceChange, Signal } from "../api.js";
import { MoqError } from "../errors.js";
import { formatNamespace, type Namespace, namespaceStartsWith } from "../wire/name.js";

/** Most changes that wait for a reader; above, the discovery ends with an error. */
const MAX_WAITING = 65_536;

interface Waiter {
  readonly resolve: (result: IteratorResult<NamespaceChange>) => void;
  readonly reject: (error: unknown) => void;
}

/** One reader of namespace changes. */
export class NamespaceWatcher implements AsyncIterator<NamespaceChange> {
  readonly prefix: Namespace;
  readonly #decode: (namespace: Namespace) => readonly string[];
  readonly #left: () => void;
  readonly #known = new Map<string, Namespace>();
  #changes: NamespaceChange[] = [];
  #waiters: Waiter[] = [];
  #end: { readonly error: MoqError | undefined } | undefined;
  #stopSignal: () => void = () => {};

  constructor(
    prefix: Namespace,
    decode: (namespace: Namespace) => readonly string[],
    left: () => void,
  ) {
    this.prefix = prefix;
    this.#decode = decode;
    this.#left = left;
  }

  /** Ends it at `signal`. */
  follow(signal: Signal): void {
    const abort = (): void => void this.return();
    signal.addEventListener("abort", abort);
    this.#stopSignal = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
  }

  known(): readonly Namespace[] {
    return [...this.#known.values()];
  }

  /** Ignored unless it is under the prefix and new. */
  add(namespace: Namespace): void {
    const key = formatNamespace(namespace);
    if (!namespaceStartsWith(namespace, this.prefix) || this.#known.has(key)) return;
    this.#known.set(key, namespace);
    this.#push({ kind: "added", namespace: this.#decode(namespace) });
  }

  remove(namespace: Namespace): void {
    if (!this.#known.delete(formatNamespace(namespace))) return;
    this.#push({ kind: "removed", namespace: this.#decode(namespace) });
  }

  /** What waits can still be read; then the iterator ends, or throws `error`. */
  end(error: MoqError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#stopSignal();
    this.#serve();
  }

  next(): Promise<IteratorResult<NamespaceChange>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<NamespaceChange>> {
    this.#changes = [];
    this.end(undefined);
    this.#left();
    return Promise.resolve({ done: true, value: undefined });
  }

  #push(change: NamespaceChange): void {
    if (this.#end !== undefined) return;
    if (this.#changes.length >= MAX_WAITING) {
      this.#left();
      this.end(
        new MoqError(
          "limit_exceeded",
          `${MAX_WAITING} namespace changes wait to be read. Read faster, or discover a longer prefix.`,
        ),
      );
      return;
    }
    this.#changes.push(change);
    this.#serve();
  }

  #serve(): void {
    while (this.#waiters.length > 0) {
      const change = this.#changes.shift();
      if (change !== undefined) {
        this.#waiters.shift()?.resolve({ done: false, value: change });
        continue;
      }
      if (this.#end === undefined) return;
      const { error } = this.#end;
      this.#end = { error: undefined };
      const waiter = this.#waiters.shift();
      if (error === undefined) waiter?.resolve({ done: true, value: undefined });
      else waiter?.reject(error);
    }
  }
}
