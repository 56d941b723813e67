import type { StreamId } from "../transport.js";
import { RequestErrorCode, StreamCode, violation } from "../wire/error.js";
import { compareLocations } from "../wire/location.js";
import type { Message, PublishDone, RequestMessage, ResponseMessage } from "../wire/message.js";
import { formatNamespace } from "../wire/name.js";
import type { Parameters } from "../wire/params.js";
import { mandatoryProperties, type Properties } from "../wire/properties.js";
import type { VarInt } from "../wire/varint.js";
import type { Aliases } from "./aliases.js";
import type { Core } from "./core.js";
import { MessageBuffer } from "./framing.js";
import { PeerIds } from "./ids.js";
import { Outbox } from "./outbox.js";
import { refusal } from "./refusal.js";
import {
  answers,
  checkRedirect,
  checkRequestOk,
  checkUpdate,
  isRequest,
  newRequestState,
  type RequestState,
} from "./request-state.js";
import { TokenCache } from "./tokens.js";
import {
  type OutgoingRequest,
  type RequestEnd,
  type RequestId,
  SessionError,
  type UpdateResponse,
} from "./types.js";

/** Requests go before all objects. */
const REQUEST_PRIORITY = 0x7ffffffe;

/** What the data side does for requests. */
export interface RequestHooks {
  /** A request with data streams is over: `graceful` ones may have late data on its way. */
  requestOver(state: RequestState, graceful: boolean): void;
}

/** A stream that the peer opened and on which no whole request has come. */
interface Opening {
  readonly buffer: MessageBuffer;
  fin: boolean;
  held: boolean;
}

/** All request streams of a session (draft-18 "Session initialization", "Request ID"). */
export class Requests {
  private readonly live = new Map<RequestId, RequestState>();
  private readonly byStream = new Map<StreamId, RequestState>();
  private readonly opening = new Map<StreamId, Opening>();
  /** Streams of finished requests whose peer has not ended its half. */
  private readonly lingering = new Set<StreamId>();
  private readonly waiting: RequestState[] = [];
  private readonly peerIds: PeerIds;
  private nextId: RequestId;
  private ownLive = 0;
  private peerLive = 0;
  readonly tokens: TokenCache;
  /** The peer sent GOAWAY. */
  peerGoing = false;
  /** We sent GOAWAY. */
  going = false;

  constructor(
    private readonly core: Core,
    private readonly aliases: Aliases,
    private readonly hooks: RequestHooks,
  ) {
    const { role, limits } = core;
    this.nextId = role === "client" ? 0 : 1;
    this.peerIds = new PeerIds(role === "client" ? "server" : "client", limits.requestIdWindow);
    this.tokens = new TokenCache(limits.maxAuthTokenCacheSize);
  }

  get(id: RequestId): RequestState | undefined {
    return this.live.get(id);
  }

  /** Whether we ever used `id` for a request. */
  wasOurs(id: VarInt): boolean {
    return typeof id === "number" && id % 2 === this.nextId % 2 && id < this.nextId;
  }

  count(): number {
    return this.live.size;
  }

  all(): IterableIterator<RequestState> {
    return this.live.values();
  }

  smallestUnseen(): RequestId {
    return this.peerIds.smallestUnseen();
  }

  // ---- our requests

  request(request: OutgoingRequest): RequestId {
    const { core } = this;
    if (this.peerGoing) throw new SessionError("going_away", "the peer is going away");
    if (this.ownLive >= core.limits.maxOwnRequests) {
      throw new SessionError("limit", `${this.ownLive} requests are open, which is the limit`);
    }
    const id = this.nextId;
    const message = { ...request, requestId: id } as RequestMessage;
    const state = newRequestState(id, true, message, new MessageBuffer(core.profile));
    if (message.type === "publish") this.aliases.claimOwn(message.trackAlias, state);
    state.queued.push(core.encode(message));
    // A status request is one message; the others keep their half for updates.
    if (message.type === "track_status") state.queuedFinish = true;
    this.nextId += 2;
    this.ownLive++;
    this.live.set(id, state);
    if (this.waiting.length > 0 || !this.openStream(state)) this.waiting.push(state);
    return id;
  }

  streamsAvailable(): void {
    while (this.waiting.length > 0) {
      const state = this.waiting[0]!;
      if (!this.openStream(state)) return;
      this.waiting.shift();
    }
  }

