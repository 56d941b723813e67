import { EMPTY, Reader } from "../wire/cursor.js";
import { violation } from "../wire/error.js";
import type { Message } from "../wire/message.js";
import type { DraftProfile } from "../wire/profile.js";
import { readVarint, varintLength } from "../wire/varint.js";

/**
 * Cuts a control or request stream into messages (draft-18 "Control Messages"). Holds one
 * incomplete message at most, that is 65,546 bytes, plus the chunk that was pushed last.
 */
export class MessageBuffer {
  private bytes: Uint8Array = EMPTY;
  private readonly reader = new Reader();

  constructor(private readonly profile: DraftProfile) {}

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.bytes.length === 0) {
      this.bytes = chunk;
      return;
    }
    const joined = new Uint8Array(this.bytes.length + chunk.length);
    joined.set(this.bytes);
    joined.set(chunk, this.bytes.length);
    this.bytes = joined;
  }

  /** The next whole message; `undefined`: more bytes are needed. Throws WireError. */
  next(): Message | undefined {
    const { bytes } = this;
    if (bytes.length === 0) return undefined;
    const typeLength = varintLength(bytes[0]!);
    if (bytes.length < typeLength) return undefined;
    // Looked up before the payload is there, so that garbage ends the session at once.
    const type = this.profile.messageType(readVarint(bytes, 0));
    const start = typeLength + 2;
    if (bytes.length < start) return undefined;
    const end = start + ((bytes[typeLength]! << 8) | bytes[typeLength + 1]!);
    if (bytes.length < end) return undefined;
    this.bytes = bytes.length === end ? EMPTY : bytes.subarray(end);
    return this.profile.decodeMessage(type, this.reader.reset(bytes, start, end));
  }

  /** The stream ended: throws when that is in the middle of a message. */
  finish(): void {
    if (this.bytes.length > 0) throw violation("a stream ends in the middle of a message");
  }
}
