/**
 * The seed of this run: `MOQ_NETWORK_SEED`, or drawn by vitest.config.ts. It is printed, and each
 * failure names it: the same seed gives every packet the same fate again, as far as the same packets
 * come; without sockets (memory.test.ts) it gives exactly the same run.
 */
export const seed = Number(process.env.MOQ_NETWORK_SEED);

/** A seed for one named part of the run (FNV-1a of the name, mixed with the run's seed). */
export function seedFor(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  }
  return (hash ^ seed) >>> 0;
}

/** Runs a test; when it fails, the message says how to do it again. */
export async function replayable(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Error) {
      error.message += `\n(seed ${seed}: MOQ_NETWORK_SEED=${seed} npm test -- network)`;
    }
    throw error;
  }
}
