import type { DatagramResult, StreamId } from "../transport.js";
import { StreamCode } from "../wire/error.js";
import type { FetchItem, ObjectDatagram, SubgroupHeader, SubgroupObject } from "../wire/object.js";
import type { ItemEncoder } from "../wire/profile.js";
import type { VarInt } from "../wire/varint.js";
import type { Core } from "./core.js";
import { Outbox } from "./outbox.js";
import type { RequestId, WriteResult } from "./types.js";

/** Payloads up to this size in bytes are copied behind their head: one write instead of two. */
const COPY_LIMIT = 16 * 1024;

interface Outgoing {
  readonly outbox: Outbox;
  readonly objects: ItemEncoder<SubgroupObject> | undefined;
  readonly items: ItemEncoder<FetchItem> | undefined;
  /** Of a subgroup stream. */
  readonly alias: VarInt | undefined;
  /** Of a fetch stream. */
  readonly fetch: RequestId | undefined;
  /** The stream header, until it goes out with the first object. */
  header: Uint8Array | undefined;
}

/** Our data streams and datagrams (draft-18 "Data Streams and Datagrams"). */
export class OutgoingData {
  private readonly streams = new Map<StreamId, Outgoing>();

  constructor(
    private readonly core: Core,
    /** The data stream that answers a FETCH is over. */
    private readonly fetchOver: (id: RequestId) => void,
  ) {}

  openSubgroup(header: SubgroupHeader, priority: number): StreamId | undefined {
    const { core } = this;
    core.profile.encodeSubgroupHeader(core.writer.reset(), header);
    return this.open(core.writer.finish(), priority, {
      objects: core.profile.subgroupEncoder(header),
      alias: header.trackAlias,
    });
  }

  openFetch(
    id: RequestId,
    order: "ascending" | "descending",
    priority: number,
  ): StreamId | undefined {
    const { core } = this;
    core.profile.encodeFetchHeader(core.writer.reset(), id);
    return this.open(core.writer.finish(), priority, {
      items: core.profile.fetchEncoder(order),
      fetch: id,
    });
  }

  private open(
    header: Uint8Array,
    priority: number,
    what: Partial<Pick<Outgoing, "objects" | "items" | "alias" | "fetch">>,
  ): StreamId | undefined {
    const { core } = this;
    const stream = core.transport.open("uni");
    if (stream === undefined) return undefined;
    core.transport.setPriority(stream, priority);
    const outbox = new Outbox(core.transport, stream, core.outboxes);
    const { objects, items, alias, fetch } = what;
    this.streams.set(stream, { outbox, objects, items, alias, fetch, header });
    return stream;
  }

  /** Throws RangeError for an object that cannot follow the one before. */
  writeObject(stream: StreamId, object: SubgroupObject): WriteResult {
    const outgoing = this.streams.get(stream);
    if (outgoing?.objects === undefined) return "closed";
    const result = this.write(outgoing, outgoing.objects, object, object.payload);
    if (result !== "closed") this.core.stats.objectsSent++;
    return result;
  }

  /** Throws RangeError for an item that cannot follow the one before. */
  writeFetchItem(stream: StreamId, item: FetchItem): WriteResult {
    const outgoing = this.streams.get(stream);
    if (outgoing?.items === undefined) return "closed";
    const payload = item.kind === "object" ? item.payload : undefined;
    const result = this.write(outgoing, outgoing.items, item, payload);
    if (result !== "closed" && payload !== undefined) this.core.stats.objectsSent++;
    return result;
  }

  private write<T>(
    outgoing: Outgoing,
    encoder: ItemEncoder<T>,
    item: T,
    payload: Uint8Array | undefined,
  ): WriteResult {
    const writer = this.core.writer.reset();
    if (outgoing.header !== undefined) writer.bytes(outgoing.header);
    encoder.encode(writer, item);
    outgoing.header = undefined;
    const copied = payload !== undefined && payload.length <= COPY_LIMIT;
    if (copied) writer.bytes(payload);
    const result = outgoing.outbox.write(writer.finish());
    if (payload === undefined || copied || result === "closed") return result;
    return outgoing.outbox.write(payload);
  }

  finish(stream: StreamId): void {
    const outgoing = this.streams.get(stream);
    if (outgoing === undefined) return;
    if (outgoing.header !== undefined) outgoing.outbox.write(outgoing.header);
    outgoing.header = undefined;
    outgoing.outbox.finish();
    this.over(stream, outgoing, false);
  }

  reset(stream: StreamId, code: number): void {
    const outgoing = this.streams.get(stream);
    if (outgoing === undefined) return;
    outgoing.outbox.reset(code);
    this.over(stream, outgoing, true);
  }

  setPriority(stream: StreamId, priority: number): void {
    if (this.streams.has(stream)) this.core.transport.setPriority(stream, priority);
  }

  isBlocked(stream: StreamId): boolean {
    return (this.streams.get(stream)?.outbox.backlog ?? 0) > 0;
  }

  has(stream: StreamId): boolean {
    return this.streams.has(stream);
  }

  /** The peer stopped the stream: it is reset in answer, as the draft asks. */
  stopped(stream: StreamId, code: number): void {
    const outgoing = this.streams.get(stream);
    if (outgoing === undefined) return;
    outgoing.outbox.reset(code);
    // Told before the request ends with it: the owner knows the stream as one of the request.
    this.core.events.stopped(stream, code);
    this.over(stream, outgoing, true);
  }

  acked(stream: StreamId): void {
    this.streams.delete(stream);
    this.core.events.acked(stream);
  }

  /** Everything of `stream` was written and ended, or it was reset. */
  private over(stream: StreamId, outgoing: Outgoing, gone: boolean): void {
    // A finished stream stays resettable until it is acknowledged.
    if (gone) this.streams.delete(stream);
    if (outgoing.fetch !== undefined) this.fetchOver(outgoing.fetch);
  }

  /** The subscription behind our alias was cancelled. */
  resetSubscription(alias: VarInt): void {
    for (const [stream, outgoing] of [...this.streams]) {
      if (outgoing.alias === alias) this.reset(stream, StreamCode.Cancelled);
    }
  }

  /** The FETCH was cancelled. */
  resetFetch(id: RequestId): void {
    for (const [stream, outgoing] of [...this.streams]) {
      if (outgoing.fetch === id) this.reset(stream, StreamCode.Cancelled);
    }
  }

  sendDatagram(datagram: ObjectDatagram): DatagramResult {
    const { core } = this;
    core.profile.encodeDatagram(core.writer.reset(), datagram);
    const result = core.transport.sendDatagram(core.writer.finish());
    if (result === "sent") core.stats.datagramsSent++;
    return result;
  }
}
