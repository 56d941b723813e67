import type { DatagramResult, Dir, StreamId, Transport, TransportStats } from "../transport.js";
import { draft18 } from "../wire/draft18.js";
import { SessionCode, violation } from "../wire/error.js";
import type { Message, ResponseMessage } from "../wire/message.js";
import type { FetchItem, ObjectDatagram, SubgroupHeader, SubgroupObject } from "../wire/object.js";
import type { Parameters } from "../wire/params.js";
import { checkPeerSetup } from "../wire/setup.js";
import type { VarInt } from "../wire/varint.js";
import { Aliases } from "./aliases.js";
import { Core } from "./core.js";
import { MessageBuffer } from "./framing.js";
import { IncomingData } from "./incoming.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { Outbox } from "./outbox.js";
import { OutgoingData } from "./outgoing.js";
import { RequestTable } from "./request-table.js";
import { Requests } from "./requests.js";
import {
  type OutgoingRequest,
  type PeerInfo,
  type RequestId,
  type SessionConfig,
  type SessionEnd,
  SessionError,
  type SessionEvents,
  type SessionStats,
  type UpdateResponse,
  type WriteResult,
} from "./types.js";

/** The control stream goes before everything. */
const CONTROL_PRIORITY = 0x7fffffff;

/**
 * One MOQT session over a transport: sans-I/O, driven by the transport's events and by
 * {@link Session.onTimeout}. It knows messages, requests, ids, aliases and the framing of objects;
 * it knows nothing of delivery classes. Callbacks of {@link SessionEvents} must not throw.
 */
export class Session {
  private readonly core: Core;
  private readonly table: RequestTable;
  private readonly requests: Requests;
  private readonly incoming: IncomingData;
  private readonly outgoing: OutgoingData;
  private readonly aliases: Aliases;
  private readonly controlIn: MessageBuffer;
  private controlOut: Outbox | undefined;
  private controlQueue: Uint8Array[] = [];
  private peerInfo: PeerInfo | undefined;
  private goawaySeen = false;
  private setupDeadline: number | undefined;
  private goawayDeadline: number | undefined;

  constructor(
    private readonly transport: Transport,
    private readonly config: SessionConfig,
    private readonly events: SessionEvents,
  ) {
    const profile = config.profile ?? draft18(config.utf8);
    const limits = { ...DEFAULT_LIMITS, ...config.limits };
    this.core = new Core(config.role, transport, profile, limits, events, config.now, (code, why) =>
      this.end({ kind: "error", code, reason: why }, true),
    );
    this.aliases = new Aliases(limits.maxRetiredAliases, (alias) =>
      this.incoming.aliasKnown(alias),
    );
    this.table = new RequestTable(this.core, this.aliases, {
      requestOver: (state, graceful) => {
        const { id, own, kind, alias } = state;
        // Incoming: our SUBSCRIBE and FETCH, the peer's PUBLISH. Outgoing: the mirror image.
        if (own !== (kind === "publish")) this.incoming.requestOver(id);
        else if (!graceful && kind === "fetch") this.outgoing.resetFetch(id);
        else if (!graceful && alias !== undefined && !this.aliases.usedByOther(alias, state)) {
          this.outgoing.resetSubscription(alias);
        }
      },
    });
    this.requests = new Requests(this.core, this.table, this.aliases);
    this.outgoing = new OutgoingData(this.core, (id) => this.table.fetchDataOver(id));
    this.controlIn = new MessageBuffer(profile);
    this.incoming = new IncomingData(this.core, this.requests, this.table, this.aliases, {
      control: (data) => this.receiveControl(data),
      isReady: () => this.peerInfo !== undefined,
    });
  }

  /** The peer's SETUP, once it arrived. */
  get peer(): PeerInfo | undefined {
    return this.peerInfo;
  }

  get isClosed(): boolean {
    return this.core.closed;
  }