  private openStream(state: RequestState): boolean {
    const stream = this.core.transport.open("bi");
    if (stream === undefined) return false;
    this.core.transport.setPriority(stream, REQUEST_PRIORITY);
    this.attach(state, stream);
    for (const bytes of state.queued) state.outbox!.write(bytes);
    state.queued = [];
    if (state.queuedFinish) state.outbox!.finish();
    return true;
  }

  private attach(state: RequestState, stream: StreamId): void {
    state.stream = stream;
    state.outbox = new Outbox(this.core.transport, stream, this.core.outboxes);
    this.byStream.set(stream, state);
  }

  update(id: RequestId, params: Parameters): void {
    const state = this.require(id);
    if (!(state.own || state.kind === "publish") || state.kind === "track_status") {
      throw new SessionError("unknown_request", `request ${id} takes no updates from this side`);
    }
    if (state.ownUpdates >= this.core.limits.maxUpdates) {
      throw new SessionError("limit", `${state.ownUpdates} updates of request ${id} are open`);
    }
    const bytes = this.core.encode({ type: "request_update", requestId: this.nextId, params });
    this.nextId += 2;
    state.ownUpdates++;
    this.send(state, bytes);
  }

  cancel(id: RequestId, code: number): void {
    const state = this.live.get(id);
    if (state !== undefined) this.abort(state, code, { by: "local", code });
  }

  finishRequest(id: RequestId): void {
    const state = this.require(id);
    if (state.stream === undefined) state.queuedFinish = true;
    else state.outbox!.finish();
  }

  publishDone(id: RequestId, done: PublishDone): void {
    const state = this.require(id);
    const takes = state.own ? state.kind === "publish" : answers(state, done);
    if (!takes) throw new SessionError("unknown_request", `request ${id} takes no PUBLISH_DONE`);
    this.send(state, this.core.encode(done));
    this.finish(state, { by: "finished" });
  }

  // ---- the peer's requests

  respond(id: RequestId, response: ResponseMessage): void {
    if (response.type === "publish_done") {
      this.publishDone(id, response);
      return;
    }
    const state = this.require(id);
    if (state.own || !answers(state, response)) {
      throw new SessionError("unknown_request", `${response.type} does not answer request ${id}`);
    }
    const bytes = this.core.encode(response);
    if (response.type === "subscribe_ok") this.aliases.claimOwn(response.trackAlias, state);
    state.answered = true;
    this.send(state, bytes);
    const final = response.type === "request_error" || state.kind === "track_status";
    if (final || (state.kind === "fetch" && state.dataOver)) this.finish(state, { by: "finished" });
  }

  respondUpdate(id: RequestId, response: UpdateResponse): void {
    const state = this.require(id);
    if (state.peerUpdates === 0) {
      throw new SessionError("unknown_request", `no update of request ${id} waits for an answer`);
    }
    const bytes = this.core.encode(response);
    state.peerUpdates--;
    this.send(state, bytes);
  }

  /** A GOAWAY for one request. */
  sendRaw(id: RequestId, message: Message): void {
    this.send(this.require(id), this.core.encode(message));
  }

  backlog(id: RequestId): number {
    return this.live.get(id)?.outbox?.backlog ?? 0;
  }

  private require(id: RequestId): RequestState {
    this.core.assertOpen();
    const state = this.live.get(id);
    if (state === undefined) throw new SessionError("unknown_request", `no request ${id} is open`);
    return state;
  }

  private send(state: RequestState, bytes: Uint8Array): void {
    const { outbox } = state;
    if (outbox === undefined) {
      state.queued.push(bytes);
      return;
    }
    outbox.write(bytes);
    if (outbox.backlog > this.core.limits.maxRequestBacklog) {
      const code = StreamCode.ExcessiveLoad;
      this.abort(state, code, { by: "local", code });
    }
  }

  // ---- transport events

  /** The peer's SETUP came: what waited for it goes on. */
  setupDone(): void {
    for (const [stream, opening] of [...this.opening]) {
      if (!opening.held) continue;
      opening.held = false;
      this.core.transport.pause(stream, false);
      this.pumpOpening(stream, opening);
      if (this.core.closed) return;
    }
  }

