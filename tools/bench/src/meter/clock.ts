import type { Clock } from "./payload.js";

const offset = Number(process.hrtime.bigint()) / 1000 - performance.now() * 1000;

/** CLOCK_MONOTONIC of this machine in whole µs. `performance.now()` runs on it from an origin of its own. */
export const monotonic: Clock = () => Math.floor(performance.now() * 1000 + offset);
