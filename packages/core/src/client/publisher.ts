import type { Clock } from "../delivery/clock.js";
import { MoqError } from "../errors.js";
import type { RequestEnd, RequestId } from "../session/types.js";
import { PublishDoneCode, RequestErrorCode, StreamCode } from "../wire/error.js";
import type {
  Fetch,
  PublishNamespace,
  RequestError,
  RequestMessage,
  ResponseMessage,
  Subscribe,
  SubscribeNamespace,
  TrackStatus,
} from "../wire/message.js";
import {
  type FullTrackName,
  formatNamespace,
  formatTrack,
  type Namespace,
  namespaceStartsWith,
} from "../wire/name.js";
import { type Deferred, deferred } from "./deferred.js";
import { callError, requestError } from "./errors.js";
import { isSessionEnd, type Link, type RequestOwner } from "./link.js";
import type { CorePublication } from "./publication.js";
import { passes } from "./recovery.js";
import { Served } from "./served.js";
import { type ServedFetch, serveFetch } from "./served-fetch.js";

/** A joining FETCH may overtake its SUBSCRIBE: how long in ms it waits for it, and how many may. */
const JOIN_WAIT = 1_000;
const MAX_WAITING_JOINS = 64;

/** Spacing in ms of announcements of a namespace that was accepted once and is refused for a passing reason now. */
const ANNOUNCE_AGAIN = 1_000;

/** One namespace that is announced, however many tracks are in it. */
interface Announcement {
  readonly namespace: Namespace;
  readonly label: string;
  readonly ready: Deferred<void>;
  tracks: number;
  requestId: RequestId | undefined;
  /** The peer accepted it, on this connection or on one before. */
  accepted: boolean;
}

