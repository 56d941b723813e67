import { MoqError } from "@moq-game/core";

/** The worker did not run: its script is missing or threw. */
export function workerFailed(why: string): MoqError {
  return new MoqError(
    "unavailable",
    `The worker of @moq-game/web could not run (${why}). Check that the bundler emits its script, ` +
      "or pass the option worker a function that makes it from @moq-game/web/worker, or connect without it.",
  );
}
