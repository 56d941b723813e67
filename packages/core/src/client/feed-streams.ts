import type { StreamId } from "../transport.js";
import { StreamCode } from "../wire/error.js";
import type { SubgroupHeader } from "../wire/object.js";
import type { Link } from "./link.js";
import type { CoreSubscription } from "./subscription.js";

/** One data stream of a subscription. */
export interface FeedStream {
  readonly header: SubgroupHeader;
  readonly group: number;
  readonly held: Set<CoreSubscription>;
  paused: boolean;
}

/**
 * The data streams of a feed's subscription. They are shared by its readers: one that is full holds
 * all of them back, and one whose receiver waits for an earlier group holds single ones.
 */
export class FeedStreams {
  readonly #open = new Map<StreamId, FeedStream>();
  readonly #full = new Set<CoreSubscription>();
  #link: Link | undefined;

  /** Streams that are open, with their groups. */
  entries(): Iterable<[StreamId, FeedStream]> {
    return this.#open;
  }

  isFull(reader: CoreSubscription): boolean {
    return this.#full.has(reader);
  }

  opened(link: Link, stream: StreamId, header: SubgroupHeader, group: number): FeedStream {
    const open: FeedStream = { header, group, held: new Set(), paused: false };
    this.#link = link;
    this.#open.set(stream, open);
    return open;
  }

  ended(stream: StreamId): void {
    this.#open.delete(stream);
  }

  /** The reader wants no more for now, or wants more again. */
  setFull(reader: CoreSubscription, full: boolean): void {
    if (full) this.#full.add(reader);
    else this.#full.delete(reader);
    for (const stream of this.#open.keys()) this.update(stream);
  }

  /** The reader's receiver holds back one stream, or lets it go. */
  hold(reader: CoreSubscription, stream: StreamId, paused: boolean): void {
    const open = this.#open.get(stream);
    if (open === undefined) return;
    if (paused) open.held.add(reader);
    else open.held.delete(reader);
    this.update(stream);
  }

  left(reader: CoreSubscription): void {
    for (const open of this.#open.values()) open.held.delete(reader);
    this.setFull(reader, false);
  }

  update(stream: StreamId): void {
    const open = this.#open.get(stream);
    if (open === undefined) return;
    const paused = this.#full.size > 0 || open.held.size > 0;
    if (paused === open.paused) return;
    open.paused = paused;
    this.#link?.session.pauseStream(stream, paused);
  }

  /** Stops all of them. */
  stop(): void {
    const streams = [...this.#open.keys()];
    this.#open.clear();
    for (const stream of streams) this.#link?.stopStream(stream, StreamCode.Cancelled);
    this.#link = undefined;
  }
}
