import type { StreamId } from "../transport.js";
import { RequestErrorCode, StreamCode, violation } from "../wire/error.js";
import {
  type Message,
  type PublishDone,
  type RequestMessage,
  type ResponseMessage,
  STREAM_COUNT_UNKNOWN,
} from "../wire/message.js";
import type { Parameters } from "../wire/params.js";
import type { VarInt } from "../wire/varint.js";
import type { Aliases } from "./aliases.js";
import type { Core } from "./core.js";
import { MessageBuffer } from "./framing.js";
import { PeerIds } from "./ids.js";
import { refusal } from "./refusal.js";
import { RequestReceiver } from "./request-receiver.js";
import { answers, isRequest, newRequestState, type RequestState } from "./request-state.js";
import type { RequestTable } from "./request-table.js";
import { TokenCache } from "./tokens.js";
import {
  type OutgoingRequest,
  type RequestId,
  SessionError,
  type UpdateResponse,
} from "./types.js";

/** A stream that the peer opened and on which no whole request has come. */
interface Opening {
  readonly buffer: MessageBuffer;
  fin: boolean;
  held: boolean;
}

/** All request streams of a session (draft-18 "Session initialization", "Request ID"). */
export class Requests {
  private readonly opening = new Map<StreamId, Opening>();
  private readonly peerIds: PeerIds;
  private readonly receiver: RequestReceiver;
  private nextId: RequestId;
  readonly tokens: TokenCache;
  /** The peer sent GOAWAY. */
  peerGoing = false;
  /** We sent GOAWAY. */
  going = false;

  constructor(
    private readonly core: Core,
    private readonly table: RequestTable,
    private readonly aliases: Aliases,
  ) {
    const { role, limits } = core;
    this.nextId = role === "client" ? 0 : 1;
    this.peerIds = new PeerIds(role === "client" ? "server" : "client", limits.requestIdWindow);
    this.tokens = new TokenCache(limits.maxAuthTokenCacheSize);
    this.receiver = new RequestReceiver(core, table, aliases, this.peerIds, this.tokens);
  }

  /** Whether we ever used `id` for a request. */
  wasOurs(id: VarInt): boolean {
    return typeof id === "number" && id % 2 === this.nextId % 2 && id < this.nextId;
  }

  smallestUnseen(): RequestId {
    return this.peerIds.smallestUnseen();
  }

  // ---- our requests

  request(request: OutgoingRequest): RequestId {
    const { core } = this;
    if (this.peerGoing) throw new SessionError("going_away", "the peer is going away");
    if (this.table.ownLive >= core.limits.maxOwnRequests) {
      throw new SessionError(
        "limit",
        `${this.table.ownLive} requests are open, which is the limit`,
      );
    }
    const id = this.nextId;
    const message = { ...request, requestId: id } as RequestMessage;
    const state = newRequestState(id, true, message, new MessageBuffer(core.profile));
    // A rendezvous may use up its time before there is an answer.
    const rendezvous = Number(message.params.rendezvousTimeout ?? 0);
    state.answerDeadline = core.now() + core.limits.responseTimeout + rendezvous;
    if (message.type === "publish") this.aliases.claimOwn(message.trackAlias, state);
    state.queued.push(core.encode(message));
    // A status request is one message; the others keep their half for updates.
    if (message.type === "track_status") state.queuedFinish = true;
    this.nextId += 2;
    this.table.addOwn(state);
    return id;
  }

  update(id: RequestId, params: Parameters): void {
    const state = this.table.require(id);
    const takes = (state.own || state.kind === "publish") && state.kind !== "track_status";
    if (!takes || state.done !== undefined) {
      throw new SessionError("unknown_request", `request ${id} takes no updates from this side`);
    }
    if (state.ownUpdates >= this.core.limits.maxUpdates) {
      throw new SessionError("limit", `${state.ownUpdates} updates of request ${id} are open`);
    }
    const bytes = this.core.encode({ type: "request_update", requestId: this.nextId, params });
    this.nextId += 2;
    state.ownUpdates++;
    this.table.sendBytes(state, bytes);
  }

  cancel(id: RequestId, code: number): void {
    const state = this.table.get(id);
    if (state !== undefined) this.table.abort(state, code, { by: "local", code });
  }

  finishRequest(id: RequestId): void {
    const state = this.table.require(id);
    this.table.finishHalf(state);
    if (state.receiveOver) this.peerFinished(state);
  }

  publishDone(id: RequestId, done: PublishDone): void {
    const state = this.table.require(id);
    const takes = state.own ? state.kind === "publish" : answers(state, done);
    if (!takes) throw new SessionError("unknown_request", `request ${id} takes no PUBLISH_DONE`);
    this.table.send(state, done);
    this.table.finish(state, { by: "finished" });
  }

  // ---- the peer's requests

