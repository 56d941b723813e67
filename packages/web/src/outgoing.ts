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
 * The sending half of a stream. The browser grants the stream later than it was asked for; what is
 * written before waits here. It tells with the promise of each write when it took the bytes; what it
 * has not taken is bounded, so that a slow network shows as a blocked stream.
 */
export class Outgoing {
  readonly #events: OutgoingEvents;
  #stream: SendStream | undefined;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  /** Written before the browser granted the stream. */
  #early: Uint8Array[] = [];
  #waiting = 0;
  #written = 0;
  #blocked = false;
  #over = false;
  #finished = false;
  #priority: number | undefined;
  #resetCode: number | undefined;

  constructor(events: OutgoingEvents) {
    this.#events = events;
  }

  /** Nothing will be sent any more: acknowledged, reset or stopped. */
  get over(): boolean {
    return this.#over;
  }

  /** The browser granted the stream. */
  open(stream: SendStream): void {
    const writer = stream.getWriter();
    writer.ready.catch(() => {});
    if (this.#resetCode !== undefined) {
      writer.closed.catch(() => {});
      writer.abort(streamError(this.#resetCode)).catch(() => {});
      return;
    }
    writer.closed.catch((error) => this.#failed(error));
    this.#stream = stream;
    this.#writer = writer;
    if (this.#priority !== undefined) this.setPriority(this.#priority);
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.#hand(writer, bytes);
    if (this.#finished) this.#close(writer);
  }

  /** Bytes taken ever. */
  get written(): number {
    return this.#written;
  }

  /** Bytes taken; −1 when the stream takes none any more. */
  write(data: Uint8Array): number {
    if (this.#over || this.#finished) return -1;
    const taken = Math.min(data.byteLength, WINDOW - this.#waiting);
    if (taken < data.byteLength) this.#blocked = true;
    if (taken <= 0) return 0;
    this.#waiting += taken;
    this.#written += taken;
    const bytes = taken === data.byteLength ? data : data.subarray(0, taken);
    if (this.#writer === undefined) this.#early.push(bytes);
    else this.#hand(this.#writer, bytes);
    return taken;
  }

  finish(): void {
    if (this.#over || this.#finished) return;
    this.#finished = true;
    if (this.#writer !== undefined) this.#close(this.#writer);
  }

  reset(code: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#resetCode = code;
    this.#early = [];
    this.#writer?.abort(streamError(code)).catch(() => {});
  }

  setPriority(priority: number): void {
    // Browsers without the member send streams in the order of writing.
    this.#priority = priority;
    const stream = this.#stream;
    if (stream !== undefined && "sendOrder" in stream) stream.sendOrder = priority;
  }

  #hand(writer: WritableStreamDefaultWriter<Uint8Array>, bytes: Uint8Array): void {
    writer.write(bytes).then(
      () => this.#taken(bytes.byteLength),
      () => {},
    );
  }

  #close(writer: WritableStreamDefaultWriter<Uint8Array>): void {
    // Resolves when the peer has acknowledged everything, the end included.
    writer.close().then(
      () => this.#acked(),
      () => {},
    );
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
