import type { Clock } from "../delivery/clock.js";
import type { StreamId, Transport } from "../transport.js";
import { PADDING_STREAM, padding } from "../wire/padding.js";

/** When a connection is kept alive and when it counts as lost; both in ms. */
export interface LivenessOptions {
  readonly keepAlive: number;
  readonly idleTimeout: number;
}

/**
 * Keeps a connection alive, and notices that it is dead, over a transport that does neither by itself
 * ({@link Transport.needsProbes}). A probe is a padding stream of five bytes (draft-18 "Padding
 * Streams"): every peer discards it without an answer, and the acknowledgement of its end says that the
 * peer is there. While nothing is heard one probe is sent each `keepAlive` ms; after `idleTimeout` ms
 * of silence the connection is lost. A transport that has never reported an acknowledgement is
 * not judged.
 */
export class Liveness {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #options: LivenessOptions;
  readonly #lost: () => void;
  #heard = false;
  #probe: StreamId | undefined;
  /** A probe was acknowledged: silence means something. */
  #proven = false;
  #silence = 0;
  #lookedAt = 0;
  #stopTimer: (() => void) | undefined;

  /** `lost` is called at most once, and nothing happens after it. */
  constructor(transport: Transport, clock: Clock, options: LivenessOptions, lost: () => void) {
    this.#transport = transport;
    this.#clock = clock;
    this.#options = options;
    this.#lost = lost;
  }

  start(): void {
    if (this.#options.keepAlive === 0) return;
    this.#lookedAt = this.#clock.now();
    this.#send();
    this.#wait();
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** The peer showed that it is there. */
  heard(): void {
    this.#heard = true;
  }

  /** Everything on a stream of ours was acknowledged. True: it was a probe. */
  acked(stream: StreamId): boolean {
    if (stream !== this.#probe) return false;
    this.#probe = undefined;
    this.#proven = true;
    this.#silence = 0;
    return true;
  }

  #wait(): void {
    const { keepAlive, idleTimeout } = this.#options;
    const wait = Math.max(1, Math.min(keepAlive, idleTimeout - this.#silence));
    this.#stopTimer = this.#clock.after(wait, () => this.#look(wait));
  }

  #look(waited: number): void {
    const now = this.#clock.now();
    // A timer that comes late says that this side slept: what arrived meanwhile waits to be handed up.
    const passed = Math.min(now - this.#lookedAt, waited);
    this.#lookedAt = now;
    if (this.#heard) {
      this.#heard = false;
      this.#silence = 0;
    } else {
      this.#silence += passed;
      if (this.#proven && this.#silence >= this.#options.idleTimeout) {
        this.#lost();
        return;
      }
      this.#send();
    }
    this.#wait();
  }

  /** One probe at a time; without credit for a stream there is none, and those that are open will do. */
  #send(): void {
    if (this.#probe !== undefined) return;
    const stream = this.#transport.open("uni");
    if (stream === undefined) return;
    this.#probe = stream;
    this.#transport.write(stream, padding(PADDING_STREAM, 0));
    this.#transport.finish(stream);
  }
}