  /**
   * Opens the control stream, sends SETUP and starts the transport's events. Call once; requests
   * may follow at once. Throws SessionError when the configured setup cannot be encoded.
   */
  start(): void {
    const { limits } = this.core;
    const options = {
      maxAuthTokenCacheSize: limits.maxAuthTokenCacheSize || undefined,
      ...this.config.setup,
    };
    this.setupDeadline = this.core.now() + limits.setupTimeout;
    this.sendControl({ type: "setup", options });
    this.openControl();
    this.transport.start({
      data: (id, dir, data, fin) => this.on(() => this.onData(id, dir, data, fin)),
      reset: (id, code) =>
        this.on(() => {
          this.requests.reset(id, code);
          this.incoming.reset(id, code);
        }),
      stopped: (id, code) => this.on(() => this.onStopped(id, code)),
      writable: (id) => this.on(() => this.onWritable(id)),
      acked: (id) =>
        this.on(() => {
          if (this.outgoing.has(id)) this.outgoing.acked(id);
        }),
      streamsAvailable: (dir) => this.on(() => this.onStreamsAvailable(dir)),
      datagramsAvailable: () => this.on(() => this.events.datagramsAvailable()),
      datagram: (data) => this.on(() => this.incoming.datagram(data)),
      closed: (reason) => this.end({ kind: "transport", reason }, false),
    });
  }

  // ---- time

  /** When {@link Session.onTimeout} is due, on the configured clock; `undefined`: nothing is. */
  nextTimeout(): number | undefined {
    if (this.core.closed) return undefined;
    return earliest(
      earliest(this.setupDeadline, this.goawayDeadline),
      earliest(this.incoming.nextTimeout(), this.table.nextTimeout()),
    );
  }

  onTimeout(now: number): void {
    if (this.core.closed) return;
    if (this.setupDeadline !== undefined && this.setupDeadline <= now) {
      this.core.fail(SessionCode.ControlMessageTimeout, "no SETUP came in time");
    } else if (this.goawayDeadline !== undefined && this.goawayDeadline <= now) {
      this.goawayDeadline = undefined;
      if (this.table.count() > 0) {
        this.core.fail(SessionCode.GoawayTimeout, "requests were open after GOAWAY");
      }
    }
    if (this.core.closed) return;
    this.on(() => {
      this.incoming.onTimeout(now);
      this.table.onTimeout(now);
    });
  }

  // ---- requests

  /**
   * Sends a request, or keeps it until the peer grants a stream; the id is valid at once. Throws
   * SessionError: closed, going_away, limit, invalid.
   */
  request(request: OutgoingRequest): RequestId {
    this.core.assertOpen();
    return this.requests.request(request);
  }

  /**
   * Sends REQUEST_UPDATE on a request of ours, or on the peer's PUBLISH. `updateResponse` follows.
   * Throws SessionError.
   */
  update(id: RequestId, params: Parameters): void {
    this.core.assertOpen();
    this.requests.update(id, params);
  }

  /**
   * Resets and stops what is open of the request's stream and of its data streams.
   * `requestClosed` comes before the call returns. Unknown ids are ignored.
   */
  cancel(id: RequestId, code: number): void {
    if (!this.core.closed) this.on(() => this.requests.cancel(id, code));
  }

  /** Ends our half of the request's stream after what was sent. Throws SessionError. */
  finishRequest(id: RequestId): void {
    this.requests.finishRequest(id);
  }

  /**
   * Answers a request of the peer. REQUEST_ERROR, PUBLISH_DONE and the answer to TRACK_STATUS are
   * final: our half ends and `requestClosed` comes before the call returns. Throws SessionError.
   */
  respond(id: RequestId, response: ResponseMessage): void {
    this.requests.respond(id, response);
  }

  /** Answers REQUEST_ERROR. `retryAfter`: milliseconds until trying again makes sense. */
  reject(id: RequestId, code: number, reason: string, retryAfter?: number): void {
    this.requests.respond(id, { type: "request_error", code, reason, retryAfter });
  }

  /** Answers the oldest unanswered REQUEST_UPDATE on a request. Throws SessionError. */
  respondUpdate(id: RequestId, response: UpdateResponse): void {
    this.requests.respondUpdate(id, response);
  }

  /**
   * Ends a subscription that we serve, after all its data streams were closed: PUBLISH_DONE, then
   * FIN. `streamCount`: data streams opened for it. Throws SessionError.
   */
  publishDone(id: RequestId, status: number, streamCount: VarInt, reason: string): void {
    this.requests.publishDone(id, { type: "publish_done", status, streamCount, reason });
  }

