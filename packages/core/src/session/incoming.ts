import type { StreamId } from "../transport.js";
import { EMPTY, Reader, Truncated } from "../wire/cursor.js";
import { StreamCode, violation } from "../wire/error.js";
import type { FetchItem, ObjectDatagram, SubgroupHeader, SubgroupObject } from "../wire/object.js";
import type { ItemDecoder, StreamHeader, StreamKind } from "../wire/profile.js";
import type { VarInt } from "../wire/varint.js";
import type { Aliases } from "./aliases.js";
import type { Core } from "./core.js";
import type { RequestState } from "./request-state.js";
import type { RequestTable } from "./request-table.js";
import type { Requests } from "./requests.js";
import type { RequestId, StreamEnd } from "./types.js";

/** Most bytes of a stream type and header: four integers and a priority, at nine bytes each. */
const MAX_HEADER_BYTES = 64;

/** Why a session ended whose peer dropped its control stream (draft-18 "Session initialization"). */
export const CONTROL_CLOSED = "the control stream was closed";
export const CONTROL_RESET = "the control stream was reset";

/** A unidirectional stream of the peer. */
interface Incoming {
  readonly stream: StreamId;
  kind: StreamKind | undefined;
  /** Bytes before `decoder` exists. */
  head: Uint8Array;
  header: SubgroupHeader | undefined;
  fetchId: VarInt | undefined;
  objects: ItemDecoder<SubgroupObject> | undefined;
  items: ItemDecoder<FetchItem> | undefined;
  /** Set when the owner was told of the stream. */
  request: RequestId | undefined;
  /** Held for SETUP, or until this time for its track alias. */
  held: "setup" | number | undefined;
  paused: boolean;
  fin: boolean;
  over: boolean;
  /** What of the receive buffer is counted for it. */
  counted: number;
}

/** What the session does for its control stream. */
export interface ControlHooks {
  control(data: Uint8Array): void;
  isReady(): boolean;
}

/** The peer's unidirectional streams and its datagrams (draft-18 "Data Streams and Datagrams"). */
export class IncomingData {
  private readonly streams = new Map<StreamId, Incoming>();
  private control: StreamId | undefined;
  private early = 0;
  private buffered = 0;
  private readonly earlyDatagrams: { datagram: ObjectDatagram; until: number }[] = [];

  constructor(
    private readonly core: Core,
    private readonly requests: Requests,
    private readonly table: RequestTable,
    private readonly aliases: Aliases,
    private readonly hooks: ControlHooks,
  ) {}

  data(stream: StreamId, data: Uint8Array, fin: boolean): void {
    if (stream === this.control) {
      this.hooks.control(data);
      if (fin) throw violation(CONTROL_CLOSED);
      return;
    }
    let incoming = this.streams.get(stream);
    if (incoming === undefined) {
      if (this.streams.size >= this.core.limits.maxStreams) {
        this.core.stats.refusedStreams++;
        if (!fin) this.core.transport.stop(stream, StreamCode.ExcessiveLoad);
        return;
      }
      incoming = newIncoming(stream);
      this.streams.set(stream, incoming);
    }
    if (fin) incoming.fin = true;
    this.take(incoming, data);
  }

  private take(incoming: Incoming, data: Uint8Array): void {
    if (incoming.kind === "padding") this.core.stats.paddingBytes += data.length;
    else if (incoming.objects !== undefined) incoming.objects.push(data);
    else if (incoming.items !== undefined) incoming.items.push(data);
    else incoming.head = join(incoming.head, data);
    if (incoming.held === undefined) this.advance(incoming);
    this.account(incoming);
  }

  /** Goes as far with a stream as its bytes allow. */
  private advance(incoming: Incoming): void {
    if (incoming.kind === undefined && !this.identify(incoming)) {
      if (incoming.fin) {
        if (incoming.head.length > 0) throw violation("a stream ends within its header");
        this.forget(incoming);
      }
      return;
    }
    if (incoming.kind === "padding") {
      if (incoming.fin) this.forget(incoming);
    } else if (incoming.kind !== "control") {
      if (incoming.request === undefined) this.resolve(incoming);
      else this.drain(incoming);
    }
  }

  /** Reads type and header; false while bytes are missing. */
  private identify(incoming: Incoming): boolean {
    const reader = new Reader(incoming.head);
    let start: StreamHeader;
    try {
      start = this.core.profile.decodeStreamHeader(reader);
    } catch (error) {
      if (error instanceof Truncated && incoming.head.length < MAX_HEADER_BYTES) return false;
      throw error;
    }
    const { kind } = start;
    incoming.kind = kind;
    if (start.kind === "subgroup") incoming.header = start.header;
    if (start.kind === "fetch") incoming.fetchId = start.requestId;
    if (kind === "control") {
      if (this.control !== undefined) throw violation("a second control stream");
      this.control = incoming.stream;
      this.streams.delete(incoming.stream);
      // The stream type is the type of SETUP, its first message.
      this.hooks.control(incoming.head);
      if (incoming.fin) throw violation(CONTROL_CLOSED);
      return true;
    }
    incoming.head = incoming.head.subarray(reader.position());
    if (kind === "padding") {
      this.core.stats.paddingBytes += incoming.head.length;
      incoming.head = EMPTY;
    } else if (incoming.header !== undefined) {
      incoming.objects = this.core.profile.subgroupDecoder(incoming.header, this.core.limits);
      incoming.objects.push(incoming.head);
      incoming.head = EMPTY;
    }
    return true;
  }

