import { MoqError, type MoqErrorCode } from "../errors.js";
import type { ResolvedReconnectOptions } from "../options.js";

/** Further attempts cannot succeed without a change by someone. */
const FINAL: ReadonlySet<MoqErrorCode> = new Set<MoqErrorCode>([
  "invalid_argument",
  "unsupported",
  "certificate",
  "protocol_mismatch",
  "protocol_violation",
  "cancelled",
  "unavailable",
]);

/** Refusals in a row after which a renewed token does not help either. */
const MAX_REFUSALS = 3;

/** Waits between attempts: exponential with jitter, so that a crowd does not come back at once. */
export class Backoff {
  readonly #options: Pick<ResolvedReconnectOptions, "initialDelay" | "maxDelay">;
  readonly #random: () => number;
  #attempts = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(
    options: Pick<ResolvedReconnectOptions, "initialDelay" | "maxDelay">,
    random: () => number,
  ) {
    this.#options = options;
    this.#random = random;
  }

  /** ms until the next attempt: the first comes soon, the n-th within (half to all of) initialDelay · 2ⁿ⁻². */
  next(): number {
    const { initialDelay, maxDelay } = this.#options;
    const attempt = this.#attempts++;
    if (attempt === 0) return (this.#random() * initialDelay) / 2;
    const most = Math.min(maxDelay, initialDelay * 2 ** Math.min(attempt - 1, 30));
    return most / 2 + (this.#random() * most) / 2;
  }

  reset(): void {
    this.#attempts = 0;
  }
}

/** Decides after each failure of an effort to reconnect whether another attempt is worth it. */
export class Effort {
  readonly #options: ResolvedReconnectOptions;
  readonly #renewsToken: boolean;
  readonly #startedAt: number;
  #refusals = 0;

  constructor(options: ResolvedReconnectOptions, renewsToken: boolean, now: number) {
    this.#options = options;
    this.#renewsToken = renewsToken;
    this.#startedAt = now;
  }

  /** ms that are left, `Infinity` without a limit. */
  left(now: number): number {
    const { timeout } = this.#options;
    return timeout === 0 ? Infinity : this.#startedAt + timeout - now;
  }

  /** The error to end with; `undefined` when another attempt may help. */
  failed(error: MoqError): MoqError | undefined {
    if (error.code !== "unauthorized") {
      this.#refusals = 0;
      return FINAL.has(error.code) ? error : undefined;
    }
    this.#refusals += 1;
    return this.#renewsToken && this.#refusals < MAX_REFUSALS ? undefined : error;
  }

  /** The time is up. */
  gaveUp(last: MoqError, now: number): MoqError {
    const seconds = Math.round((now - this.#startedAt) / 1_000);
    return new MoqError(
      last.code,
      `The connection was lost and could not be made again within ${seconds} s. Last: ${last.message}`,
      { cause: last, retryable: true, peerCode: last.peerCode, reason: last.reason },
    );
  }
}

/** Whether reconnecting can help a session that ended with `error`. */
export function canReconnect(error: MoqError, renewsToken: boolean): boolean {
  return error.code === "unauthorized" ? renewsToken : !FINAL.has(error.code);
}
