import type { Stage } from "../cell/stage.js";
import type { Load } from "../load.js";

/** Somebody who carries updates from a publisher to subscribers. */
export interface Contender {
  readonly id: string;
  /** For people. */
  readonly label: string;
  /** Bytes of IP and transport headers in a packet: see cell/wire.ts. */
  readonly headers: number;
  /** Why it cannot take part here; undefined when it can. */
  missing(): string | undefined;
  /** Starts its processes; resolves when all are ready. */
  start(stage: Stage, load: Load): Promise<void>;
}

export const UDP = 28;
export const TCP = 52;
