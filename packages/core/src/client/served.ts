import type { Delivery } from "../api.js";
import type { Clock } from "../delivery/clock.js";
import { createSender, type Sender } from "../delivery/sender.js";
import type { RetainedGroup, SourceObject, TrackSource } from "../delivery/source.js";
import type { RequestId } from "../session/types.js";
import type { StreamId } from "../transport.js";
import { PublishDoneCode, StreamCode } from "../wire/error.js";
import type { RequestUpdate, Subscribe } from "../wire/message.js";
import type { Parameters, SubscriptionFilter } from "../wire/params.js";
import type { CreditWaiter, Link, OutStreamOwner, RequestOwner } from "./link.js";

/** What a subscription that the peer holds needs of its publication. */
export interface ServedOwner {
  readonly label: string;
  readonly delivery: Delivery;
  readonly source: TrackSource;
  readonly queueBytes: number;
  readonly clock: Clock;
  /** Something left the queue. */
  progressed(): void;
  dropped(count: number): void;
  /** It is over. */
  gone(served: Served): void;
  keyframeWanted(newGroup: number): void;
}

/** How long in ms the group at the joining location is kept for a FETCH that is on its way. */
const JOIN_GRACE = 5_000;

/** One subscription of the peer on one of our tracks. */
export class Served implements RequestOwner, OutStreamOwner, CreditWaiter {
  readonly id: RequestId;
  readonly #link: Link;
  readonly #owner: ServedOwner;
  readonly #sender: Sender;
  /** Joining Location: where the track was when the subscription began (draft-18 "Subscriptions"). */
  readonly joining: { readonly group: number; readonly object: number } | undefined;
  /** The group at the joining location as it was then, for a joining FETCH. */
  joinGroup: RetainedGroup | undefined;
  #forward: boolean;
  #start: { readonly group: number; readonly object: number };
  #endGroup = Infinity;
  #ending: { readonly status: number; readonly reason: string } | undefined;
  #over = false;
  readonly #stopGrace: () => void;