  data(stream: StreamId, data: Uint8Array, fin: boolean, ready: boolean): void {
    const state = this.byStream.get(stream);
    if (state !== undefined) {
      state.buffer.push(data);
      if (fin) state.receiveOver = true;
      this.pump(state);
      return;
    }
    if (this.lingering.has(stream)) {
      if (fin) this.lingering.delete(stream);
      return;
    }
    let opening = this.opening.get(stream);
    if (opening === undefined) {
      opening = { buffer: new MessageBuffer(this.core.profile), fin: false, held: !ready };
      if (this.opening.size >= this.core.limits.maxRequests) {
        this.core.stats.refusedRequests++;
        this.drop(stream, StreamCode.ExcessiveLoad, fin);
        return;
      }
      this.opening.set(stream, opening);
      if (!ready) this.core.transport.pause(stream, true);
    }
    opening.buffer.push(data);
    if (fin) opening.fin = true;
    if (!opening.held) this.pumpOpening(stream, opening);
  }

  private drop(stream: StreamId, code: number, fin: boolean): void {
    this.core.transport.reset(stream, code);
    if (!fin) this.core.transport.stop(stream, code);
  }

  private pumpOpening(stream: StreamId, opening: Opening): void {
    const message = opening.buffer.next();
    if (message === undefined) {
      if (!opening.fin) return;
      opening.buffer.finish();
      this.opening.delete(stream);
      this.core.transport.reset(stream, StreamCode.Cancelled);
      return;
    }
    this.opening.delete(stream);
    if (!isRequest(message)) throw violation(`a request stream begins with ${message.type}`);
    this.accept(stream, message, opening);
  }

  private accept(stream: StreamId, message: RequestMessage, opening: Opening): void {
    const { core } = this;
    const id = this.peerIds.use(message.requestId);
    const state = newRequestState(id, false, message, opening.buffer);
    state.receiveOver = opening.fin;
    const refused = refusal(state, this.live.values(), this.going);
    // Tokens register even when the request fails for another reason.
    const tokens = this.tokens.resolve(message.params.tokens ?? []);
    core.transport.setPriority(stream, REQUEST_PRIORITY);
    this.attach(state, stream);
    this.live.set(id, state);
    this.peerLive++;
    if (this.peerLive > core.limits.maxRequests) {
      core.stats.refusedRequests++;
      this.refuse(state, RequestErrorCode.ExcessiveLoad, "too many requests are open", 1000);
    } else if (refused !== undefined) this.refuse(state, refused.code, refused.reason);
    else if ("refuse" in tokens) this.refuse(state, tokens.refuse, tokens.reason);
    else {
      if (message.type === "publish") this.aliases.register(message.trackAlias, state);
      core.events.request(id, message, tokens.tokens);
      if (message.type === "publish" && this.live.has(id))
        this.aliases.announce(message.trackAlias);
      this.pump(state);
    }
  }

  private refuse(state: RequestState, code: number, reason: string, retryAfter?: number): void {
    state.silent = true;
    this.respond(state.id, { type: "request_error", code, retryAfter, reason });
  }

  private pump(state: RequestState): void {
    while (!this.core.closed && this.live.get(state.id) === state) {
      const message = state.buffer.next();
      if (message === undefined) break;
      this.receive(state, message);
    }
    if (state.receiveOver && !this.core.closed && this.live.get(state.id) === state) {
      state.buffer.finish();
      this.peerFinished(state);
    }
  }

  private peerFinished(state: RequestState): void {
    if (state.done !== undefined) return; // waits for late streams
    if (state.own) {
      if (state.kind === "fetch" && state.answered && !state.dataOver) return;
      this.finish(state, { by: "finished" });
      return;
    }
    // The requester's FIN withdraws what lives as long as its stream; on a SUBSCRIBE, a FETCH or
    // a TRACK_STATUS it only says that no update follows.
    const { kind } = state;
    if (kind !== "subscribe" && kind !== "fetch" && kind !== "track_status") {
      this.finish(state, { by: "finished" });
    }
  }

  reset(stream: StreamId, code: number): void {
    this.lingering.delete(stream);
    if (this.opening.delete(stream)) {
      this.core.transport.reset(stream, StreamCode.Cancelled);
      return;
    }
    const state = this.byStream.get(stream);
    if (state === undefined) return;
    state.receiveOver = true;
    if (state.done === undefined) this.abort(state, StreamCode.Cancelled, { by: "peer", code });
  }

  /** Gives true when the stream is one of a request. */
  stopped(stream: StreamId, code: number): boolean {
    const state = this.byStream.get(stream);
    if (state === undefined) return this.opening.has(stream) || this.lingering.has(stream);
    if (state.own && state.kind !== "publish" && !state.receiveOver) {
      // A peer that drops its reading half says so; its answer may still be on its way.
      state.outbox?.reset(code);
    } else if (state.done === undefined) {
      this.abort(state, code, { by: "peer", code });
    }
    return true;
  }

