/** What passes by itself after a loss, and how often it is asked for meanwhile. */
import type { Clock } from "../delivery/clock.js";
import { PublishDoneCode, RequestErrorCode, StreamCode } from "../wire/error.js";
import type { PublishDone, RequestError } from "../wire/message.js";

/**
 * How long in ms others who lost the same relay may take to come back to it: as long as the default
 * of `reconnect.maxDelay`. Until then their absence does not mean that they are gone.
 */
export const RETURN_GRACE = 5_000;

/** Shortest and longest wait in ms between two requests for what is not back yet. */
const DELAY = { least: 100, most: 1_000 } as const;

/** Time for what was lost to come back, and the waits between the requests for it. */
export class Recovery {
  readonly #clock: Clock;
  #until = -Infinity;
  #delay: number = DELAY.least;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For `ms` from now refusals may pass. */
  begin(ms: number): void {
    this.#until = this.#clock.now() + ms;
    this.#delay = DELAY.least;
  }

  /** It is back. */
  over(): void {
    this.#until = -Infinity;
  }

  get isOver(): boolean {
    return this.#clock.now() >= this.#until;
  }

  /** ms until the next request. */
  next(): number {
    const delay = this.#delay;
    this.#delay = Math.min(DELAY.most, delay * 2);
    return delay;
  }
}

/** Refusals that pass when a publisher, or the relay, is back. */
export function passes({ code }: RequestError): boolean {
  return (
    code === RequestErrorCode.DoesNotExist ||
    code === RequestErrorCode.Timeout ||
    code === RequestErrorCode.GoingAway ||
    code === RequestErrorCode.ExcessiveLoad ||
    code === RequestErrorCode.InternalError
  );
}

/** The track did not end: its publisher, or the way to it, was lost. */
export function isLoss({ status }: PublishDone): boolean {
  const code = Number(status);
  return code === PublishDoneCode.InternalError || code === PublishDoneCode.GoingAway;
}

/** The same for a request that was cut off with a stream reset code. */
export function isCut(code: number): boolean {
  return code === StreamCode.InternalError || code === StreamCode.GoingAway;
}
