/** The preset arena: players send input at 128 Hz and get a state of their own at 64 Hz. */
import type { Load } from "../load.js";
import { readSentAt, writeHeader } from "../meter/payload.js";

export const INPUT_BYTES = 48;
const TICK_HZ = 64;
const STATE_BYTES = { least: 300, most: 1_000 };

export const inputsOf = (player: number): readonly [string, string] => [
  `bench/arena/${player}`,
  "input",
];
export const stateOf = (player: number): readonly [string, string] => [
  "bench/arena",
  `state-${player}`,
];

/** The load of one player's input. */
export function inputLoad(load: Load): Load {
  return { ...load, size: INPUT_BYTES };
}

/** The backend: at each tick every player gets a state that carries the time of that player's newest input. */
export class Arena {
  readonly #inputs: number[];
  readonly #send: (player: number, state: Buffer) => void;
  #tick = 0;
  #began = 0;

  constructor(players: number, send: (player: number, state: Buffer) => void) {
    this.#inputs = Array.from({ length: players }, () => 0);
    this.#send = send;
  }

  input(player: number, bytes: Uint8Array): void {
    this.#inputs[player] = readSentAt(bytes);
  }

  start(): void {
    this.#began = performance.now();
    this.#run();
  }

  #run(): void {
    const { least, most } = STATE_BYTES;
    for (const [player, sentAt] of this.#inputs.entries()) {
      if (sentAt === 0) continue;
      const state = Buffer.allocUnsafe(
        least + ((this.#tick * 37 + player * 101) % (most - least + 1)),
      );
      writeHeader(state, this.#tick, sentAt);
      this.#send(player, state);
    }
    this.#tick += 1;
    const next = this.#began + (this.#tick * 1000) / TICK_HZ - performance.now();
    setTimeout(() => this.#run(), Math.max(0, next));
  }
}
