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
  readonly #events: IncomingEvents;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #stopCode: number | undefined;
  #paused = false;
  #reading = false;
  #over = false;

  constructor(events: IncomingEvents) {
    this.#events = events;
  }

  /** The stream is there: for one of ours, once the browser granted it. */
  open(stream: ReadableStream<Uint8Array>): void {
    this.#reader = stream.getReader();
    if (this.#stopCode === undefined) void this.#read();
    else this.#reader.cancel(streamError(this.#stopCode)).catch(() => {});
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused) void this.#read();
  }

  stop(code: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopCode = code;
    this.#reader?.cancel(streamError(code)).catch(() => {});
  }

  async #read(): Promise<void> {
    const reader = this.#reader;
    if (this.#reading || reader === undefined) return;
    this.#reading = true;
    while (!this.#paused && !this.#over) {
      let result: Awaited<ReturnType<typeof reader.read>>;
      try {
        result = await reader.read();
      } catch (error) {
        this.#failed(error);
        break;
      }
      if (this.#over) break;
      if (result.done) {
        this.#over = true;
        this.#events.data(NOTHING, true);
      } else if (result.value.byteLength > 0) this.#events.data(result.value, false);
    }
    this.#reading = false;
  }

  #failed(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const code = streamErrorCode(error);
    // Without a code the session is gone, which its own promise tells.
    if (code !== undefined) this.#events.reset(code);
  }
}
