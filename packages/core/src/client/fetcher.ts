import type { Clock } from "../delivery/clock.js";
import { toMoqObject } from "../delivery/receiver.js";
import { MoqError } from "../errors.js";
import type { ResolvedFetchOptions } from "../options.js";
import type { RequestId, StreamEnd } from "../session/types.js";
import type { StreamId } from "../transport.js";
import { RequestErrorCode, StreamCode } from "../wire/error.js";
import type { RequestError } from "../wire/message.js";
import type { FetchItem } from "../wire/object.js";
import { callError, requestError } from "./errors.js";
import { toIncoming } from "./incoming.js";
import type { Link } from "./link.js";
import type { TrackId } from "./names.js";
import { ReaderQueue } from "./reader.js";

/** Bytes that may wait for the reader; then the peer is held back. */
const QUEUE_BYTES = 8 * 1024 * 1024;

/** What a fetch needs of its client. */
export interface FetcherOwner {
  readonly clock: Clock;
  later(work: () => void): void;
  fetchUnsupported(): void;
  /** It is over. */
  gone(fetcher: Fetcher): void;
}

/** One FETCH of the application. */
export class Fetcher {
  readonly queue: ReaderQueue;
  readonly #link: Link;
  readonly #owner: FetcherOwner;
  readonly #track: TrackId;
  readonly #options: ResolvedFetchOptions;
  #id: RequestId | undefined;
  #stream: StreamId | undefined;
  #over = false;
  #stopSignal: () => void = () => {};

  constructor(link: Link, owner: FetcherOwner, track: TrackId, options: ResolvedFetchOptions) {
    this.#link = link;
    this.#owner = owner;
    this.#track = track;
    this.#options = options;
    this.queue = new ReaderQueue({
      queueBytes: QUEUE_BYTES,
      policy: "push-back",
      now: () => owner.clock.now(),
      ownsBytes: false,
      onFull: (full) => {
        if (this.#stream !== undefined) link.session.pauseStream(this.#stream, full);
      },
      onReturn: () => this.cancel(),
      onWake: (queue) => owner.later(() => queue.wake()),
    });
  }

  start(): void {
    const { fromGroup, toGroup, order, priority, signal } = this.#options;
    if (signal !== undefined) {
      const abort = (): void =>
        this.#end(new MoqError("cancelled", "The fetch was aborted by its signal."));
      signal.addEventListener("abort", abort);
      this.#stopSignal = () => signal.removeEventListener("abort", abort);
      if (signal.aborted) {
        abort();
        return;
      }
    }
    try {
      this.#id = this.#link.request(
        {
          type: "fetch",
          range: {
            kind: "standalone",
            track: this.#track.wire,
            start: { group: fromGroup, object: 0 },
            // Object 0 of the end means all of that group.
            end: { group: toGroup, object: 0 },
          },
          params: {
            groupOrder: order,
            ...(priority === 128 ? {} : { subscriberPriority: priority }),
          },
        },
        {
          response: (response) => {
            if (response.type === "request_error") this.#refused(response);
          },
          fetchOpened: (stream) => this.#opened(stream),
          closed: () => {
            this.#id = undefined;
            if (this.#stream === undefined) this.#link.later(() => this.#cut(undefined));
          },
        },
      );
    } catch (error) {
      this.#end(callError(`fetch from ${this.#track.label}`, error));
    }
  }

  /** The reader wants no more. */
  cancel(): void {
    this.#end(undefined);
    this.queue.close();
  }

  /** The connection is gone. */
  fail(error: MoqError | undefined): void {
    this.#end(error ?? new MoqError("closed", "The client was closed during the fetch."));
  }

  #refused(error: RequestError): void {
    if (error.code === RequestErrorCode.NotSupported) this.#owner.fetchUnsupported();
    this.#end(requestError(`fetch from ${this.#track.label}`, error));
  }

  #opened(stream: StreamId): void {
    this.#stream = stream;
    this.#link.adoptInStream(stream, {
      fetchItem: (item) => this.#item(item),
      ended: (end) => {
        this.#stream = undefined;
        if (end.kind === "fin") this.#end(undefined);
        else this.#cut(end);
      },
    });
  }

  #item(item: FetchItem): void {
    if (item.kind === "end_of_range") return;
    const object = toIncoming(item.group, item.subgroup, item, this.#owner.clock.now());
    if (object !== "too_large") {
      this.queue.push(toMoqObject(object));
      return;
    }
    const message = `A group or object id of ${this.#track.label} is above 2^53 − 1.`;
    this.#end(new MoqError("malformed_track", `${message} Its publisher must use smaller ids.`));
  }

  #cut(end: StreamEnd | undefined): void {
    if (this.#stream !== undefined) return;
    const tooLarge = end?.kind === "stopped" && end.reason === "too_large";
    this.#end(
      tooLarge
        ? new MoqError(
            "too_large",
            `An object of ${this.#track.label} is larger than the option maxObjectSize of connect. Raise it.`,
          )
        : new MoqError(
            "not_found",
            `The peer ended the fetch from ${this.#track.label} before it was complete. Ask again, or for less.`,
            { peerCode: end?.kind === "reset" ? end.code : undefined, retryable: true },
          ),
    );
  }

  #end(error: MoqError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopSignal();
    if (this.#stream !== undefined) this.#link.stopStream(this.#stream, StreamCode.Cancelled);
    if (this.#id !== undefined && error !== undefined) {
      this.#link.cancel(this.#id, StreamCode.Cancelled);
    }
    this.queue.end(error === undefined ? { kind: "ended", error } : { kind: "error", error });
    this.#owner.gone(this);
  }
}