  // ---- messages

  private receive(state: RequestState, message: Message): void {
    if (message.type === "goaway") {
      if (state.goawaySeen) throw violation("a second GOAWAY on a request stream");
      if (message.requestId !== undefined) {
        throw violation("a GOAWAY on a request stream has a request id");
      }
      if (this.core.role === "server" && message.uri !== "") {
        throw violation("a client sent a GOAWAY with a URI");
      }
      state.goawaySeen = true;
      this.core.events.goaway(message, state.id);
    } else if (state.done !== undefined) throw violation(`${message.type} after PUBLISH_DONE`);
    else if (message.type === "request_update") this.receiveUpdate(state, message);
    else if (state.own && !state.answered) this.receiveFirst(state, message);
    else this.receiveLater(state, message);
  }

  private receiveUpdate(state: RequestState, message: Message & { type: "request_update" }): void {
    const takes = state.own ? state.kind === "publish" : state.kind !== "track_status";
    if (!takes) throw violation(`a REQUEST_UPDATE on a request stream of ${state.kind}`);
    checkUpdate(state.kind, message.params);
    this.peerIds.use(message.requestId);
    const tokens = this.tokens.resolve(message.params.tokens ?? []);
    if (state.peerUpdates >= this.core.limits.maxUpdates) {
      const code = StreamCode.ExcessiveLoad;
      this.core.stats.refusedRequests++;
      this.abort(state, code, { by: "local", code });
      return;
    }
    state.peerUpdates++;
    if ("refuse" in tokens) {
      const { refuse: code, reason } = tokens;
      this.respondUpdate(state.id, { type: "request_error", code, reason });
    } else this.core.events.update(state.id, message, tokens.tokens);
  }

  private receiveFirst(state: RequestState, message: Message): void {
    const { events } = this.core;
    if (!isResponse(message) || !answers(state, message)) {
      throw violation(`${message.type} does not answer ${state.kind}`);
    }
    state.answered = true;
    switch (message.type) {
      case "request_error":
        checkRedirect(this.core.role, state.kind, message);
        events.response(state.id, message);
        this.finish(state, { by: "finished" });
        return;
      case "request_ok":
        checkRequestOk(state.kind, message);
        events.response(state.id, message);
        if (state.kind === "track_status") this.finish(state, { by: "finished" });
        return;
      case "subscribe_ok":
        if (this.refuseMandatory(state, message.properties)) return;
        this.aliases.register(message.trackAlias, state);
        events.response(state.id, message);
        if (this.live.has(state.id)) this.aliases.announce(message.trackAlias);
        return;
      case "fetch_ok": {
        const { range } = state.message as RequestMessage & { type: "fetch" };
        if (range.kind === "standalone" && endsBefore(message.end, range.start)) {
          throw violation("FETCH_OK ends before the FETCH starts");
        }
        if (this.refuseMandatory(state, message.properties)) return;
        events.response(state.id, message);
        if (state.dataOver) this.finish(state, { by: "finished" });
        return;
      }
      default:
        throw violation(`${message.type} does not answer ${state.kind}`);
    }
  }

  private receiveLater(state: RequestState, message: Message): void {
    const { events, limits } = this.core;
    if (message.type === "request_ok" || message.type === "request_error") {
      if (state.ownUpdates === 0) throw violation(`an answer to ${state.kind} too many`);
      if (message.type === "request_ok") checkRequestOk("update", message);
      state.ownUpdates--;
      events.updateResponse(state.id, message);
      return;
    }
    const publisher = !state.own && state.kind === "publish";
    if (message.type === "publish_done" && (publisher || (state.own && answers(state, message)))) {
      this.publishEnded(state, message);
      return;
    }
    if (!state.own || !isResponse(message) || !answers(state, message)) {
      throw violation(`${message.type} on a request stream of ${state.kind}`);
    }
    if (message.type === "namespace" || message.type === "namespace_done") {
      const key = formatNamespace(message.suffix);
      if (message.type === "namespace") state.namespaces.add(key);
      else if (!state.namespaces.delete(key)) throw violation("NAMESPACE_DONE before NAMESPACE");
      if (state.namespaces.size > limits.maxNamespaces) {
        const code = StreamCode.ExcessiveLoad;
        this.abort(state, code, { by: "local", code });
        return;
      }
    }
    events.response(state.id, message);
  }

