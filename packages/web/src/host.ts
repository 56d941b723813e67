import type { Host } from "@moq-game/core";

/** The {@link Host} of a page or a worker. Nothing is logged: errors reach the application. */
export function browserHost(): Host {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return {
    now: () => performance.now(),
    setTimer: (run, ms) => setTimeout(run, ms),
    clearTimer: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
    utf8: {
      encode: (text) => encoder.encode(text),
      decode: (bytes) => decoder.decode(bytes),
    },
  };
}
