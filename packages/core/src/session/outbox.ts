import type { StreamId, Transport } from "../transport.js";
import type { WriteResult } from "./types.js";

/**
 * What waits to be written on one stream. The transport takes what it can; the rest is kept here
 * and goes out when it says `writable`.
 */
export class Outbox {
  private readonly queue: Uint8Array[] = [];
  private waiting = 0;
  private ending = false;
  private over = false;
  private wasReset = false;

  constructor(
    private readonly transport: Transport,
    readonly stream: StreamId,
    /** Where `writable` finds it; it takes itself out when it is over. */
    private readonly registry: Map<StreamId, Outbox>,
  ) {
    registry.set(stream, this);
  }

  /** Bytes that the transport has not taken. */
  get backlog(): number {
    return this.waiting;
  }

  /** Nothing can be written any more: finished, reset or refused by the transport. */
  get isOver(): boolean {
    return this.over || this.ending;
  }

  /** Takes `bytes` whole; they must not change afterwards. */
  write(bytes: Uint8Array): WriteResult {
    if (this.isOver) return "closed";
    if (this.waiting > 0) {
      this.queue.push(bytes);
      this.waiting += bytes.length;
      return "blocked";
    }
    const taken = this.transport.write(this.stream, bytes);
    if (taken < 0) {
      this.clear();
      return "closed";
    }
    if (taken === bytes.length) return "written";
    this.queue.push(bytes.subarray(taken));
    this.waiting = bytes.length - taken;
    return "blocked";
  }

  /** Ends the stream after what waits. */
  finish(): void {
    if (this.isOver) return;
    this.ending = true;
    if (this.waiting === 0) this.end();
  }

  /** Also after the end: what the peer has not acknowledged is abandoned. */
  reset(code: number): void {
    if (this.wasReset) return;
    this.wasReset = true;
    this.clear();
    this.transport.reset(this.stream, code);
  }

  /** The transport is gone or took the stream away. */
  clear(): void {
    this.over = true;
    this.registry.delete(this.stream);
    this.queue.length = 0;
    this.waiting = 0;
  }

  /** After `writable`. Gives true when nothing waits any more. */
  flush(): boolean {
    let sent = 0;
    for (const bytes of this.queue) {
      const taken = this.transport.write(this.stream, bytes);
      if (taken < 0) {
        this.clear();
        return true;
      }
      this.waiting -= taken;
      if (taken < bytes.length) {
        this.queue[sent] = bytes.subarray(taken);
        break;
      }
      sent++;
    }
    this.queue.splice(0, sent);
    if (this.waiting > 0) return false;
    if (this.ending && !this.over) this.end();
    return true;
  }

  private end(): void {
    this.clear();
    this.transport.finish(this.stream);
  }
}
