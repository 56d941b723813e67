import type {
  CloseReason,
  DatagramResult,
  Dir,
  StreamId,
  Transport,
  TransportEvents,
  TransportStats,
} from "@moq-game/core";
import { Incoming } from "./incoming.js";
import { Outgoing } from "./outgoing.js";
import type { BidiStream, WebTransportSession } from "./webtransport.js";

/**
 * Streams that the browser was asked for and has not granted. It grants them with a promise, and the
 * session wants one at once: it gets one that takes bytes and sends them later, but only so many; a
 * further one is refused, which the session takes as congestion. Streams are not asked for ahead of
 * need: the browser announces them to the peer, which may give up on one that stays silent.
 */
const MOST_ASKED = { bi: 16, uni: 4 } as const;

/**
 * ms until a stream is asked for again that the browser refused: Chromium rejects the promise while
 * the peer grants no further stream, and tells nothing when it does. Doubled with each refusal.
 */
const ASK_AGAIN = { first: 4, longest: 64 } as const;

/**
 * Bytes of finished streams that the peer has not acknowledged, above which no further one is opened.
 * The browser takes each stream's bytes whatever the network does, so that without this a slow link
 * would show only when the peer grants no more streams, far beyond what a publication may queue.
 */
const MOST_UNACKED = 256 * 1024;
/** What the browser may still hold of one finished stream, whatever its length: the rest has left. */
const HELD_OF_ONE = 128 * 1024;

/** Datagrams that may wait in the browser, each way, before the oldest is dropped or we hold back. */
const DATAGRAM_QUEUE = 256;

/** Most bytes of a close reason, and most of them that a peer may show us. */
const MAX_REASON = 1_024;

interface Stream {
  out: Outgoing | undefined;
  in: Incoming | undefined;
  /** Its share of the bytes that are finished and not acknowledged. */
  unacked: number;
}

