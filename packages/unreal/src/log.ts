/** What goes wrong in a script's own functions, said in the engine's log. */

declare const console: { error(...what: unknown[]): void };

/** A fault that comes again within so many ms is not said again, but counted. */
const INTERVAL_MS = 10_000;
/** Faults that are told apart; all others count as one. */
const MOST_FAULTS = 64;

interface Fault {
  saidAt: number;
  suppressed: number;
}

const faults = new Map<string, Fault>();

/** Says that a listener threw: once, and then at most every 10 s with how often it did meanwhile. */
export function listenerThrew(error: unknown): void {
  let key = error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
  if (faults.size >= MOST_FAULTS && !faults.has(key)) key = "";
  const fault = faults.get(key);
  const now = Date.now();
  // Somebody may set the computer's clock.
  if (fault !== undefined && Math.abs(now - fault.saidAt) < INTERVAL_MS) {
    fault.suppressed += 1;
    return;
  }
  faults.set(key, { saidAt: now, suppressed: 0 });
  const again =
    fault === undefined || fault.suppressed === 0 ? "" : ` (and ${fault.suppressed} times before)`;
  console.error(`moq: a listener threw${again}`, error);
}
