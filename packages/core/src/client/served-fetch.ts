import { streamPriority } from "../delivery/class.js";
import type { RetainedGroup, SourceObject, TrackSource } from "../delivery/source.js";
import type { RequestEnd, RequestId } from "../session/types.js";
import type { StreamId } from "../transport.js";
import { RequestErrorCode, StreamCode } from "../wire/error.js";
import { compareLocations, type Location } from "../wire/location.js";
import type { Fetch } from "../wire/message.js";
import type { FetchItem } from "../wire/object.js";
import type { VarInt } from "../wire/varint.js";
import {
  type CreditWaiter,
  isSessionEnd,
  type Link,
  type OutStreamOwner,
  type RequestOwner,
} from "./link.js";

/** What a FETCH is answered from. */
export interface FetchSource {
  readonly source: TrackSource;
  /** The newest group, or the one at the joining location. */
  readonly retained: RetainedGroup | undefined;
}

/** First place and the place after the last one; its object 0 means the whole group. */
export interface FetchSpan {
  readonly start: Location;
  readonly end: Location;
}

/** Answers one FETCH of the peer from the group that its publication retains. */
export class ServedFetch implements RequestOwner, OutStreamOwner, CreditWaiter {
  readonly #link: Link;
  readonly #id: RequestId;
  readonly #priority: number;
  #items: FetchItem[];
  #next = 0;
  #stream: StreamId | undefined;
  #blocked = false;
  #done = false;
  #isOver = false;
  readonly #over: (answer: ServedFetch) => void;

  /** `over` is called once, when {@link isOver} begins to hold. */
  constructor(
    link: Link,
    id: RequestId,
    items: FetchItem[],
    priority: number,
    over: (answer: ServedFetch) => void,
  ) {
    this.#over = over;
    this.#link = link;
    this.#id = id;
    this.#items = items;
    this.#priority = priority;
    link.addWaiter(this);
  }

  /** All of it is acknowledged, or nobody wants it any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  start(): void {
    this.#pump();
  }

  update(): void {
    this.#link.session.respondUpdate(this.#id, { type: "request_ok", params: {}, properties: [] });
  }

  closed(end: RequestEnd): void {
    // Whose connection is gone waits for the next one.
    if (isSessionEnd(end)) return;
    if (!this.#done && this.#stream !== undefined) {
      this.#link.session.resetStream(this.#stream, StreamCode.Cancelled);
    }
    this.#finish();
  }

  writable(): void {
    this.#blocked = false;
    this.#pump();
  }

  acked(): void {
    this.#finish();
  }

  stopped(): void {
    this.#finish();
  }

  streamsAvailable(): void {
    this.#pump();
  }

  datagramsAvailable(): void {}

  #pump(): void {
    if (this.#done) return;
    const { session } = this.#link;
    if (this.#stream === undefined) {
      this.#stream = session.openFetch(this.#id, this.#priority);
      if (this.#stream === undefined) return;
      this.#link.adoptOutStream(this.#stream, this);
    }
    while (!this.#blocked && this.#next < this.#items.length) {
      const result = session.writeFetchItem(this.#stream, this.#items[this.#next] as FetchItem);
      this.#next += 1;
      if (result === "closed") {
        this.#finish();
        return;
      }
      this.#blocked = result === "blocked";
    }
    if (this.#next < this.#items.length) return;
    // Before the end of the stream, which ends the request.
    this.#done = true;
    this.#items = [];
    this.#link.removeWaiter(this);
    session.finishStream(this.#stream);
  }

  #finish(): void {
    this.#done = true;
    this.#items = [];
    this.#link.removeWaiter(this);
    if (this.#stream !== undefined) this.#link.adoptOutStream(this.#stream, undefined);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#over(this);
  }
}

/** Answers `fetch` with FETCH_OK and a stream, or refuses it; `over` as in {@link ServedFetch}. */
export function serveFetch(
  link: Link,
  fetch: Fetch,
  { source, retained }: FetchSource,
  span: FetchSpan,
  over: (answer: ServedFetch) => void = () => {},
): ServedFetch | undefined {
  const id = Number(fetch.requestId);
  const { largest } = source;
  if (largest === undefined || compareLocations(span.start, largest) > 0) {
    link.session.reject(id, RequestErrorCode.InvalidRange, "nothing published in this range yet");
    return undefined;
  }
  const { group, object } = span.end;
  const asked = object === 0 ? { group, object: Number.MAX_SAFE_INTEGER } : { group, object };
  const available = { group: largest.group, object: largest.object + 1 };
  const clipped = compareLocations(asked, available) > 0;
  const end: Location = clipped ? available : span.end;
  link.session.respond(id, {
    type: "fetch_ok",
    endOfTrack: false,
    end,
    params: {},
    properties: source.properties,
  });
  const until = clipped ? available : asked;
  const items = fetchItems(retained, span.start, until, source);
  const priority = streamPriority(
    fetch.params.subscriberPriority ?? 128,
    source.config.priority,
    0,
    false,
  );
  const served = new ServedFetch(link, id, items, priority, over);
  link.adopt(id, served);
  served.start();
  return served;
}

function fetchItems(
  retained: RetainedGroup | undefined,
  start: Location,
  end: Location,
  source: TrackSource,
): FetchItem[] {
  const items: FetchItem[] = [];
  const objects = (retained?.objects ?? []).filter(
    (object) => compareLocations(object, start) >= 0 && compareLocations(object, end) < 0,
  );
  const first = objects[0];
  // What is no longer kept did exist: its status is unknown here.
  const missing = first === undefined ? lastBefore(end) : lastBefore(first);
  if (missing !== undefined && compareLocations(missing, start) >= 0) {
    items.push({ kind: "end_of_range", location: missing, unknown: true });
  }
  for (const object of objects) items.push(toItem(object, source));
  return items;
}

function lastBefore(place: Location): Location | undefined {
  if (place.object > 0) return { group: place.group, object: decrement(place.object) };
  if (place.group === 0) return undefined;
  return { group: decrement(place.group), object: Number.MAX_SAFE_INTEGER };
}

function decrement(value: VarInt): VarInt {
  return typeof value === "number" ? value - 1 : value - 1n;
}

function toItem(object: SourceObject, source: TrackSource): FetchItem {
  const { delivery, priority } = source.config;
  return {
    kind: "object",
    group: object.group,
    subgroup: delivery === "datagram" ? undefined : 0,
    object: object.object,
    priority,
    properties: object.properties,
    payload: object.payload,
  };
}
