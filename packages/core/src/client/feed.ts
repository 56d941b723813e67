import type { EndReason } from "../api.js";
import { decodeTrackClass } from "../delivery/class.js";
import type { Clock } from "../delivery/clock.js";
import { comparePlaces, type Incoming, type Place } from "../delivery/receiver.js";
import { MoqError } from "../errors.js";
import type { RequestEnd, RequestId, StreamEnd } from "../session/types.js";
import type { StreamId } from "../transport.js";
import { PublishDoneCode, RequestErrorCode, StreamCode } from "../wire/error.js";
import type {
  FetchRange,
  PublishDone,
  RequestError,
  ResponseMessage,
  SubscribeOk,
} from "../wire/message.js";
import { type ObjectDatagram, ObjectStatus, type SubgroupHeader } from "../wire/object.js";
import type { Parameters } from "../wire/params.js";
import { callError, doneError, requestError } from "./errors.js";
import { FeedFetch } from "./feed-fetch.js";
import { type FeedStream, FeedStreams } from "./feed-streams.js";
import { toIncoming, toPlace } from "./incoming.js";
import { isSessionEnd, type Link } from "./link.js";
import type { TrackId } from "./names.js";
import { isCut, isLoss, passes, RETURN_GRACE, Recovery } from "./recovery.js";
import type { CoreSubscription, SubscriptionOwner } from "./subscription.js";

/** Most repetitions of a SUBSCRIBE that meets the end of the one before it, and their spacing in ms. */
const DUPLICATE_RETRIES = 5;
const DUPLICATE_DELAY = 40;
/** Least ms between two new starts after TOO_FAR_BEHIND. */
const REJOIN_INTERVAL = 500;

/** What a feed needs of its client. */
export interface FeedOwner {
  readonly clock: Clock;
  later(work: () => void): void;
  batch(work: () => void): void;
  listenerFailed(error: unknown): void;
  /** FETCH is refused as unsupported by this peer. */
  fetchUnsupported(): void;
  readonly canFetch: boolean;
  /** For how many ms a track whose publisher was lost is asked for again; 0: not at all. */
  readonly recoverTimeout: number;
  /** No reader is left. */
  emptied(feed: Feed): void;
}

/** One subscription on the wire, with as many readers as the application wants. */
export class Feed implements SubscriptionOwner {
  readonly track: TrackId;
  readonly clock: Clock;
  readonly #owner: FeedOwner;
  #link: Link | undefined;
  readonly #readers = new Set<CoreSubscription>();
  readonly #fetches = new Map<CoreSubscription, FeedFetch>();
  readonly #streams = new FeedStreams();
  #requestId: RequestId | undefined;
  #ok: SubscribeOk | undefined;
  /** The newest place that is known. */
  #largest: Place | undefined;
  #done: PublishDone | undefined;
  /** All streams that the publisher opened have been dealt with, or waited for long enough. */
  #doneClosed = false;
  #timer: (() => void) | undefined;
  #retries = 0;
  #rejoinedAt = -Infinity;
  readonly #recovery: Recovery;
  /** The peer accepted it, on this connection or on one before. */
  #stood = false;
  /** A relay that goes away called the track ended: its publisher may just have left for another relay. */
  #mayHaveEnded = false;

  constructor(owner: FeedOwner, track: TrackId) {
    this.#owner = owner;
    this.clock = owner.clock;
    this.#recovery = new Recovery(owner.clock);
    this.track = track;
  }

  get readers(): ReadonlySet<CoreSubscription> {
    return this.#readers;
  }

