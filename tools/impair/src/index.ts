/** A bad network on one machine: a seeded UDP proxy, used by tests and by `moq-game impair`. */
export type { LaneStats } from "./lane.js";
export type { Change, Impairment, ImpairOptions, Step } from "./options.js";
export { type Impair, type ImpairStats, startImpair } from "./proxy.js";
