/**
 * What a script host provides so that the whole client runs over the native library: a handful of
 * calls with numbers, strings and byte arrays. Nothing here blocks, nothing is called from a foreign
 * thread, and no script function is kept in native code except through {@link NativePort.setWaker}.
 *
 * Handles are positive integers below 2^53, never reused in the process. A call that fails gives a
 * negative error number (see `ERROR_CODES`), and {@link NativePort.lastError} then tells what happened.
 */
export interface NativePort {
  /** Version of the C ABI and of the record layout; {@link NATIVE_ABI_VERSION} is what this code reads. */
  abiVersion(): number;
  /** Version of the native library. */
  version(): string;
  /** What the last failed call on this thread said. */
  lastError(): string;
  /** The clock of records, in µs. */
  now(): number;
  /** `moq_client_open`: the client's handle. Returns before anything was sent. */
  open(options: string): number;
  /** `moq_client_supply_token`: answers the record that a token is wanted for this attempt. */
  supplyToken(client: number, attempt: number, token: Uint8Array): number;
  /** `moq_client_refuse_token`: there is no token for this attempt, which fails with the reason. */
  refuseToken(client: number, attempt: number, reason: string): number;
  /** `moq_client_close`: with `flushMs` 0 at once and for good, otherwise the client's END follows. */
  close(client: number, flushMs: number): number;
  /** `moq_publication_open` and its siblings: the handle of the request. */
  request(client: number, kind: NativeRequest, options: string): number;
  /**
   * `moq_publish`; flags {@link PUBLISH_KEYFRAME} and {@link PUBLISH_MORE}. The bytes are copied
   * before it returns.
   */
  publish(publication: number, flags: number, bytes: Uint8Array): number;
  /** `moq_publish_flush`: sends what was published with {@link PUBLISH_MORE}. */
  flush(client: number): number;
  /** `moq_publication_end`: its END follows once all is acknowledged or the time is over. */
  end(publication: number, flushMs: number): number;
  /** `moq_handle_close`: nothing follows for this handle. */
  closeHandle(handle: number): number;
  /** `moq_subscription_update`. */
  update(handle: number, options: string): number;
  /** `moq_handle_hold`: records of a held handle stay in native memory, where its policy applies. */
  hold(handle: number, held: boolean): number;
  /**
   * `moq_poll` into `buffer` from offset `at` on: gives bytes × 2, plus 1 when more records wait.
   * When even the next record does not fit: −(its size in bytes) − 1,000.
   */
  poll(client: number, buffer: Uint8Array, at: number): number;
  /** `moq_client_stats` as JSON; empty on failure. */
  stats(client: number): string;
  /**
   * Has `wake` called on the script's own thread once whenever the client's empty queue became
   * non-empty. Several clients may be merged into one call each. Hosts that poll every tick anyway
   * may do nothing here.
   */
  setWaker(client: number, wake: (() => void) | undefined): number;
  /** Keeps the process alive (a promise is awaited) or lets it end. Optional. */
  keepAlive?(client: number, on: boolean): void;
}

/** Kinds of request, with the C function behind each. */
export type NativeRequest = "publish" | "subscribe" | "fetch" | "discover" | "status";

/** The version of the C ABI that this code was written for. */
export const NATIVE_ABI_VERSION = 1;

/** Flag of `publish`: this update starts a group. */
export const PUBLISH_KEYFRAME = 1;

/** Flag of `publish`: more updates of this client follow at once, or a `flush`. */
export const PUBLISH_MORE = 2;

/** What {@link NativePort.poll} gives below this is a record size: −(size) − 1,000. */
export const POLL_TOO_SMALL = -1_000;

/** A turn of the script's thread, for instance a frame of a game, that must not take longer than it may. */
export interface NativeTurn {
  /** When handing out ends, in ms of the host's clock; `Infinity`: it is not bounded. */
  until: number;
  /** A client sets it when it had to leave something for the next poll, which the host makes. */
  left: boolean;
}

/** What the host injects beside the port. */
export interface NativeHost {
  /** Monotonic clock in ms. */
  readonly now: () => number;
  /** Runs a function soon, after what is pending on the script's thread (a macrotask or the next tick). */
  readonly schedule: (run: () => void) => void;
  /** Bounds the time in which clients hand out what arrived, where the host has one; it may change from poll to poll. */
  readonly turn?: NativeTurn | undefined;
  /** Hears what a listener of the application threw. Default: dropped. */
  readonly onListenerError?: ((error: unknown) => void) | undefined;
}