  /** Adds a reader; the first one makes the request. */
  add(subscription: CoreSubscription): void {
    const first = this.#readers.size === 0;
    this.#readers.add(subscription);
    if (first) this.#subscribe();
    else if (this.#ok !== undefined) this.#join(subscription, this.#ok);
  }

  /** A connection stands; `again`: in place of one that was lost. */
  attach(link: Link, again: boolean): void {
    this.#link = link;
    this.#retries = 0;
    if (again) this.#recover();
    this.#subscribe();
  }

  /** The connection is gone: readers wait for the next one. */
  detach(): void {
    for (const reader of this.#readers) reader.interrupted();
    this.#forgetRequest();
    this.#link = undefined;
  }

  later(work: () => void): void {
    this.#owner.later(work);
  }

  listenerFailed(error: unknown): void {
    this.#owner.listenerFailed(error);
  }

  pushBack(subscription: CoreSubscription, full: boolean): void {
    this.#streams.setFull(subscription, full);
    this.#fetches.get(subscription)?.pause(full);
  }

  holdBack(subscription: CoreSubscription, stream: StreamId, paused: boolean): void {
    this.#streams.hold(subscription, stream, paused);
  }

  left(subscription: CoreSubscription): void {
    if (!this.#readers.delete(subscription)) return;
    this.#fetches.get(subscription)?.cancel();
    this.#fetches.delete(subscription);
    this.#streams.left(subscription);
    if (this.#readers.size > 0) return;
    const id = this.#requestId;
    const link = this.#link;
    this.#forgetRequest();
    if (id !== undefined) link?.batch(() => link.cancel(id, StreamCode.Cancelled));
    this.#owner.emptied(this);
  }

  /** Ends every reader. */
  finish(reason: EndReason): void {
    const id = this.#requestId;
    const readers = [...this.#readers];
    this.#readers.clear();
    for (const reader of readers) reader.finish(reason);
    this.#forgetRequest();
    if (id !== undefined) this.#link?.cancel(id, StreamCode.Cancelled);
    this.#owner.emptied(this);
  }

  /** Time for others who lost the relay too, or for a publisher that was lost, to come back. */
  #recover(): void {
    const { recoverTimeout } = this.#owner;
    const waits = this.#stood && !this.#mayHaveEnded;
    this.#recovery.begin(waits ? recoverTimeout : Math.min(recoverTimeout, RETURN_GRACE));
  }

  /** Makes the request; without a connection that takes it, the next one brings it about. */
  #subscribe(): void {
    const link = this.#link;
    const [leader] = this.#readers;
    if (leader === undefined || !link?.takesRequests) return;
    const { options } = leader;
    const what = `subscribe to ${this.track.label}`;
    const next = options.start === "next" && leader.resumesAt === undefined;
    const params: Parameters = {
      filter: { kind: next ? "next_group_start" : "largest_object" },
      ...(options.priority === 128 ? {} : { subscriberPriority: options.priority }),
      ...(options.wait === 0 ? {} : { rendezvousTimeout: options.wait }),
    };
    try {
      const id = link.request(
        { type: "subscribe", track: this.track.wire, params },
        {
          response: (response) => this.#response(response),
          subgroupOpened: (stream, header) => this.#opened(link, stream, header),
          datagram: (datagram) => this.#datagram(datagram),
          closed: (end) => this.#closed(what, end),
        },
      );
      this.#requestId = id;
      for (const reader of this.#readers) {
        // Pipelined, so that joining costs no extra round trip.
        if (!this.#owner.canFetch) reader.pastIsLost();
        else if (reader.resumesAt !== undefined || reader.options.start === "latest-group") {
          this.#fetchPast(reader, ...joinRanges(reader, id));
        }
      }
    } catch (error) {
      this.finish({ kind: "error", error: callError(what, error) });
    }
  }

  #fetchPast(reader: CoreSubscription, range: FetchRange, fallback?: FetchRange): void {
    const link = this.#link;
    if (link === undefined) return;
    const fetch: FeedFetch = new FeedFetch(link, range, fallback, reader, {
      ended: (error) => {
        if (this.#fetches.get(reader) === fetch) this.#fetches.delete(reader);
        if (error?.code === RequestErrorCode.NotSupported) this.#owner.fetchUnsupported();
        this.#checkDone();
      },
      failed: (reason) => this.#fail(reason),
    });
    this.#fetches.set(reader, fetch);
    fetch.start();
    if (this.#streams.isFull(reader)) fetch.pause(true);
  }

  #response(response: ResponseMessage): void {
    if (response.type === "subscribe_ok") this.#accepted(response);
    else if (response.type === "request_error") this.#refused(response);
    else if (response.type === "publish_done") this.#publishDone(response);
  }

  #accepted(ok: SubscribeOk): void {
    this.#ok = ok;
    this.#retries = 0;
    this.#recovery.over();
    this.#stood = true;
    this.#mayHaveEnded = false;
    const { largestObject } = ok.params;
    const largest = largestObject === undefined ? undefined : toPlace(largestObject);
    if (largest === "too_large") {
      this.#fail("its group ids do not fit a JavaScript number");
      return;
    }
    this.#largest = largest;
    const track = decodeTrackClass(ok.properties);
    for (const reader of [...this.#readers]) {
      reader.accept(track, largest);
      const fetch = this.#fetches.get(reader);
      if (fetch !== undefined) reader.receiver?.expectFetch();
      const resumes = reader.resumesAt !== undefined;
      reader.receiver?.begin(largest, reader.options.start === "next" && !resumes);
      fetch?.ready();
      reader.confirm();
    }
  }

  /** A reader that comes while the subscription stands. */
  #join(reader: CoreSubscription, ok: SubscribeOk): void {
    reader.accept(decodeTrackClass(ok.properties), this.#largest);
    const largest = this.#largest;
    const past = reader.options.start === "latest-group" && largest !== undefined;
    if (past && this.#owner.canFetch) {
      reader.receiver?.expectFetch();
      this.#fetchPast(reader, {
        kind: "standalone",
        track: this.track.wire,
        start: { group: largest.group, object: 0 },
        end: { group: largest.group, object: largest.object + 1 },
      });
    }
    reader.receiver?.begin(largest, reader.options.start === "next");
    for (const [stream, open] of this.#streams.entries())
      reader.receiver?.streamOpened(stream, open.group);
    this.#fetches.get(reader)?.ready();
    reader.confirm();
  }

  #refused(error: RequestError): void {
    if (
      error.code === RequestErrorCode.DuplicateSubscription &&
      this.#retries < DUPLICATE_RETRIES
    ) {
      // Our SUBSCRIBE overtook the end of the one before it.
      this.#retries += 1;
      this.#again(DUPLICATE_DELAY * this.#retries);
    } else if (passes(error) && !this.#recovery.isOver) this.#again(this.#recovery.next());
    else if (this.#mayHaveEnded) this.finish({ kind: "ended", error: undefined });
    else {
      const reason = requestError(`subscribe to ${this.track.label}`, error);
      this.finish({ kind: "error", error: reason });
    }
  }

  /** Subscribes anew after `ms`. */
  #again(ms: number): void {
    const id = this.#requestId;
    const link = this.#link;
    this.#forgetRequest();
    if (id !== undefined) link?.cancel(id, StreamCode.Cancelled);
    this.#timer = this.clock.after(ms, () => {
      this.#timer = undefined;
      this.#owner.batch(() => this.#subscribe());
    });
  }

  #publishDone(done: PublishDone): void {
    this.#done = done;
    if (Number(done.status) === PublishDoneCode.TooFarBehind) this.#rejoin();
  }

