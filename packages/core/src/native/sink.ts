import type { EndReason } from "../api.js";
import { MoqError } from "../errors.js";
import type { RecordObjects } from "./objects.js";
import type { NativePort } from "./port.js";
import type { RecordCursor } from "./records.js";

/** Something with a handle that gets records. */
export interface RecordSink {
  record(record: RecordCursor): void;
  /** The client is over: nothing more comes. */
  discard(reason: EndReason): void;
}

/** What handles need of their client. */
export interface SinkOwner {
  readonly port: NativePort;
  readonly now: () => number;
  /** Makes objects of records. */
  readonly objects: RecordObjects;
  /** Runs `work` when the records at hand are dealt with. */
  later(work: () => void): void;
  /** Runs `work` soon, in a task of its own. */
  soon(work: () => void): void;
  /** Keeps the process alive until the function given back is called; it is idempotent. */
  awaiting(): () => void;
  /** Flags of the update that is published next. */
  publishFlags(): number;
  /** Frees the handle: nothing more is told of it. */
  release(handle: number): void;
  listenerFailed(error: unknown): void;
}

/** Turns a negative result of the port into the error that it stands for. */
export function portError(port: NativePort, result: number): MoqError {
  return new MoqError(MoqError.codeOf(-result), port.lastError());
}

/** A handle, or throws. */
export function requireHandle(port: NativePort, result: number): number {
  if (result > 0) return result;
  throw portError(port, result);
}

/** Keeps the process alive while a promise is pending. */
export function whileAwaiting<T>(owner: SinkOwner, promise: Promise<T>): Promise<T> {
  const done = owner.awaiting();
  promise.then(done, done);
  return promise;
}