  /** Asks the peer to move one request elsewhere. Throws SessionError. */
  goawayRequest(id: RequestId, options: { uri?: string; timeout: number }): void {
    const { uri = "", timeout } = options;
    this.checkUri(uri);
    this.requests.sendRaw(id, { type: "goaway", uri, timeout });
  }

  /** Bytes of the request's stream that the peer has not taken. */
  requestBacklog(id: RequestId): number {
    return this.requests.backlog(id);
  }

  // ---- data

  /**
   * Opens a subgroup stream; `undefined`: no credit, and `streamsAvailable` follows. Streams of a
   * higher `priority` go first. The header goes out with the first object or the end.
   */
  openSubgroup(header: SubgroupHeader, priority: number): StreamId | undefined {
    return this.core.closed ? undefined : this.outgoing.openSubgroup(header, priority);
  }

  /**
   * Writes an object; its payload must not change afterwards. `"blocked"`: it is kept here until
   * the connection takes it, and `writable` follows. Throws RangeError unless ids ascend.
   */
  writeObject(stream: StreamId, object: SubgroupObject): WriteResult {
    return this.core.closed ? "closed" : this.outgoing.writeObject(stream, object);
  }

  /** Opens the data stream that answers the peer's FETCH `id`; `undefined`: no credit. */
  openFetch(id: RequestId, priority: number): StreamId | undefined {
    const message = this.table.get(id)?.message;
    if (this.core.closed || message?.type !== "fetch") return undefined;
    return this.outgoing.openFetch(id, message.params.groupOrder ?? "ascending", priority);
  }

  /** As {@link Session.writeObject}, for the stream of a FETCH. */
  writeFetchItem(stream: StreamId, item: FetchItem): WriteResult {
    return this.core.closed ? "closed" : this.outgoing.writeFetchItem(stream, item);
  }

  finishStream(stream: StreamId): void {
    if (!this.core.closed) this.outgoing.finish(stream);
  }

  /** Also for a finished stream that is not acknowledged. */
  resetStream(stream: StreamId, code: number): void {
    if (!this.core.closed) this.outgoing.reset(stream, code);
  }

  setStreamPriority(stream: StreamId, priority: number): void {
    this.outgoing.setPriority(stream, priority);
  }

  /** Whether bytes of this data stream of ours wait in the session. */
  isBlocked(stream: StreamId): boolean {
    return this.outgoing.isBlocked(stream);
  }

  sendDatagram(datagram: ObjectDatagram): DatagramResult {
    return this.core.closed ? "unsupported" : this.outgoing.sendDatagram(datagram);
  }

  /** Largest whole datagram in bytes that fits now; `undefined`: none can be sent. */
  maxDatagramSize(): number | undefined {
    return this.transport.maxDatagramSize();
  }

  /** Stops an incoming data stream: `streamEnded` comes before the call returns. */
  stopStream(stream: StreamId, code: number): void {
    this.on(() => this.incoming.stopStream(stream, code));
  }

  /**
   * Holds an incoming data stream back. When it is let go, objects that had arrived are delivered
   * before the call returns.
   */
  pauseStream(stream: StreamId, paused: boolean): void {
    this.on(() => this.incoming.pauseStream(stream, paused));
  }

  // ---- the session itself

  /**
   * Sends GOAWAY: requests that come afterwards are refused. After `timeout` milliseconds (0: no
   * limit) the session closes with GOAWAY_TIMEOUT if requests are still open. A client gives no URI.
   * Throws SessionError.
   */
  goaway(options: { uri?: string; timeout: number }): void {
    this.core.assertOpen();
    if (this.requests.going) throw new SessionError("invalid", "GOAWAY was sent before");
    const { uri = "", timeout } = options;
    this.checkUri(uri);
    const requestId = this.requests.smallestUnseen();
    this.sendControl({ type: "goaway", uri, timeout, requestId });
    this.requests.going = true;
    if (timeout > 0) this.goawayDeadline = this.core.now() + timeout;
  }

