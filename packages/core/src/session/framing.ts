import { EMPTY, Reader } from "../wire/cursor.js";
import { violation } from "../wire/error.js";
import type { Message } from "../wire/message.js";
import type { DraftProfile } from "../wire/profile.js";

/**
 * Cuts a control or request stream into messages (draft-18 "Control Messages"). Holds one
 * incomplete message at most, that is 65,546 bytes, plus the chunk that was pushed last.
 */
export class MessageBuffer {
  private bytes: Uint8Array = EMPTY;
  private start = 0;
  private end = 0;
  /** Whether `bytes` is a buffer of ours with room behind `end`. */
  private owned = false;
  private readonly reader = new Reader();

  constructor(private readonly profile: DraftProfile) {}

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const have = this.end - this.start;
    if (have === 0) {
      this.bytes = chunk;
      this.start = 0;
      this.end = chunk.length;
      this.owned = false;
      return;
    }
    if (!this.owned || this.bytes.length - this.end < chunk.length) {
      // Doubled, so that a message in many small pieces is not copied for each. Never written over
      // again: decoded messages are views of it.
      const grown = new Uint8Array(Math.max((have + chunk.length) * 2, 256));
      grown.set(this.bytes.subarray(this.start, this.end));
      this.bytes = grown;
      this.start = 0;
      this.end = have;
      this.owned = true;
    }
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** The next whole message; `undefined`: more bytes are needed. Throws WireError. */
  next(): Message | undefined {
    const head = this.profile.messageHead(this.bytes, this.start, this.end);
    if (head === undefined || head.end > this.end) return undefined;
    this.start = head.end;
    const payload = this.reader.reset(this.bytes, head.start, head.end);
    return this.profile.decodeMessage(head.type, payload);
  }

  /** The stream ended: throws when that is in the middle of a message. */
  finish(): void {
    if (this.end > this.start) throw violation("a stream ends in the middle of a message");
  }
}