  respond(id: RequestId, response: ResponseMessage): void {
    if (response.type === "publish_done") {
      this.publishDone(id, response);
      return;
    }
    const state = this.table.require(id);
    if (state.own || !answers(state, response)) {
      throw new SessionError("unknown_request", `${response.type} does not answer request ${id}`);
    }
    const bytes = this.core.encode(response);
    if (response.type === "subscribe_ok") this.aliases.claimOwn(response.trackAlias, state);
    const first = !state.answered;
    state.answered = true;
    this.table.sendBytes(state, bytes);
    const final = response.type === "request_error" || state.kind === "track_status";
    if (final || (state.kind === "fetch" && state.dataOver)) {
      this.table.finish(state, { by: "finished" });
    } else if (first) this.receiver.answered(state);
  }

  respondUpdate(id: RequestId, response: UpdateResponse): void {
    const state = this.table.require(id);
    if (state.peerUpdates === 0) {
      throw new SessionError("unknown_request", `no update of request ${id} waits for an answer`);
    }
    const bytes = this.core.encode(response);
    state.peerUpdates--;
    this.table.sendBytes(state, bytes);
  }

  /** A GOAWAY for one request. */
  sendRaw(id: RequestId, message: Message): void {
    this.table.send(this.table.require(id), message);
  }

  backlog(id: RequestId): number {
    return this.table.get(id)?.outbox?.backlog ?? 0;
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
    const state = this.table.onStream(stream);
    if (state !== undefined) {
      state.buffer.push(data);
      if (fin) state.receiveOver = true;
      this.pump(state);
      return;
    }
    if (this.table.lingers(stream, fin)) return;
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
    const refused = refusal(state, this.table.all(), this.going);
    // Tokens register even when the request fails for another reason.
    const tokens = this.tokens.resolve(message.params.tokens ?? []);
    this.table.addPeer(state, stream);
    if (this.table.peerLive > core.limits.maxRequests) {
      core.stats.refusedRequests++;
      this.refuse(state, RequestErrorCode.ExcessiveLoad, "too many requests are open", 1000);
    } else if (refused !== undefined) this.refuse(state, refused.code, refused.reason);
    else if ("refuse" in tokens) this.refuse(state, tokens.refuse, tokens.reason);
    else {
      if (message.type === "publish") this.aliases.register(message.trackAlias, state);
      core.events.request(id, message, tokens.tokens);
      if (message.type === "publish" && this.table.isLive(state))
        this.aliases.announce(message.trackAlias);
      this.pump(state);
    }
  }

  private refuse(state: RequestState, code: number, reason: string, retryAfter?: number): void {
    state.silent = true;
    this.respond(state.id, { type: "request_error", code, retryAfter, reason });
  }

  private pump(state: RequestState): void {
    while (!this.core.closed && this.table.isLive(state)) {
      const message = state.buffer.next();
      if (message === undefined) break;
      this.receiver.receive(state, message);
    }
    if (state.receiveOver && !this.core.closed && this.table.isLive(state)) {
      state.buffer.finish();
      this.peerFinished(state);
    }
  }

  private peerFinished(state: RequestState): void {
    if (state.done !== undefined) return; // waits for late streams
    const publisherEnds = state.own
      ? state.kind === "subscribe" && state.answered
      : state.kind === "publish";
    if (publisherEnds) {
      // No PUBLISH_DONE came; what is on its way is delivered all the same.
      this.table.publishEnded(state, STREAM_COUNT_UNKNOWN);
      return;
    }
    if (state.own) {
      // The data stream decides, or the peer has nothing more to say.
      const stays =
        (state.kind === "publish" || state.kind === "publish_namespace") && !state.outbox?.isOver;
      if (state.answered && (stays || (state.kind === "fetch" && !state.dataOver))) return;
      this.table.finish(state, { by: "finished" });
      return;
    }
    // The requester's FIN withdraws what lives as long as its stream; on a SUBSCRIBE, a FETCH or
    // a TRACK_STATUS it only says that no update follows.
    const { kind } = state;
    if (kind !== "subscribe" && kind !== "fetch" && kind !== "track_status") {
      this.table.finish(state, { by: "finished" });
    }
  }

  reset(stream: StreamId, code: number): void {
    if (this.table.lingers(stream, true)) return;
    if (this.opening.delete(stream)) {
      this.core.transport.reset(stream, StreamCode.Cancelled);
      return;
    }
    const state = this.table.onStream(stream);
    if (state === undefined) return;
    state.receiveOver = true;
    if (state.done === undefined)
      this.table.abort(state, StreamCode.Cancelled, { by: "peer", code });
  }

  /** Gives true when the stream is one of a request. */
  stopped(stream: StreamId, code: number): boolean {
    const state = this.table.onStream(stream);
    if (state === undefined) return this.opening.has(stream);
    if (state.own && state.kind !== "publish" && !state.receiveOver) {
      // A peer that drops its reading half says so; its answer may still be on its way.
      state.outbox?.reset(code);
    } else if (state.done === undefined) {
      this.table.abort(state, code, { by: "peer", code });
    }
    return true;
  }

  /** The session ends. */
  closeAll(): void {
    this.opening.clear();
    this.table.closeAll();
  }
}
