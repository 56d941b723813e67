import type { Clock } from "../delivery/clock.js";
import type { Utf8 } from "../wire/utf8.js";

/** How much a log line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * What the client needs of its surroundings. Everything beyond ECMAScript 2021 comes from here, so
 * that the client runs in browsers, workers, Node and bare contexts alike.
 */
export interface Host {
  /** Monotonic clock in ms, from any start. */
  now(): number;
  /** Calls `run` once after `ms`; returns a handle for {@link clearTimer}. */
  setTimer(run: () => void, ms: number): unknown;
  clearTimer(handle: unknown): void;
  /** Numbers in [0, 1) for the jitter of reconnecting. Default `Math.random`. */
  random?(): number;
  /** Hears what happens; without it nothing is logged. */
  log?(level: LogLevel, message: string): void;
  /** A faster UTF-8 coder than the built-in one. */
  readonly utf8?: Utf8;
}

/** The {@link Clock} of a host. */
export function clockOf(host: Host): Clock {
  return {
    now: () => host.now(),
    after: (ms, run) => {
      let handle: unknown = host.setTimer(() => {
        handle = undefined;
        run();
      }, ms);
      return () => {
        if (handle === undefined) return;
        host.clearTimer(handle);
        handle = undefined;
      };
    },
  };
}