  /** Finds the request that a data stream belongs to. */
  private resolve(incoming: Incoming): void {
    if (!this.hooks.isReady()) {
      this.hold(incoming, "setup");
      return;
    }
    if (incoming.header !== undefined) {
      const { trackAlias } = incoming.header;
      const state = this.aliases.lookup(trackAlias);
      if (state !== undefined) this.open(incoming, state);
      else if (this.aliases.isRetired(trackAlias)) this.discard(incoming, "lateStreams");
      else if (this.early >= this.core.limits.maxEarlyStreams) {
        this.discard(incoming, "unknownAliasStreams");
      } else this.hold(incoming, this.core.now() + this.core.limits.earlyDataTimeout);
      return;
    }
    const id = incoming.fetchId as VarInt;
    const state = typeof id === "number" ? this.table.get(id) : undefined;
    if (state?.own && state.message.type === "fetch") {
      const order = state.message.params.groupOrder ?? "ascending";
      incoming.items = this.core.profile.fetchDecoder(order, this.core.limits);
      incoming.items.push(incoming.head);
      incoming.head = EMPTY;
      this.open(incoming, state);
    } else {
      this.discard(incoming, this.requests.wasOurs(id) ? "lateStreams" : "unknownAliasStreams");
    }
  }

  private hold(incoming: Incoming, until: "setup" | number): void {
    incoming.held = until;
    if (until !== "setup") this.early++;
    this.core.transport.pause(incoming.stream, true);
  }

  private release(incoming: Incoming): void {
    if (incoming.held === undefined) return;
    if (incoming.held !== "setup") this.early--;
    incoming.held = undefined;
    if (!incoming.paused) this.core.transport.pause(incoming.stream, false);
  }

  private open(incoming: Incoming, state: RequestState): void {
    incoming.request = state.id;
    if (incoming.header !== undefined) {
      this.table.streamOpened(state.id);
      this.core.events.subgroupOpened(incoming.stream, state.id, incoming.header);
    } else this.core.events.fetchOpened(incoming.stream, state.id);
    if (!incoming.over) this.drain(incoming);
  }

  private drain(incoming: Incoming): void {
    const { core } = this;
    const { objects, items, stream } = incoming;
    while (!incoming.over && !incoming.paused && !core.closed) {
      if (objects !== undefined) {
        const object = objects.next();
        if (object === undefined) break;
        core.stats.objectsReceived++;
        core.events.object(stream, object);
      } else {
        const item = items?.next();
        if (item === undefined) break;
        if (item.kind === "object") core.stats.objectsReceived++;
        core.events.fetchItem(stream, item);
      }
    }
    if (incoming.over || core.closed || incoming.paused) return;
    const decoder = objects ?? items;
    if (decoder?.oversize() !== undefined) {
      core.stats.tooLargeStreams++;
      this.cut(incoming, "too_large", StreamCode.ExcessiveLoad);
    } else if (incoming.fin) {
      decoder?.finish();
      this.end(incoming, { kind: "fin" });
    }
  }

  /** Keeps the sum of what is held for incomplete objects within its bound. */
  private account(incoming: Incoming): void {
    const now = incoming.over
      ? 0
      : ((incoming.objects ?? incoming.items)?.buffered() ?? incoming.head.length);
    this.buffered += now - incoming.counted;
    incoming.counted = now;
    if (this.buffered > this.core.limits.maxReceiveBuffer && !incoming.over) {
      this.core.stats.bufferFullStreams++;
      this.cut(incoming, "buffer_full", StreamCode.ExcessiveLoad);
    }
  }

  reset(stream: StreamId, code: number): void {
    if (stream === this.control) throw violation(CONTROL_RESET);
    const incoming = this.streams.get(stream);
    if (incoming === undefined) return;
    this.end(incoming, { kind: "reset", code });
  }

  stopStream(stream: StreamId, code: number): void {
    const incoming = this.streams.get(stream);
    if (incoming !== undefined) this.cut(incoming, "caller", code);
  }