  /** Closes the session; `closed` comes before the call returns. Idempotent. */
  close(code: number, reason: string): void {
    this.end({ kind: "local", code, reason }, true);
  }

  stats(): SessionStats {
    return { ...this.core.stats };
  }

  transportStats(): TransportStats {
    return this.transport.stats();
  }

  // ---- transport events

  private on(work: () => void): void {
    if (!this.core.closed) this.core.guard(work);
  }

  private onData(id: StreamId, dir: Dir, data: Uint8Array, fin: boolean): void {
    if (dir === "uni") this.incoming.data(id, data, fin);
    else this.requests.data(id, data, fin, this.peerInfo !== undefined);
  }

  private onStopped(id: StreamId, code: number): void {
    if (this.controlOut?.stream === id) throw violation("the control stream was stopped");
    if (this.outgoing.has(id)) this.outgoing.stopped(id, code);
    else if (!this.requests.stopped(id, code)) this.core.outboxes.get(id)?.reset(code);
  }

  private onWritable(id: StreamId): void {
    const outbox = this.core.outboxes.get(id);
    if (outbox?.flush() && this.outgoing.has(id) && !outbox.isOver) this.events.writable(id);
  }

  private onStreamsAvailable(dir: Dir): void {
    if (dir === "uni") this.openControl();
    else this.table.streamsAvailable();
    this.events.streamsAvailable(dir);
  }

  // ---- control streams

  private openControl(): void {
    if (this.controlOut !== undefined) return;
    const stream = this.transport.open("uni");
    if (stream === undefined) return;
    this.transport.setPriority(stream, CONTROL_PRIORITY);
    this.controlOut = new Outbox(this.transport, stream, this.core.outboxes);
    for (const bytes of this.controlQueue) this.controlOut.write(bytes);
    this.controlQueue = [];
  }

  private sendControl(message: Message): void {
    const bytes = this.core.encode(message);
    if (this.controlOut === undefined) this.controlQueue.push(bytes);
    else this.controlOut.write(bytes);
  }

  private receiveControl(data: Uint8Array): void {
    this.controlIn.push(data);
    while (!this.core.closed) {
      const message = this.controlIn.next();
      if (message === undefined) return;
      if (this.peerInfo === undefined) this.receiveSetup(message);
      else this.receiveGoaway(message);
    }
  }

  private receiveSetup(message: Message): void {
    if (message.type !== "setup") throw violation(`a control stream begins with ${message.type}`);
    const { options } = message;
    checkPeerSetup(options, this.config.role === "server", this.config.nativeQuic ?? false);
    const tokens = this.requests.tokens.setup(options.tokens ?? []);
    this.peerInfo = { options, tokens };
    this.setupDeadline = undefined;
    this.events.ready(this.peerInfo);
    if (!this.core.closed) this.requests.setupDone();
    if (!this.core.closed) this.incoming.setupDone();
  }

  private receiveGoaway(message: Message): void {
    if (message.type !== "goaway") throw violation(`${message.type} on the control stream`);
    if (this.goawaySeen) throw violation("a second GOAWAY on the control stream");
    const server = this.config.role === "server";
    if (server && message.uri !== "") throw violation("a client sent a GOAWAY with a URI");
    const { requestId } = message;
    if (requestId === undefined) throw violation("a GOAWAY without a request id");
    if (BigInt(requestId) % 2n !== (server ? 1n : 0n)) {
      this.core.fail(SessionCode.InvalidRequestId, "the request id of a GOAWAY is not of ours");
      return;
    }
    this.goawaySeen = true;
    this.requests.peerGoing = true;
    this.events.goaway(message, undefined);
  }

  private checkUri(uri: string): void {
    if (uri !== "" && this.config.role === "client") {
      throw new SessionError("invalid", "a client gives no URI in GOAWAY");
    }
  }

  private end(end: SessionEnd, closeTransport: boolean): void {
    if (this.core.closed) return;
    this.core.closed = true;
    this.core.outboxes.clear();
    if (closeTransport && end.kind !== "transport") this.transport.close(end.code, end.reason);
    this.requests.closeAll();
    this.events.closed(end);
  }
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