  private publishEnded(state: RequestState, message: PublishDone): void {
    const deadline = this.core.now() + this.core.limits.doneTimeout;
    state.done = { count: message.streamCount, deadline };
    state.outbox?.finish();
    this.core.events.response(state.id, message);
    this.checkDone(state);
  }

  /** Draft-18 "Mandatory Track Properties": a track that needs what we do not know is refused. */
  private refuseMandatory(state: RequestState, properties: Properties): boolean {
    const unknown = mandatoryProperties(properties);
    if (unknown.length === 0) return false;
    const code = RequestErrorCode.UnsupportedExtension;
    const reason = `the track needs property ${unknown[0]}, which is not supported`;
    this.core.events.response(state.id, { type: "request_error", code, reason });
    this.cancel(state.id, StreamCode.Cancelled);
    return true;
  }

  // ---- data streams of a subscription or a fetch

  streamOpened(id: RequestId): void {
    const state = this.live.get(id);
    if (state === undefined) return;
    state.streamsSeen++;
    state.streamsOpen++;
  }

  streamClosed(id: RequestId): void {
    const state = this.live.get(id);
    if (state === undefined) return;
    state.streamsOpen--;
    this.checkDone(state);
  }

  /** The data stream of a FETCH ended, in either direction. */
  fetchDataOver(id: RequestId): void {
    const state = this.live.get(id);
    if (state === undefined) return;
    state.dataOver = true;
    if (state.answered) this.finish(state, { by: "finished" });
  }

  private checkDone(state: RequestState): void {
    const { done } = state;
    if (done === undefined || state.streamsOpen > 0 || this.live.get(state.id) !== state) return;
    if (state.streamsSeen >= done.count || this.core.now() >= done.deadline) {
      this.finish(state, { by: "finished" });
    }
  }

  nextTimeout(): number | undefined {
    let next: number | undefined;
    for (const { done, streamsOpen } of this.live.values()) {
      if (done === undefined || streamsOpen > 0) continue;
      if (next === undefined || done.deadline < next) next = done.deadline;
    }
    return next;
  }

  onTimeout(): void {
    for (const state of [...this.live.values()]) this.checkDone(state);
  }

  // ---- ends

  /** Ends our half in order; the peer's half may still end by itself. */
  private finish(state: RequestState, end: RequestEnd): void {
    state.outbox?.finish();
    if (state.stream !== undefined && !state.receiveOver) this.lingering.add(state.stream);
    this.remove(state, end, true);
  }

  private abort(state: RequestState, code: number, end: RequestEnd): void {
    if (state.stream !== undefined) {
      state.outbox?.reset(code);
      if (!state.receiveOver) this.core.transport.stop(state.stream, code);
    }
    this.remove(state, end, false);
  }

  private remove(state: RequestState, end: RequestEnd, graceful: boolean): void {
    if (this.live.get(state.id) !== state) return;
    this.live.delete(state.id);
    if (state.stream !== undefined) this.byStream.delete(state.stream);
    else this.waiting.splice(this.waiting.indexOf(state), 1);
    if (state.own) this.ownLive--;
    else this.peerLive--;
    this.hooks.requestOver(state, graceful);
    this.aliases.release(state);
    if (!state.silent) this.core.events.requestClosed(state.id, end);
  }

  /** The session ends: every request is reported closed. */
  closeAll(): void {
    this.opening.clear();
    this.lingering.clear();
    this.waiting.length = 0;
    const states = [...this.live.values()];
    this.live.clear();
    this.byStream.clear();
    for (const state of states) {
      if (state.silent) continue;
      this.core.events.requestClosed(state.id, { by: "local", code: StreamCode.SessionClosed });
    }
  }
}

function isResponse(message: Message): message is ResponseMessage {
  switch (message.type) {
    case "subscribe_ok":
    case "request_ok":
    case "request_error":
    case "fetch_ok":
    case "publish_done":
    case "namespace":
    case "namespace_done":
    case "publish_blocked":
      return true;
    default:
      return false;
  }
}

/** Whether a FETCH_OK end, exclusive and with object 0 for a whole group, lies before `start`. */
function endsBefore(
  end: { group: VarInt; object: VarInt },
  start: { group: VarInt; object: VarInt },
): boolean {
  return end.object === 0 ? end.group < start.group : compareLocations(end, start) < 0;
}