  pauseStream(stream: StreamId, paused: boolean): void {
    const incoming = this.streams.get(stream);
    if (incoming === undefined || incoming.paused === paused) return;
    incoming.paused = paused;
    if (incoming.held === undefined) this.core.transport.pause(stream, paused);
    if (!paused && incoming.request !== undefined) {
      this.drain(incoming);
      this.account(incoming);
    }
  }

  /** The peer's SETUP came. */
  setupDone(): void {
    for (const incoming of [...this.streams.values()]) {
      if (incoming.held === "setup") this.resume(incoming);
      if (this.core.closed) return;
    }
  }

  /** The peer named an alias: what was held for it goes on, in order of arrival. */
  aliasKnown(alias: VarInt): void {
    for (const incoming of [...this.streams.values()]) {
      if (typeof incoming.held === "number" && incoming.header?.trackAlias === alias) {
        this.resume(incoming);
      }
      if (this.core.closed) return;
    }
    for (let i = 0; i < this.earlyDatagrams.length; ) {
      const { datagram } = this.earlyDatagrams[i]!;
      if (datagram.trackAlias === alias) {
        this.earlyDatagrams.splice(i, 1);
        this.deliver(datagram);
        if (this.core.closed) return;
      } else i++;
    }
  }

  private resume(incoming: Incoming): void {
    if (incoming.over) return;
    this.release(incoming);
    this.advance(incoming);
    this.account(incoming);
  }

  datagram(bytes: Uint8Array): void {
    const datagram = this.core.profile.decodeDatagram(bytes);
    if (datagram === undefined) {
      this.core.stats.paddingBytes += bytes.length;
      return;
    }
    if (datagram.payload.length > this.core.limits.maxObjectSize) return;
    this.deliver(datagram);
  }

  private deliver(datagram: ObjectDatagram): void {
    const { core } = this;
    const state = this.aliases.lookup(datagram.trackAlias);
    if (state !== undefined) {
      core.stats.datagramsReceived++;
      core.events.datagram(state.id, datagram);
    } else if (this.aliases.isRetired(datagram.trackAlias)) core.stats.lateDatagrams++;
    else {
      const until = core.now() + core.limits.earlyDataTimeout;
      this.earlyDatagrams.push({ datagram, until });
      if (this.earlyDatagrams.length > core.limits.maxEarlyDatagrams) {
        this.earlyDatagrams.shift();
        core.stats.unknownAliasDatagrams++;
      }
    }
  }

  /** A request is over: its data streams are no longer wanted. */
  requestOver(id: RequestId): void {
    for (const incoming of [...this.streams.values()]) {
      if (incoming.request === id) this.cut(incoming, "caller", StreamCode.Cancelled);
    }
  }

  nextTimeout(): number | undefined {
    let next: number | undefined = this.earlyDatagrams[0]?.until;
    if (this.early === 0) return next;
    for (const { held } of this.streams.values()) {
      if (typeof held === "number" && (next === undefined || held < next)) next = held;
    }
    return next;
  }

  onTimeout(now: number): void {
    const { stats } = this.core;
    while (this.earlyDatagrams.length > 0 && this.earlyDatagrams[0]!.until <= now) {
      this.earlyDatagrams.shift();
      stats.unknownAliasDatagrams++;
    }
    if (this.early === 0) return;
    for (const incoming of [...this.streams.values()]) {
      if (typeof incoming.held === "number" && incoming.held <= now) {
        this.discard(incoming, "unknownAliasStreams");
      }
    }
  }

  /** Drops a stream that the owner never heard of. */
  private discard(incoming: Incoming, counter: "lateStreams" | "unknownAliasStreams"): void {
    this.core.stats[counter]++;
    if (!incoming.fin) this.core.transport.stop(incoming.stream, StreamCode.Cancelled);
    this.forget(incoming);
  }

  private cut(
    incoming: Incoming,
    reason: "too_large" | "buffer_full" | "caller",
    code: number,
  ): void {
    if (!incoming.fin) this.core.transport.stop(incoming.stream, code);
    this.end(incoming, { kind: "stopped", reason });
  }

  private end(incoming: Incoming, end: StreamEnd): void {
    this.forget(incoming);
    const id = incoming.request;
    if (id === undefined) return;
    this.core.events.streamEnded(incoming.stream, end);
    if (incoming.header !== undefined) this.table.streamClosed(id);
    else this.table.fetchDataOver(id);
  }

  private forget(incoming: Incoming): void {
    if (typeof incoming.held === "number") this.early--;
    incoming.held = undefined;
    incoming.over = true;
    this.buffered -= incoming.counted;
    incoming.counted = 0;
    this.streams.delete(incoming.stream);
  }
}

function newIncoming(stream: StreamId): Incoming {
  return {
    stream,
    kind: undefined,
    head: EMPTY,
    header: undefined,
    fetchId: undefined,
    objects: undefined,
    items: undefined,
    request: undefined,
    held: undefined,
    paused: false,
    fin: false,
    over: false,
    counted: 0,
  };
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