/** Announces namespaces and answers the peer's requests for the tracks in them. */
export class Publisher {
  #link: Link | undefined;
  readonly #publications = new Map<string, CorePublication>();
  readonly #announcements = new Map<string, Announcement>();
  readonly #served = new Map<RequestId, { served: Served; publication: CorePublication }>();
  /** SUBSCRIBE_NAMESPACE of the peer. */
  readonly #watchers = new Map<RequestId, Namespace>();
  /** Joining FETCHes whose subscription has not come, with what stops their wait. */
  readonly #joins = new Map<
    RequestId,
    {
      readonly subscribe: RequestId;
      readonly serve: () => void;
      readonly forget: () => void;
    }
  >();
  readonly #clock: Clock;
  #nextAlias = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get publications(): Iterable<CorePublication> {
    return this.#publications.values();
  }

  find(key: string): CorePublication | undefined {
    return this.#publications.get(key);
  }

  /** A connection stands: announces everything on it. */
  attach(link: Link): void {
    this.#link = link;
    for (const announcement of this.#announcements.values()) this.#announce(announcement);
  }

  /** The connection is gone. */
  detach(): void {
    this.#link = undefined;
    this.#served.clear();
    this.#watchers.clear();
    for (const join of this.#joins.values()) join.forget();
    for (const announcement of this.#announcements.values()) announcement.requestId = undefined;
    for (const publication of this.#publications.values()) publication.disconnected();
  }

  /** Counts a track in its namespace; the promise is settled by the peer's answer. */
  announce(namespace: Namespace, label: string): Promise<void> {
    const key = formatNamespace(namespace);
    let announcement = this.#announcements.get(key);
    if (announcement === undefined) {
      const ready = deferred<void>();
      announcement = { namespace, label, ready, tracks: 0, requestId: undefined, accepted: false };
      this.#announcements.set(key, announcement);
      this.#announce(announcement);
    }
    announcement.tracks += 1;
    return announcement.ready.promise;
  }

  add(publication: CorePublication): void {
    this.#publications.set(publication.key, publication);
  }

  /** Forgets a track; the last one of a namespace takes its announcement back. */
  remove(publication: CorePublication): void {
    if (this.#publications.get(publication.key) !== publication) return;
    this.#publications.delete(publication.key);
    const key = formatNamespace(publication.track.wire.namespace);
    const announcement = this.#announcements.get(key);
    if (announcement === undefined) return;
    announcement.tracks -= 1;
    if (announcement.tracks > 0) return;
    this.#announcements.delete(key);
    this.#tellWatchers("namespace_done", announcement.namespace);
    if (announcement.requestId !== undefined) {
      this.#link?.cancel(announcement.requestId, StreamCode.Cancelled);
    }
    announcement.ready.reject(
      new MoqError(
        "cancelled",
        `The publication of ${publication.label} ended before the peer answered.`,
      ),
    );
  }

  /** Every announcement fails: the client is closed. */
  fail(error: MoqError): void {
    for (const announcement of this.#announcements.values()) announcement.ready.reject(error);
  }

  /** Answers a request of the peer. */
  request(link: Link, id: RequestId, request: RequestMessage): void {
    switch (request.type) {
      case "subscribe":
        this.#subscribe(link, id, request);
        return;
      case "fetch":
        this.#fetch(link, id, request);
        return;
      case "track_status":
        this.#status(link, id, request);
        return;
      case "subscribe_namespace":
        this.#watch(link, id, request);
        return;
      case "publish_namespace":
        this.#acceptNamespace(link, id, request);
        return;
      case "publish":
        link.session.reject(
          id,
          RequestErrorCode.Uninterested,
          "this client subscribes by itself to what it wants",
        );
        return;
      case "subscribe_tracks":
        link.session.reject(
          id,
          RequestErrorCode.NotSupported,
          "this client answers SUBSCRIBE and does not send PUBLISH",
        );
    }
  }

  #announce(announcement: Announcement): void {
    this.#tellWatchers("namespace", announcement.namespace);
    const link = this.#link;
    // The next connection announces everything.
    if (!link?.takesRequests) return;
    const what = `publish in ${announcement.label}`;
    try {
      announcement.requestId = link.request(
        { type: "publish_namespace", namespace: announcement.namespace, params: {} },
        {
          response: (response) => {
            if (response.type === "request_ok") {
              announcement.accepted = true;
              announcement.ready.resolve();
            } else if (response.type === "request_error") {
              this.#refused(announcement, what, response);
            }
          },
          closed: (end) => this.#announcementClosed(announcement, what, end),
        },
      );
    } catch (error) {
      announcement.ready.reject(callError(what, error));
    }
  }

  #announcementClosed(announcement: Announcement, what: string, end: RequestEnd): void {
    announcement.requestId = undefined;
    if (end.by === "local") return;
    const message = `The peer ended the request to ${what}. Try again.`;
    const peerCode = end.by === "peer" ? end.code : undefined;
    const error = new MoqError("closed", message, { peerCode });
    announcement.ready.reject(error);
    if (announcement.accepted && end.by !== "finished") this.#announceLater(announcement);
  }

  /**
   * Before it was ever accepted the application decides. Afterwards the tracks go on: a refusal that
   * passes is met with another try, and any other ends them.
   */
  #refused(announcement: Announcement, what: string, refusal: RequestError): void {
    const error = requestError(what, refusal);
    announcement.ready.reject(error);
    if (!announcement.accepted) return;
    if (passes(refusal)) this.#announceLater(announcement);
    else this.#endTracks(announcement, error);
  }

  #announceLater(announcement: Announcement): void {
    const link = this.#link;
    this.#clock.after(ANNOUNCE_AGAIN, () => {
      if (link === undefined || link !== this.#link || announcement.tracks === 0) return;
      link.batch(() => this.#announce(announcement));
    });
  }

  #endTracks({ namespace }: Announcement, error: MoqError): void {
    const key = formatNamespace(namespace);
    for (const publication of [...this.#publications.values()]) {
      if (formatNamespace(publication.track.wire.namespace) !== key) continue;
      publication.finish(error, PublishDoneCode.InternalError);
    }
  }

  #lookup(link: Link, id: RequestId, track: FullTrackName): CorePublication | undefined {
    const publication = this.#publications.get(formatTrack(track));
    if (publication === undefined) {
      link.session.reject(id, RequestErrorCode.DoesNotExist, "no such track here");
    }
    return publication;
  }

  #subscribe(link: Link, id: RequestId, request: Subscribe): void {
    const publication = this.#lookup(link, id, request.track);
    if (publication === undefined) return;
    for (const other of this.#served.values()) {
      if (other.publication !== publication) continue;
      link.session.reject(
        id,
        RequestErrorCode.DuplicateSubscription,
        "this connection holds a subscription to the track",
      );
      return;
    }
    const { source } = publication;
    const trackAlias = this.#nextAlias;
    this.#nextAlias += 1;
    const served = new Served(link, publication, request, trackAlias);
    link.session.respond(id, {
      type: "subscribe_ok",
      trackAlias,
      params: source.largest === undefined ? {} : { largestObject: source.largest },
      properties: source.properties,
    });
    this.#served.set(id, { served, publication });
    link.adopt(id, {
      update: (update) => served.update(update),
      closed: (end) => {
        // Whose connection is gone is dropped with all the others.
        if (isSessionEnd(end)) return;
        this.#served.delete(id);
        served.closed();
      },
    });
    publication.adopt(served);
    served.replay();
    const { newGroupRequest } = request.params;
    if (newGroupRequest !== undefined) served.wantGroup(newGroupRequest);
    for (const join of [...this.#joins.values()]) if (join.subscribe === id) join.serve();
  }

  /** Keeps a joining FETCH until its subscription comes; refuses it when that takes too long. */
  #awaitJoin(link: Link, id: RequestId, request: Fetch, subscribe: RequestId): void {
    if (this.#joins.size >= MAX_WAITING_JOINS) {
      this.#refuseJoin(link, id);
      return;
    }
    const stop = this.#clock.after(JOIN_WAIT, () => {
      if (this.#joins.delete(id) && !link.isClosed) link.batch(() => this.#refuseJoin(link, id));
    });
    const forget = (): void => {
      stop();
      this.#joins.delete(id);
    };
    link.adopt(id, { closed: forget });
    this.#joins.set(id, {
      subscribe,
      forget,
      serve: () => {
        forget();
        this.#fetch(link, id, request);
      },
    });
  }

  #refuseJoin(link: Link, id: RequestId): void {
    link.session.reject(
      id,
      RequestErrorCode.InvalidJoiningRequestId,
      "the subscription to join does not stand",
    );
  }

  #fetch(link: Link, id: RequestId, request: Fetch): void {
    const { range } = request;
    if (range.kind === "standalone") {
      const publication = this.#lookup(link, id, range.track);
      if (publication === undefined) return;
      const { source } = publication;
      serveFetch(link, request, { source, retained: source.retained }, range);
      return;
    }
    const joined = this.#served.get(Number(range.requestId));
    if (joined === undefined) {
      this.#awaitJoin(link, id, request, Number(range.requestId));
      return;
    }
    const { served, publication } = joined;
    const { joining } = served;
    if (joining === undefined || !served.forward) {
      link.session.reject(id, RequestErrorCode.InvalidRange, "nothing published yet");
      return;
    }
    const first =
      range.kind === "relative_joining"
        ? Math.max(0, joining.group - Number(range.groups))
        : Number(range.group);
    const { source } = publication;
    const retained = served.joinGroup ?? source.retained;
    if ((retained?.objects[0]?.object ?? 0) > 0) publication.keyframeWanted();
    const span = {
      start: { group: first, object: 0 },
      end: { group: joining.group, object: joining.object + 1 },
    };
    const over = (answer: ServedFetch): void => publication.answered(answer);
    const answer = serveFetch(link, request, { source, retained }, span, over);
    if (answer !== undefined) publication.answers(answer);
  }

  #status(link: Link, id: RequestId, request: TrackStatus): void {
    const publication = this.#lookup(link, id, request.track);
    if (publication === undefined) return;
    const { largest, properties } = publication.source;
    link.session.respond(id, {
      type: "request_ok",
      params: largest === undefined ? {} : { largestObject: largest },
      properties,
    });
  }

  /** Two clients on one connection, without a relay: each shows the other its namespaces. */
  #watch(link: Link, id: RequestId, request: SubscribeNamespace): void {
    for (const prefix of this.#watchers.values()) {
      if (
        namespaceStartsWith(prefix, request.namespace) ||
        namespaceStartsWith(request.namespace, prefix)
      ) {
        link.session.reject(id, RequestErrorCode.PrefixOverlap, "overlaps with another one");
        return;
      }
    }
    this.#watchers.set(id, request.namespace);
    link.adopt(id, this.#forgetWatcher(id));
    link.session.respond(id, { type: "request_ok", params: {}, properties: [] });
    for (const { namespace } of this.#announcements.values()) {
      if (!namespaceStartsWith(namespace, request.namespace)) continue;
      const suffix = namespace.slice(request.namespace.length);
      link.session.respond(id, { type: "namespace", suffix });
    }
  }

  #forgetWatcher(id: RequestId): RequestOwner {
    return {
      closed: () => {
        this.#watchers.delete(id);
      },
    };
  }

  #tellWatchers(type: "namespace" | "namespace_done", namespace: Namespace): void {
    for (const [id, prefix] of this.#watchers) {
      if (!namespaceStartsWith(namespace, prefix)) continue;
      const message: ResponseMessage = { type, suffix: namespace.slice(prefix.length) };
      this.#link?.session.respond(id, message);
    }
  }

  #acceptNamespace(link: Link, id: RequestId, _request: PublishNamespace): void {
    link.session.respond(id, { type: "request_ok", params: {}, properties: [] });
  }
}
