/** Time as delivery code sees it; the client makes it from its host, tests move it by hand. */
export interface Clock {
  /** Monotonic ms. */
  now(): number;
  /** Calls `run` once after `ms`; the returned function prevents that and is idempotent. */
  after(ms: number, run: () => void): () => void;
}
