import type { StreamId } from "../transport.js";
import {
  comparePlaces,
  type FetchEnd,
  type Incoming,
  type Place,
  type Receiver,
  type ReceiverConfig,
  type ReceiverCounters,
  toMoqObject,
} from "./receiver.js";

/** `latest` and `datagram`: only ever newer updates; what is not newer is dropped and counted. */
export class LatestReceiver implements Receiver {
  readonly counters: ReceiverCounters = { stale: 0, late: 0, reset: 0 };
  readonly #config: ReceiverConfig;
  readonly #unordered: boolean;
  #last: Place | undefined;
  /** Newest place that a FETCH brought: the same object may come by subscription too. */
  #fetched: Place | undefined;
  #closed = false;

  constructor(config: ReceiverConfig, unordered: boolean) {
    this.#config = config;
    this.#unordered = unordered;
  }

  begin(largest: Place | undefined, next: boolean): void {
    // Not older than where the subscription began, unless the FETCH asked for it.
    if (next && largest !== undefined) this.#last = { group: largest.group, object: Infinity };
  }

  resume(next: Place): void {
    const last = { group: next.group, object: next.object - 1 };
    this.#last = last;
    this.#fetched = last;
  }

  expectFetch(): void {}

  fetched(object: Incoming): void {
    if (this.#fetched === undefined || comparePlaces(object, this.#fetched) > 0) {
      this.#fetched = object;
    }
    this.#offer(object);
  }

  fetchedRange(_to: Place, _unknown: boolean): void {}
  fetchEnded(_end: FetchEnd): void {}
  streamOpened(_stream: StreamId, _group: number): void {}

  object(_stream: StreamId | undefined, object: Incoming): void {
    this.#offer(object);
  }

  groupEnds(_group: number, _object: number): void {}

  streamEnded(_stream: StreamId, whole: boolean, _endOfGroup: boolean): void {
    if (!whole) this.counters.reset += 1;
  }

  finish(): void {}

  close(): void {
    this.#closed = true;
  }

  #offer(object: Incoming): void {
    if (this.#closed) return;
    const last = this.#last;
    if (last !== undefined && comparePlaces(object, last) <= 0) {
      const again = this.#fetched !== undefined && comparePlaces(object, this.#fetched) <= 0;
      if (!this.#unordered || again || last.object === Infinity) {
        this.counters.stale += 1;
        return;
      }
    } else this.#last = { group: object.group, object: object.object };
    this.#config.deliver(toMoqObject(object));
  }
}
