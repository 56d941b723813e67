/** Reads the records that the native library writes; their layout is described in `moq_ffi.h`. */
import type { ClientState, EndReason, Gap } from "../api.js";
import { type CertificateReason, MoqError } from "../errors.js";
import { decodeUtf8 } from "../wire/utf8.js";
import { Slab } from "./slabs.js";

/** Bytes of a record's header. */
export const RECORD_HEADER_SIZE = 64;

/** What a record tells. Kinds that this code does not know are skipped. */
export const RecordKind = {
  State: 1,
  Ready: 2,
  End: 3,
  Object: 4,
  Gap: 5,
  Namespace: 6,
  Subscribers: 7,
  Writable: 8,
  KeyframeWanted: 9,
  Status: 10,
  TokenWanted: 11,
} as const;

export const RecordFlag = {
  Keyframe: 1,
  PublishedAt: 2,
  CountKnown: 4,
  Removed: 8,
  HasLargest: 16,
} as const;

/** Offsets in a record's header. */
export const RecordField = {
  Length: 0,
  Kind: 4,
  Flags: 6,
  Handle: 8,
  Group: 16,
  Object: 24,
  Subgroup: 32,
  ReceivedUs: 40,
  Extra: 48,
  PayloadLength: 56,
  Code: 60,
} as const;

const STATES: readonly ClientState[] = ["connecting", "open", "reconnecting", "closed"];
const GAP_REASONS: readonly Gap["reason"][] = [
  "lost",
  "reset",
  "late",
  "stale",
  "overflow",
  "too_far_behind",
  "reconnected",
];

const NONE = new Slab(new Uint8Array(0));

/**
 * A window on one record of a slab at a time. It is moved from record to record, so what must
 * outlive the visit is taken out of it.
 */
export class RecordCursor {
  #slab: Slab = NONE;
  #view: DataView = NONE.view;
  #at = 0;
  #next = 0;
  #end = 0;

  /** Goes before the first of the whole records that lie in `slab` from one offset up to another. */
  reset(slab: Slab, from: number, to: number): this {
    this.#slab = slab;
    this.#view = slab.view;
    this.#next = from;
    this.#end = to;
    return this;
  }

  /** Where the record lies, and at which offset it begins. */
  get slab(): Slab {
    return this.#slab;
  }

  get at(): number {
    return this.#at;
  }

  /** Moves to the next record; false after the last. */
  next(): boolean {
    const at = this.#next;
    if (at >= this.#end) return false;
    const rest = this.#end - at;
    const length =
      rest < RECORD_HEADER_SIZE ? 0 : this.#view.getUint32(at + RecordField.Length, true);
    if (length < RECORD_HEADER_SIZE || length > rest || length % 8 !== 0) {
      throw new MoqError(
        "internal",
        `The native library gave a record of ${length} bytes where ${rest} are left. Install one version of all @moq-game packages.`,
      );
    }
    this.#at = at;
    this.#next = at + length;
    return true;
  }

  /** Whether this is the last one. */
  get atEnd(): boolean {
    return this.#next >= this.#end;
  }

  get kind(): number {
    return this.#view.getUint16(this.#at + RecordField.Kind, true);
  }

  get flags(): number {
    return this.#view.getUint16(this.#at + RecordField.Flags, true);
  }

  get handle(): number {
    return this.#u64(RecordField.Handle);
  }

  get group(): number {
    return this.#u64(RecordField.Group);
  }

  get object(): number {
    return this.#u64(RecordField.Object);
  }

  get subgroup(): number {
    return this.#u64(RecordField.Subgroup);
  }

  /** In µs of the library's clock. */
  get receivedUs(): number {
    return this.#u64(RecordField.ReceivedUs);
  }

  get extra(): number {
    return this.#u64(RecordField.Extra);
  }

  get code(): number {
    return this.#view.getUint32(this.#at + RecordField.Code, true);
  }

  /** The payload, sharing the slab. */
  get payload(): Uint8Array {
    const length = this.#view.getUint32(this.#at + RecordField.PayloadLength, true);
    return this.#slab.payload(this.#at + RECORD_HEADER_SIZE, length);
  }

  toGap(): Gap {
    return {
      fromGroup: this.group,
      toGroup: this.object,
      objects: (this.flags & RecordFlag.CountKnown) !== 0 ? this.extra : undefined,
      reason: GAP_REASONS[this.code] ?? "lost",
    };
  }

  toState(): ClientState {
    return STATES[this.code] ?? "closed";
  }

  /** Why a handle ended. Code `closed` is this side's doing only where the caller says so. */
  toEnd(): EndReason {
    const error = this.toError();
    return error === undefined ? { kind: "ended", error } : { kind: "error", error };
  }

  /** Why a client has the state `reconnecting`. */
  toLoss(): MoqError {
    return this.errorOf(this.extra);
  }

  /** The error of an `END`; `undefined` when it ended in order. */
  toError(): MoqError | undefined {
    return this.code === 0 ? undefined : this.errorOf(this.code);
  }

  /** The error that the JSON payload describes. */
  errorOf(code: number): MoqError {
    const told = this.json() as {
      message?: string;
      peerCode?: number;
      reason?: CertificateReason;
      retryable?: boolean;
    };
    return new MoqError(MoqError.codeOf(code), told.message ?? "It ended without a reason.", {
      peerCode: told.peerCode,
      reason: told.reason,
      retryable: told.retryable,
    });
  }

  /** The payload as JSON; an empty object when there is none. */
  json(): unknown {
    const { payload } = this;
    return payload.length === 0 ? {} : JSON.parse(decodeUtf8(payload));
  }

  #u64(offset: number): number {
    const at = this.#at + offset;
    return this.#view.getUint32(at + 4, true) * 4_294_967_296 + this.#view.getUint32(at, true);
  }
}
