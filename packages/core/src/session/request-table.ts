import type { StreamId } from "../transport.js";
import { StreamCode } from "../wire/error.js";
import type { Message } from "../wire/message.js";
import type { VarInt } from "../wire/varint.js";
import type { Aliases } from "./aliases.js";
import type { Core } from "./core.js";
import { Outbox } from "./outbox.js";
import type { RequestState } from "./request-state.js";
import { type RequestEnd, type RequestId, SessionError } from "./types.js";

/** Requests go before all objects. */
const REQUEST_PRIORITY = 0x7ffffffe;

/** What the data side does for requests. */
export interface RequestHooks {
  /** A request is over; when `graceful`, what was sent for it may still be on its way. */
  requestOver(state: RequestState, graceful: boolean): void;
}

/** The live requests of both sides, their streams, and how they end. */
export class RequestTable {
  private readonly live = new Map<RequestId, RequestState>();
  private readonly byStream = new Map<StreamId, RequestState>();
  /** Streams of finished requests whose peer has not ended its half. */
  private readonly lingering = new Set<StreamId>();
  /** Our requests that wait for stream credit, oldest first. */
  private readonly waiting: RequestState[] = [];
  ownLive = 0;
  peerLive = 0;

  constructor(
    private readonly core: Core,
    private readonly aliases: Aliases,
    private readonly hooks: RequestHooks,
  ) {}

  get(id: RequestId): RequestState | undefined {
    return this.live.get(id);
  }

  isLive(state: RequestState): boolean {
    return this.live.get(state.id) === state;
  }

  /** Throws SessionError when the session is closed or `id` is not open. */
  require(id: RequestId): RequestState {
    this.core.assertOpen();
    const state = this.live.get(id);
    if (state === undefined) throw new SessionError("unknown_request", `no request ${id} is open`);
    return state;
  }

  all(): IterableIterator<RequestState> {
    return this.live.values();
  }

  count(): number {
    return this.live.size;
  }

  onStream(stream: StreamId): RequestState | undefined {
    return this.byStream.get(stream);
  }

  // ---- streams

  /** A request of ours: its stream is opened, or it waits for one. */
  addOwn(state: RequestState): void {
    this.ownLive++;
    this.live.set(state.id, state);
    if (this.waiting.length > 0 || !this.openStream(state)) this.waiting.push(state);
  }

  addPeer(state: RequestState, stream: StreamId): void {
    this.peerLive++;
    this.live.set(state.id, state);
    this.attach(state, stream);
  }

  streamsAvailable(): void {
    while (this.waiting.length > 0) {
      if (!this.openStream(this.waiting[0]!)) return;
      this.waiting.shift();
    }
  }

  private openStream(state: RequestState): boolean {
    const stream = this.core.transport.open("bi");
    if (stream === undefined) return false;
    this.attach(state, stream);
    for (const bytes of state.queued) state.outbox!.write(bytes);
    state.queued = [];
    if (state.queuedFinish) state.outbox!.finish();
    return true;
  }

  private attach(state: RequestState, stream: StreamId): void {
    this.core.transport.setPriority(stream, REQUEST_PRIORITY);
    state.stream = stream;
    state.outbox = new Outbox(this.core.transport, stream, this.core.outboxes);
    this.byStream.set(stream, state);
  }

  send(state: RequestState, message: Message): void {
    this.sendBytes(state, this.core.encode(message));
  }

  sendBytes(state: RequestState, bytes: Uint8Array): void {
    const { outbox } = state;
    if (outbox === undefined) {
      state.queued.push(bytes);
      return;
    }
    outbox.write(bytes);
    if (outbox.backlog > this.core.limits.maxRequestBacklog) this.overload(state);
  }

  /** Ends our half after what was sent. */
  finishHalf(state: RequestState): void {
    if (state.outbox === undefined) state.queuedFinish = true;
    else state.outbox.finish();
  }

  /** Whether `stream` belongs to a finished request; notes the end of the peer's half. */
  lingers(stream: StreamId, end: boolean): boolean {
    return end ? this.lingering.delete(stream) : this.lingering.has(stream);
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

  /** The publisher is done: late streams are waited for, `count` of them or for a while. */
  publishEnded(state: RequestState, count: VarInt): void {
    state.done = { count, deadline: this.core.now() + this.core.limits.doneTimeout };
    state.outbox?.finish();
  }

  /** After PUBLISH_DONE: over when all its streams were seen to end, or waited for long enough. */
  checkDone(state: RequestState): void {
    const { done } = state;
    if (done === undefined || state.streamsOpen > 0 || !this.isLive(state)) return;
    if (state.streamsSeen >= done.count || this.core.now() >= done.deadline) {
      this.finish(state, { by: "finished" });
    }
  }

  // ---- time

  nextTimeout(): number | undefined {
    let next: number | undefined;
    for (const state of this.live.values()) {
      const due = dueOf(state);
      if (due !== undefined && (next === undefined || due < next)) next = due;
    }
    return next;
  }

  onTimeout(now: number): void {
    for (const state of [...this.live.values()]) {
      const due = dueOf(state);
      if (due === undefined || due > now) continue;
      if (state.done !== undefined) this.checkDone(state);
      else this.abort(state, StreamCode.Cancelled, { by: "timed_out" });
    }
  }

  // ---- ends

  /**
   * Ends our half in order; the peer's half may still end by itself. `graceful`: data streams of
   * ours that were sent for the request go on to their ends.
   */
  finish(state: RequestState, end: RequestEnd, graceful = true): void {
    state.outbox?.finish();
    if (state.stream !== undefined && !state.receiveOver) this.lingering.add(state.stream);
    this.remove(state, end, graceful);
  }

  /** Resets and stops what is open. */
  abort(state: RequestState, code: number, end: RequestEnd): void {
    if (state.stream !== undefined) {
      state.outbox?.reset(code);
      if (!state.receiveOver) this.core.transport.stop(state.stream, code);
    }
    this.remove(state, end, false);
  }

  /** A limit is exceeded. */
  overload(state: RequestState): void {
    const code = StreamCode.ExcessiveLoad;
    this.abort(state, code, { by: "local", code });
  }

  private remove(state: RequestState, end: RequestEnd, graceful: boolean): void {
    if (!this.isLive(state)) return;
    this.live.delete(state.id);
    if (state.stream !== undefined) this.byStream.delete(state.stream);
    else this.waiting.splice(this.waiting.indexOf(state), 1);
    if (state.own) this.ownLive--;
    else this.peerLive--;
    this.hooks.requestOver(state, graceful);
    this.aliases.release(state);
    if (!state.silent && !this.core.closed) this.core.events.requestClosed(state.id, end);
  }

  /** The session ends: every request is reported closed. */
  closeAll(): void {
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

function dueOf(state: RequestState): number | undefined {
  if (state.done !== undefined) return state.streamsOpen > 0 ? undefined : state.done.deadline;
  return state.own && !state.answered ? state.answerDeadline : undefined;
}
