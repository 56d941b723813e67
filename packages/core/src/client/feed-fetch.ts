import type { FetchEnd } from "../delivery/receiver.js";
import type { RequestId, StreamEnd } from "../session/types.js";
import type { StreamId } from "../transport.js";
import { RequestErrorCode, StreamCode } from "../wire/error.js";
import type { FetchRange, RequestError } from "../wire/message.js";
import type { FetchItem } from "../wire/object.js";
import { toIncoming, toPlace } from "./incoming.js";
import type { Link } from "./link.js";
import type { CoreSubscription } from "./subscription.js";

/** What a fetch of the past tells its feed. */
export interface FeedFetchOwner {
  /** Over, with the peer's refusal if that was it. */
  ended(error: RequestError | undefined): void;
  /** The track cannot be read. */
  failed(problem: string): void;
}

/** The FETCH that brings one reader from the start of the newest group to where the subscription begins. */
export class FeedFetch {
  #range: FetchRange;
  /** Asked for instead when the range is refused. */
  #fallback: FetchRange | undefined;
  readonly #link: Link;
  readonly #reader: CoreSubscription;
  readonly #owner: FeedFetchOwner;
  #id: RequestId | undefined;
  #stream: StreamId | undefined;
  /** Items that came before SUBSCRIBE_OK: how to read them is not known before it. */
  #early: FetchItem[] | undefined = [];
  #end: FetchEnd | undefined;
  #paused = false;
  /** It was sent a second time. */
  #repeated = false;
  /** It is to be sent once the subscription stands. */
  #restart = false;
  #over = false;

  constructor(
    link: Link,
    range: FetchRange,
    fallback: FetchRange | undefined,
    reader: CoreSubscription,
    owner: FeedFetchOwner,
  ) {
    this.#link = link;
    this.#range = range;
    this.#fallback = fallback;
    this.#reader = reader;
    this.#owner = owner;
  }

  start(): void {
    const { priority } = this.#reader.options;
    const params = priority === 128 ? {} : { subscriberPriority: priority };
    let replaced = false;
    this.#id = this.#link.request(
      { type: "fetch", range: this.#range, params },
      {
        response: (response) => {
          if (response.type !== "request_error") return;
          replaced = this.#overtook(response) || this.#fallBack(response);
          if (!replaced) this.#finish("refused", response);
        },
        fetchOpened: (stream) => this.#opened(stream),
        closed: () => {
          if (replaced) return;
          this.#id = undefined;
          // After FETCH_OK the request stream ends while the data stream may still come.
          if (this.#stream === undefined) this.#link.later(() => this.#abandoned());
        },
      },
    );
  }

  /**
   * Requests travel on streams of their own: a joining FETCH may arrive before the SUBSCRIBE that it
   * joins, and be refused for it. Once, it is sent again when the subscription stands.
   */
  #overtook(error: RequestError): boolean {
    const early = error.code === RequestErrorCode.InvalidJoiningRequestId && !this.#repeated;
    if (!early) return false;
    this.#repeated = true;
    this.#again();
    return true;
  }

  /** The peer cannot give all since an interruption: what it has of the newest group will do. */
  #fallBack(error: RequestError): boolean {
    const fallback = this.#fallback;
    if (fallback === undefined || error.code === RequestErrorCode.NotSupported) return false;
    this.#range = fallback;
    this.#fallback = undefined;
    this.#reader.pastIsLost();
    this.#again();
    return true;
  }

  #again(): void {
    this.#id = undefined;
    if (this.#early === undefined) this.#link.later(() => this.#startAgain());
    else this.#restart = true;
  }

  #startAgain(): void {
    if (this.#over || this.#link.isClosed) return;
    this.#restart = false;
    try {
      this.start();
    } catch {
      // The peer takes no more requests: the subscription goes on without its past.
      this.#finish("refused", undefined);
    }
  }

  /** The reader has its receiver: what came early goes in now. */
  ready(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const item of early) this.#item(item);
    const end = this.#end;
    if (end !== undefined) this.#conclude(end, undefined);
    else if (this.#restart) this.#startAgain();
    else this.#updatePause();
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#updatePause();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#early = undefined;
    if (this.#stream !== undefined) this.#link.stopStream(this.#stream, StreamCode.Cancelled);
    if (this.#id !== undefined) this.#link.cancel(this.#id, StreamCode.Cancelled);
  }

  #opened(stream: StreamId): void {
    this.#stream = stream;
    this.#link.adoptInStream(stream, {
      fetchItem: (item) => this.#item(item),
      ended: (end: StreamEnd) => {
        this.#stream = undefined;
        this.#finish(end.kind === "fin" ? "complete" : "cut", undefined);
      },
    });
    this.#updatePause();
  }

  /** Until SUBSCRIBE_OK no more is taken than what is on its way up already. */
  #updatePause(): void {
    if (this.#stream === undefined) return;
    this.#link.session.pauseStream(this.#stream, this.#paused || this.#early !== undefined);
  }

  #item(item: FetchItem): void {
    if (this.#over) return;
    if (this.#early !== undefined) {
      this.#early.push(item);
      return;
    }
    const { receiver } = this.#reader;
    if (item.kind === "end_of_range") {
      const to = toPlace(item.location);
      if (to === "too_large") this.#owner.failed("a group or object id is above 2^53 − 1");
      else receiver?.fetchedRange(to, item.unknown);
      return;
    }
    const object = toIncoming(item.group, item.subgroup, item, this.#reader.now());
    if (object === "too_large") this.#owner.failed("a group or object id is above 2^53 − 1");
    else receiver?.fetched(object);
  }

  /** The request ended and no stream came. */
  #abandoned(): void {
    if (this.#stream === undefined) this.#finish("refused", undefined);
  }

  #finish(end: FetchEnd, error: RequestError | undefined): void {
    if (this.#over || this.#end !== undefined) return;
    this.#end = end;
    if (this.#early === undefined) this.#conclude(end, error);
    else if (error !== undefined) this.#owner.ended(error);
  }

  #conclude(end: FetchEnd, error: RequestError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.receiver?.fetchEnded(end);
    if (end === "refused") this.#reader.allIsLost();
    this.#owner.ended(error);
  }
}
