/** The game's tick: when what arrived is handed out, and how long that may take. */
import { MoqError } from "@moq-game/core";
import { existingPort } from "./bridge.js";

/** What ticks have cost a script environment so far; without a budget times are whole ms of `Date`. */
export interface TickStats {
  readonly ticks: number;
  /** Ticks that ended at their budget, with something left for the next one. */
  readonly ticksOverBudget: number;
  /** ms of the longest one. */
  readonly longestTick: number;
  /** ms of all together. */
  readonly timeInTicks: number;
}

/** Options of {@link tick}. */
export interface TickOptions {
  /**
   * ms that handing out may take, above 0: listeners that take long then cost no frame. What is left waits for the
   * next tick, in order. A listener that runs is not interrupted, and every tick gets on. Default: no limit.
   */
  readonly budgetMs?: number;
}

/**
 * Takes what arrived for all clients; call it once per frame, first thing in the game's tick. While nobody calls it a
 * timer does the same, at a moment of the frame that the engine chooses. True when the budget ended before all was
 * handed out. From inside a listener that it calls it does nothing. Throws `invalid_argument` for a budget that is none.
 */
export function tick(options?: TickOptions): boolean {
  const budget = options === undefined ? Number.POSITIVE_INFINITY : budgetOf(options);
  return existingPort()?.tick(budget) ?? false;
}

function budgetOf(options: TickOptions): number {
  const fits = typeof options === "object" && options !== null;
  if (!fits || Object.keys(options).some((name) => name !== "budgetMs")) {
    throw new MoqError("invalid_argument", "tick takes { budgetMs }, in ms, and nothing else.");
  }
  const { budgetMs = Number.POSITIVE_INFINITY } = options;
  if (typeof budgetMs === "number" && budgetMs > 0) return budgetMs;
  throw new MoqError(
    "invalid_argument",
    `budgetMs must be a number of ms above 0, not ${String(budgetMs)}.`,
  );
}

const NO_TICKS: TickStats = { ticks: 0, ticksOverBudget: 0, longestTick: 0, timeInTicks: 0 };

/** What ticks have cost so far. */
export function tickStats(): TickStats {
  return existingPort()?.tickStats ?? NO_TICKS;
}