  /** Too slow: starts again at the newest group, and says so. */
  #rejoin(): void {
    for (const reader of this.#readers) {
      const group = reader.lastGroup ?? this.#largest?.group ?? 0;
      reader.reportGap({
        fromGroup: group,
        toGroup: group,
        objects: undefined,
        reason: "too_far_behind",
      });
      reader.interrupted(true);
    }
    const now = this.clock.now();
    const wait = Math.max(0, this.#rejoinedAt + REJOIN_INTERVAL - now);
    this.#rejoinedAt = now + wait;
    this.#again(wait);
  }

  /** Ends once the streams of the subscription and what was fetched have been dealt with. */
  #checkDone(): void {
    const done = this.#done;
    if (done === undefined || !this.#doneClosed || this.#fetches.size > 0) return;
    const error = doneError(this.track.label, done);
    const leaving = this.#link?.isRetired === true;
    this.#mayHaveEnded = leaving && error === undefined;
    if ((leaving || isLoss(done)) && this.#resubscribe()) return;
    this.finish(error === undefined ? { kind: "ended", error } : { kind: "error", error });
  }

  /** The publisher, or the way to it, was lost: asks for the track again. False: it does not. */
  #resubscribe(): boolean {
    if (this.#owner.recoverTimeout === 0) return false;
    for (const reader of this.#readers) reader.interrupted();
    this.#recover();
    this.#again(this.#recovery.next());
    return true;
  }

  #closed(what: string, end: RequestEnd): void {
    this.#requestId = undefined;
    if (this.#done !== undefined) {
      this.#doneClosed = true;
      this.#checkDone();
      return;
    }
    // The whole session ends: the client says what becomes of its subscriptions.
    if (isSessionEnd(end)) return;
    const peerCode = end.by === "peer" ? end.code : undefined;
    const cut = end.by === "timed_out" || (peerCode !== undefined && isCut(peerCode));
    if (this.#stood && cut && this.#resubscribe()) return;
    const error = new MoqError("closed", `The peer ended the request to ${what}. Try again.`, {
      peerCode,
      retryable: true,
    });
    this.finish({ kind: "error", error });
  }

  #opened(link: Link, stream: StreamId, header: SubgroupHeader): void {
    const { group } = header;
    if (typeof group !== "number") {
      link.stopStream(stream, StreamCode.Cancelled);
      this.#fail("a group id is above 2^53 − 1");
      return;
    }
    const open = this.#streams.opened(link, stream, header, group);
    link.adoptInStream(stream, {
      object: (object) => {
        if (object.status !== ObjectStatus.Normal) this.#status(group, object);
        else {
          const incoming = toIncoming(group, header.subgroup, object, this.clock.now());
          this.#deliver(stream, incoming);
        }
      },
      ended: (end) => this.#streamEnded(stream, open, end),
    });
    for (const reader of this.#readers) reader.receiver?.streamOpened(stream, group);
    this.#streams.update(stream);
  }

  #streamEnded(stream: StreamId, open: FeedStream, end: StreamEnd): void {
    this.#streams.ended(stream);
    const whole = end.kind === "fin";
    for (const reader of [...this.#readers]) {
      reader.receiver?.streamEnded(stream, whole, open.header.endOfGroup);
    }
    if (end.kind === "stopped" && end.reason === "too_large") {
      const message =
        `An object of ${this.track.label} is larger than the option maxObjectSize of connect ` +
        "and was not delivered. Raise it, or publish smaller objects.";
      this.finish({ kind: "error", error: new MoqError("too_large", message) });
    }
  }

  #datagram(datagram: ObjectDatagram): void {
    const { group } = datagram;
    if (datagram.status !== ObjectStatus.Normal) {
      if (typeof group === "number") this.#status(group, datagram);
      return;
    }
    this.#deliver(undefined, toIncoming(group, 0, datagram, this.clock.now()));
  }

  #status(group: number, { object }: { readonly object: number | bigint }): void {
    if (typeof object !== "number") return;
    for (const reader of [...this.#readers]) reader.receiver?.groupEnds(group, object);
  }

  #deliver(stream: StreamId | undefined, object: Incoming | "too_large"): void {
    if (object === "too_large") {
      this.#fail("a group or object id is above 2^53 − 1");
      return;
    }
    if (this.#largest === undefined || comparePlaces(object, this.#largest) > 0) {
      this.#largest = object;
    }
    for (const reader of this.#readers) reader.receiver?.object(stream, object);
  }

  #fail(problem: string): void {
    const message = `The subscription to ${this.track.label} ended: ${problem}. Its publisher must use smaller ids.`;
    this.finish({ kind: "error", error: new MoqError("malformed_track", message) });
  }

  /** Forgets the request and everything that came with it. */
  #forgetRequest(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#requestId = undefined;
    this.#ok = undefined;
    this.#done = undefined;
    this.#doneClosed = false;
    for (const fetch of this.#fetches.values()) fetch.cancel();
    this.#fetches.clear();
    this.#streams.stop();
  }
}

/** What a reader needs of the past: all since it was interrupted, or else the newest group. */
function joinRanges(
  reader: CoreSubscription,
  requestId: RequestId,
): [range: FetchRange, fallback?: FetchRange] {
  const newest: FetchRange = { kind: "relative_joining", requestId, groups: 0 };
  const next = reader.resumesAt;
  if (next === undefined || reader.skipsPast || reader.delivery !== "reliable") return [newest];
  return [{ kind: "absolute_joining", requestId, group: next.group }, newest];
}
