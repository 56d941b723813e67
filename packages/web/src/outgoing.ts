import { type SendStream, streamError, streamErrorCode } from "./webtransport.js";

/** Bytes handed to the browser on one stream before it counts as blocked. */
const WINDOW = 64 * 1024;

/** What a sending half tells its transport. */
export interface OutgoingEvents {
  writable(): void;
  stopped(code: number): void;
  acked(): void;
}

/**
 * The sending half of a stream. The browser tells with the promise of each write when it took the
 * bytes; what it has not taken is bounded, so that a slow network shows as a blocked stream.
 */
export class Outgoing {
  readonly #stream: SendStream;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #events: OutgoingEvents;
  #waiting = 0;
  #blocked = false;
  #over = false;
  #finished = false;

  constructor(stream: SendStream, events: OutgoingEvents) {
    this.#stream = stream;
    this.#events = events;
    this.#writer = stream.getWriter();
    this.#writer.closed.catch((error) => this.#failed(error));
    this.#writer.ready.catch(() => {});
  }

  /** Bytes taken; −1 when the stream takes none any more. */
  write(data: Uint8Array): number {
    if (this.#over || this.#finished) return -1;
    const taken = Math.min(data.byteLength, WINDOW - this.#waiting);
    if (taken < data.byteLength) this.#blocked = true;
    if (taken <= 0) return 0;
    this.#waiting += taken;
    this.#writer.write(taken === data.byteLength ? data : data.subarray(0, taken)).then(
      () => this.#taken(taken),
      () => {},
    );
    return taken;
  }

  finish(): void {
    if (this.#over || this.#finished) return;
    this.#finished = true;
    // Resolves when the peer has acknowledged everything, the end included.
    this.#writer.close().then(
      () => this.#acked(),
      () => {},
    );
  }

  reset(code: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#writer.abort(streamError(code)).catch(() => {});
  }

  setPriority(priority: number): void {
    // Browsers without the member send streams in the order of writing.
    if ("sendOrder" in this.#stream) this.#stream.sendOrder = priority;
  }

  #taken(bytes: number): void {
    this.#waiting -= bytes;
    if (!this.#blocked || this.#over || this.#waiting > WINDOW / 2) return;
    this.#blocked = false;
    this.#events.writable();
  }

  #acked(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.acked();
  }

  #failed(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const code = streamErrorCode(error);
    // Without a code the session is gone, which its own promise tells.
    if (code !== undefined) this.#events.stopped(code);
  }
}