/** The session's {@link Transport} over the browser's WebTransport. */
export class WebTransportLink implements Transport {
  readonly needsProbes = true;
  readonly #session: WebTransportSession;
  #events: TransportEvents | undefined;
  readonly #streams = new Map<StreamId, Stream>();
  #nextId = 0;
  readonly #asked = { bi: 0, uni: 0 };
  readonly #wanted = { bi: false, uni: false };
  #unacked = 0;
  readonly #datagramWriter: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #datagramsBlocked = false;
  #closed = false;
  #closedHere: { readonly code: number; readonly reason: string } | undefined;
  #stats: TransportStats = {
    rtt: 0,
    congestionWindow: 0,
    bytesSent: 0,
    bytesReceived: 0,
    packetsSent: 0,
    packetsLost: 0,
  };
  #askingStats = false;

  /** `session` must be ready. */
  constructor(session: WebTransportSession) {
    this.#session = session;
    const { datagrams } = session;
    try {
      datagrams.outgoingHighWaterMark = DATAGRAM_QUEUE;
      datagrams.incomingHighWaterMark = DATAGRAM_QUEUE;
      this.#datagramWriter = (datagrams.createWritable?.() ?? datagrams.writable)?.getWriter();
    } catch {
      // A session without datagrams: maxDatagramSize says so.
    }
    this.#datagramWriter?.closed.catch(() => {});
    this.#datagramWriter?.ready.catch(() => {});
  }

  start(events: TransportEvents): void {
    this.#events = events;
    this.#session.closed.then(
      (info) => this.#end(this.#closeReason(info?.closeCode ?? 0, info?.reason ?? "")),
      (error) => this.#end(this.#failure(error)),
    );
    void this.#accept("uni", this.#session.incomingUnidirectionalStreams.getReader());
    void this.#accept("bi", this.#session.incomingBidirectionalStreams.getReader());
    void this.#readDatagrams();
  }

  open(dir: Dir): StreamId | undefined {
    if (this.#closed) return undefined;
    if (!this.#hasRoom(dir)) {
      this.#wanted[dir] = true;
      return undefined;
    }
    const id = this.#nextId++;
    const out = this.#outgoing(id);
    const incoming = dir === "bi" ? this.#incoming(id, dir) : undefined;
    this.#streams.set(id, { out, in: incoming, unacked: 0 });
    this.#asked[dir] += 1;
    void this.#ask(dir, out, incoming);
    return id;
  }

  write(id: StreamId, data: Uint8Array): number {
    if (this.#closed) return -1;
    return this.#streams.get(id)?.out?.write(data) ?? -1;
  }

  finish(id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream?.out === undefined || stream.unacked > 0) return;
    stream.unacked = Math.min(stream.out.written, HELD_OF_ONE);
    this.#unacked += stream.unacked;
    stream.out.finish();
  }

  reset(id: StreamId, code: number): void {
    this.#streams.get(id)?.out?.reset(code);
    this.#outOver(id);
  }

  stop(id: StreamId, code: number): void {
    this.#streams.get(id)?.in?.stop(code);
    this.#inOver(id);
  }

  setPriority(id: StreamId, priority: number): void {
    this.#streams.get(id)?.out?.setPriority(priority);
  }

  pause(id: StreamId, paused: boolean): void {
    this.#streams.get(id)?.in?.pause(paused);
  }

  sendDatagram(data: Uint8Array): DatagramResult {
    const limit = this.maxDatagramSize();
    const writer = this.#datagramWriter;
    if (limit === undefined || writer === undefined) return "unsupported";
    if (data.byteLength > limit) return "too_large";
    if ((writer.desiredSize ?? 0) <= 0) {
      this.#awaitDatagrams(writer);
      return "blocked";
    }
    writer.write(data).catch(() => {});
    return "sent";
  }

  maxDatagramSize(): number | undefined {
    if (this.#closed || this.#datagramWriter === undefined) return undefined;
    const size = this.#session.datagrams.maxDatagramSize;
    return size > 0 ? size : undefined;
  }

  close(code: number, reason: string): void {
    if (this.#closed || this.#closedHere !== undefined) return;
    const text = reason.slice(0, MAX_REASON);
    this.#closedHere = { code, reason: text };
    try {
      this.#session.close({ closeCode: code, reason: text });
    } catch {
      // It closed by itself a moment ago; its promise tells how.
    }
  }

  stats(): TransportStats {
    void this.#refreshStats();
    return this.#stats;
  }

  // ---- outgoing streams

  async #ask(dir: Dir, out: Outgoing, incoming: Incoming | undefined): Promise<void> {
    let pause: number = ASK_AGAIN.first;
    while (!this.#closed && !out.over) {
      try {
        if (dir === "uni") out.open(await this.#session.createUnidirectionalStream());
        else {
          const stream = await this.#session.createBidirectionalStream();
          out.open(stream.writable);
          incoming?.open(stream.readable);
        }
        break;
      } catch {
        // No stream is to be had now, or the session is going, which its own promise tells.
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(2 * pause, ASK_AGAIN.longest);
      }
    }
    this.#asked[dir] -= 1;
    this.#tellRoom(dir);
  }

  #hasRoom(dir: Dir): boolean {
    // Requests are few, and small: only data streams wait for the network.
    return this.#asked[dir] < MOST_ASKED[dir] && (dir === "bi" || this.#unacked <= MOST_UNACKED);
  }

  #tellRoom(dir: Dir): void {
    if (!this.#wanted[dir] || !this.#hasRoom(dir)) return;
    this.#wanted[dir] = false;
    this.#emit((events) => events.streamsAvailable(dir));
  }

  #outgoing(id: StreamId): Outgoing {
    return new Outgoing({
      writable: () => this.#emit((events) => events.writable(id)),
      stopped: (code) => {
        this.#outOver(id);
        this.#emit((events) => events.stopped(id, code));
      },
      acked: () => {
        this.#outOver(id);
        this.#emit((events) => events.acked(id));
      },
    });
  }

  // ---- incoming streams

  async #accept(
    dir: Dir,
    reader: ReadableStreamDefaultReader<BidiStream | ReadableStream<Uint8Array>>,
  ): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.#closed) return;
        const id = this.#nextId++;
        if ("readable" in value) this.#adoptBidi(id, value);
        else {
          const incoming = this.#incoming(id, dir);
          this.#streams.set(id, { out: undefined, in: incoming, unacked: 0 });
          incoming.open(value);
        }
      }
    } catch {
      // The session is gone; its own promise tells.
    }
  }

  #adoptBidi(id: StreamId, stream: BidiStream): void {
    const out = this.#outgoing(id);
    const incoming = this.#incoming(id, "bi");
    this.#streams.set(id, { out, in: incoming, unacked: 0 });
    out.open(stream.writable);
    this.#emit((events) => events.data(id, "bi", new Uint8Array(0), false));
    incoming.open(stream.readable);
  }

  #incoming(id: StreamId, dir: Dir): Incoming {
    return new Incoming({
      data: (bytes, fin) => {
        if (fin) this.#inOver(id);
        this.#emit((events) => events.data(id, dir, bytes, fin));
      },
      reset: (code) => {
        this.#inOver(id);
        this.#emit((events) => events.reset(id, code));
      },
    });
  }

  #outOver(id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.out = undefined;
    this.#unacked -= stream.unacked;
    stream.unacked = 0;
    if (stream.in === undefined) this.#streams.delete(id);
    this.#tellRoom("uni");
  }

  #inOver(id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.in = undefined;
    if (stream.out === undefined) this.#streams.delete(id);
  }

  // ---- datagrams

  async #readDatagrams(): Promise<void> {
    try {
      const reader = this.#session.datagrams.readable.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.#closed) return;
        this.#emit((events) => events.datagram(value));
      }
    } catch {
      // The session is gone, or has no datagrams.
    }
  }

  #awaitDatagrams(writer: WritableStreamDefaultWriter<Uint8Array>): void {
    if (this.#datagramsBlocked) return;
    this.#datagramsBlocked = true;
    writer.ready.then(
      () => {
        this.#datagramsBlocked = false;
        this.#emit((events) => events.datagramsAvailable());
      },
      () => {},
    );
  }

  // ---- the connection

  #emit(event: (events: TransportEvents) => void): void {
    if (!this.#closed && this.#events !== undefined) event(this.#events);
  }

  #closeReason(code: number, reason: string): CloseReason {
    if (this.#closedHere !== undefined) return { kind: "local", ...this.#closedHere };
    return { kind: "peer", code, reason: reason.slice(0, MAX_REASON) };
  }

  #failure(error: unknown): CloseReason {
    if (this.#closedHere !== undefined) return { kind: "local", ...this.#closedHere };
    const text = error instanceof Error ? error.message : String(error);
    return { kind: "transport", reason: text === "" ? "no reason was given" : text };
  }

  #end(reason: CloseReason): void {
    if (this.#closed) return;
    const events = this.#events;
    this.#closed = true;
    this.#streams.clear();
    events?.closed(reason);
  }

  async #refreshStats(): Promise<void> {
    if (this.#session.getStats === undefined || this.#askingStats || this.#closed) return;
    this.#askingStats = true;
    try {
      const stats = await this.#session.getStats();
      this.#stats = {
        rtt: stats.smoothedRtt ?? 0,
        congestionWindow: 0,
        bytesSent: stats.bytesSent ?? 0,
        bytesReceived: stats.bytesReceived ?? 0,
        packetsSent: stats.packetsSent ?? 0,
        packetsLost: stats.packetsLost ?? 0,
      };
    } catch {
      // The next call asks again.
    } finally {
      this.#askingStats = false;
    }
  }
}
