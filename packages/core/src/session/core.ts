import type { Transport } from "../transport.js";
import { Writer } from "../wire/cursor.js";
import { SessionCode, WireError } from "../wire/error.js";
import type { Message } from "../wire/message.js";
import type { DraftProfile } from "../wire/profile.js";
import type { Outbox } from "./outbox.js";
import {
  type Role,
  SessionError,
  type SessionEvents,
  type SessionLimits,
  type SessionStats,
} from "./types.js";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What the parts of a session share. */
export class Core {
  closed = false;
  readonly writer = new Writer(4096);
  /** Streams of which something waits or whose end waits. */
  readonly outboxes = new Map<number, Outbox>();
  readonly stats: Mutable<SessionStats> = {
    unknownAliasStreams: 0,
    unknownAliasDatagrams: 0,
    lateStreams: 0,
    lateDatagrams: 0,
    refusedStreams: 0,
    tooLargeStreams: 0,
    bufferFullStreams: 0,
    refusedRequests: 0,
    paddingBytes: 0,
    objectsReceived: 0,
    objectsSent: 0,
    datagramsReceived: 0,
    datagramsSent: 0,
  };

  constructor(
    readonly role: Role,
    readonly transport: Transport,
    readonly profile: DraftProfile,
    readonly limits: SessionLimits,
    readonly events: SessionEvents,
    readonly now: () => number,
    /** Ends the session because of the peer. */
    readonly fail: (code: number, reason: string) => void,
  ) {}

  /** Runs a piece of decoding; what is malformed ends the session. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof WireError) this.fail(error.code, error.message);
      else throw error;
    }
  }

  /** A message as bytes of its own. Throws SessionError when it cannot be encoded. */
  encode(message: Message): Uint8Array {
    try {
      this.profile.encodeMessage(this.writer.reset(), message);
    } catch (error) {
      if (error instanceof RangeError) throw new SessionError("invalid", error.message);
      throw error;
    }
    return this.writer.finish();
  }

  assertOpen(): void {
    if (this.closed) throw new SessionError("closed", "the session is closed");
  }

  violation(reason: string): void {
    this.fail(SessionCode.ProtocolViolation, reason);
  }
}
