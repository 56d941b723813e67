import { streamError, streamErrorCode } from "./webtransport.js";

/** What a receiving half tells its transport. */
export interface IncomingEvents {
  data(bytes: Uint8Array, fin: boolean): void;
  reset(code: number): void;
}

const NOTHING = new Uint8Array(0);

/**
 * The receiving half of a stream. It reads with the default reader: each chunk is a buffer of its
 * own, which the session may keep views of. Reading into buffers of ours (BYOB) would copy or
 * over-allocate, for nearly all streams carry one small object.
 */
export class Incoming {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #events: IncomingEvents;
  #paused = false;
  #reading = false;
  #over = false;

  constructor(stream: ReadableStream<Uint8Array>, events: IncomingEvents) {
    this.#events = events;
    this.#reader = stream.getReader();
  }

  start(): void {
    void this.#read();
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused) void this.#read();
  }

  stop(code: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.cancel(streamError(code)).catch(() => {});
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (!this.#paused && !this.#over) {
        const { done, value } = await this.#reader.read();
        if (this.#over) break;
        if (done) {
          this.#over = true;
          this.#events.data(NOTHING, true);
        } else if (value.byteLength > 0) this.#events.data(value, false);
      }
    } catch (error) {
      if (this.#over) return;
      this.#over = true;
      const code = streamErrorCode(error);
      if (code !== undefined) this.#events.reset(code);
    } finally {
      this.#reading = false;
    }
  }
}