  constructor(link: Link, owner: ServedOwner, request: Subscribe, trackAlias: number) {
    const { source } = owner;
    const { params } = request;
    this.id = Number(request.requestId);
    this.#link = link;
    this.#owner = owner;
    this.joining = source.largest;
    this.joinGroup = source.retained;
    this.#stopGrace = owner.clock.after(JOIN_GRACE, () => {
      this.joinGroup = undefined;
    });
    this.#forward = params.forward ?? true;
    this.#start = { group: 0, object: 0 };
    this.#filter(params.filter);
    this.#sender = createSender(owner.delivery, {
      session: link.session,
      clock: owner.clock,
      trackAlias,
      subscriberPriority: params.subscriberPriority ?? 128,
      publisherPriority: source.config.priority,
      deadline: smallest(source.config.deadline, params),
      queueBytes: owner.queueBytes,
      onStream: (stream, open) => link.adoptOutStream(stream, open ? this : undefined),
      onProgress: () => this.#progressed(),
      onDropped: (count) => owner.dropped(count),
    });
    link.addWaiter(this);
  }

  get queuedBytes(): number {
    return this.#sender.queuedBytes;
  }

  get queuedObjects(): number {
    return this.#sender.queuedObjects;
  }

  get flushed(): boolean {
    return this.#sender.flushed;
  }

  get forward(): boolean {
    return this.#forward;
  }

  /** Retained objects that pass the filter: for subscriptions that begin in the past. */
  replay(): void {
    for (const object of this.joinGroup?.objects ?? []) this.push(object);
  }

  push(object: SourceObject): void {
    if (this.#over || this.#ending !== undefined || !this.#forward) return;
    if (object.group > this.#endGroup) {
      this.end(PublishDoneCode.SubscriptionEnded, "the range ended");
      return;
    }
    const { group, object: first } = this.#start;
    if (object.group < group || (object.group === group && object.object < first)) return;
    this.#sender.push(object);
  }

  /** PUBLISH_DONE, once everything accepted is on its way. */
  end(status: number, reason: string): void {
    if (this.#over || this.#ending !== undefined) return;
    this.#ending = { status, reason };
    this.#sender.end();
    this.#progressed();
  }

  update(update: RequestUpdate): void {
    const { params } = update;
    if (params.subscriberPriority !== undefined) {
      this.#sender.setPriority(params.subscriberPriority);
    }
    if (params.filter !== undefined) this.#filter(params.filter);
    if (params.forward !== undefined) this.#forward = params.forward;
    const largestObject = this.#owner.source.largest;
    this.#link.session.respondUpdate(this.id, {
      type: "request_ok",
      params: largestObject === undefined ? {} : { largestObject },
      properties: [],
    });
    if (params.newGroupRequest !== undefined) this.wantGroup(params.newGroupRequest);
  }

  /** NEW_GROUP_REQUEST: 0, or the largest group that the subscriber knows plus one. */
  wantGroup(request: number | bigint): void {
    const current = this.#owner.source.largest?.group ?? -1;
    if (request === 0 || request > current) this.#owner.keyframeWanted(Number(request));
  }

  closed(): void {
    this.#finish(StreamCode.Cancelled);
  }

  /** Ends without a word to the peer: the connection is gone. */
  drop(): void {
    this.#finish(StreamCode.SessionClosed);
  }

  writable(stream: StreamId): void {
    this.#sender.writable(stream);
  }

  acked(stream: StreamId): void {
    this.#sender.acked(stream);
  }

  stopped(stream: StreamId): void {
    this.#sender.stopped(stream);
  }

  streamsAvailable(): void {
    this.#sender.streamsAvailable();
  }

  datagramsAvailable(): void {
    this.#sender.datagramsAvailable();
  }

  #progressed(): void {
    const ending = this.#ending;
    if (ending !== undefined && !this.#over && this.#sender.queuedObjects === 0) {
      // Before the answer, which ends the request: streams go on to be acknowledged.
      this.#over = true;
      this.#release();
      this.#link.session.respond(this.id, {
        type: "publish_done",
        status: ending.status,
        streamCount: this.#sender.streamCount,
        reason: ending.reason,
      });
    }
    this.#owner.progressed();
    if (this.#over && this.#sender.flushed) this.#owner.gone(this);
  }

  #finish(code: number): void {
    if (!this.#over) {
      this.#over = true;
      this.#release();
      this.#sender.cancel(code);
      this.#owner.gone(this);
      return;
    }
    // The subscriber may close its half before our last streams are acknowledged.
    if (code === StreamCode.SessionClosed) {
      this.#sender.cancel(code);
      this.#owner.gone(this);
    }
  }

  #release(): void {
    this.#stopGrace();
    this.joinGroup = undefined;
    this.#link.removeWaiter(this);
  }

  #filter(filter: SubscriptionFilter | undefined): void {
    const largest = this.#owner.source.largest;
    this.#endGroup = Infinity;
    if (filter === undefined) return;
    if (filter.kind === "largest_object" || filter.kind === "next_group_start") {
      if (largest === undefined) return;
      this.#start =
        filter.kind === "largest_object"
          ? { group: largest.group, object: largest.object + 1 }
          : { group: largest.group + 1, object: 0 };
      return;
    }
    this.#start = { group: Number(filter.start.group), object: Number(filter.start.object) };
    if (filter.kind === "absolute_range") {
      this.#endGroup = Number(filter.endGroup);
    }
  }
}

/** The smaller of the publisher's deadline and the subscriber's timeouts (draft-18 "Delivery Timeouts"). */
function smallest(deadline: number, params: Parameters): number {
  let least = deadline;
  for (const wish of [params.objectDeliveryTimeout, params.subgroupDeliveryTimeout]) {
    if (typeof wish === "number" && wish > 0) least = Math.min(least, wish);
  }
  return least;
}
