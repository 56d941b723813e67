/**
 * A pair of connected in-memory transports: for tests, and for connections within one process. It
 * behaves like a QUIC connection without loss: streams in both directions, flow control and stream
 * credit that come back as the other side consumes, resets, stops, datagrams that are dropped when
 * their queue is full. Delivery is deterministic: events come in the order in which they were
 * caused, never from within a call; a {@link Carrier} makes a bad network of it.
 */
import type {
  CloseReason,
  DatagramResult,
  Dir,
  StreamId,
  Transport,
  TransportEvents,
  TransportStats,
} from "./transport.js";

/** How the pair behaves; the same in both directions. */
export interface MemoryOptions {
  /** Bytes in flight on one stream. Default 1 MiB. */
  readonly streamWindow?: number | undefined;
  /** Bytes in flight on all streams of one direction. Default 16 MiB. */
  readonly connectionWindow?: number | undefined;
  /** Streams that one side may have open at a time. Default 1,000 each. */
  readonly maxBidiStreams?: number | undefined;
  readonly maxUniStreams?: number | undefined;
  /** Largest datagram in bytes; 0: none are taken. Default 1,200. */
  readonly maxDatagramSize?: number | undefined;
  /** Datagrams in flight; one more is `"blocked"`. Default 256. */
  readonly datagramQueue?: number | undefined;
  /**
   * When events are delivered: `"manual"` leaves it to {@link MemoryPair.run}; a function is called
   * with what to run later. Default: a resolved promise.
   */
  readonly schedule?: "manual" | ((run: () => void) => void) | undefined;
  /** Makes a bad network of it; instead of `schedule`. See {@link Carrier}. */
  readonly carrier?: Carrier | undefined;
}

/**
 * Carries each event over a bad network: calls `arrive` when it arrives, later than now. `lane` is the
 * stream that the event belongs to, whose events must arrive in the order given; those of different
 * streams may overtake each other. Or it is `"datagram"`: they may overtake each other and may be lost,
 * `arrive(true)`. The rest is `"connection"`, in order.
 */
export type Carrier = (
  lane: StreamId | "datagram" | "connection",
  arrive: (lost?: boolean) => void,
) => void;

/** Two ends of one connection. Which is the client does not matter to the transport. */
export interface MemoryPair {
  readonly a: Transport;
  readonly b: Transport;
  /** Delivers one event; false when there was none. */
  step(): boolean;
  /** Delivers until nothing is left, at most `limit` events, and gives their number. */
  run(limit?: number): number;
  /** Loses the connection: both ends see `reason`. */
  disconnect(reason: CloseReason): void;
}

type Settings = Required<Omit<MemoryOptions, "schedule" | "carrier">>;

type Lane = Parameters<Carrier>[0];

/** Makes a connected pair. */
export function memoryPair(options: MemoryOptions = {}): MemoryPair {
  const settings: Settings = {
    streamWindow: options.streamWindow ?? 1024 * 1024,
    connectionWindow: options.connectionWindow ?? 16 * 1024 * 1024,
    maxBidiStreams: options.maxBidiStreams ?? 1000,
    maxUniStreams: options.maxUniStreams ?? 1000,
    maxDatagramSize: options.maxDatagramSize ?? 1200,
    datagramQueue: options.datagramQueue ?? 256,
  };
  const schedule =
    options.schedule ?? ((run: () => void) => void Promise.resolve().then(() => run()));
  const wire = new Wire(schedule === "manual" ? undefined : schedule, options.carrier);
  const ids = { next: 0 };
  const a = new MemoryTransport(wire, settings, ids);
  const b = new MemoryTransport(wire, settings, ids);
  a.peer = b;
  b.peer = a;
  return {
    a,
    b,
    step: () => wire.step(),
    run: (limit = 1_000_000) => {
      let count = 0;
      while (count < limit && wire.step()) count++;
      return count;
    },
    disconnect: (reason) => {
      a.lose(reason);
      b.lose(reason);
    },
  };
}

/** Events on their way, in the order in which they were caused. */
class Wire {
  private queue: (() => void)[] = [];
  private at = 0;
  private scheduled = false;

  constructor(
    private readonly schedule: ((run: () => void) => void) | undefined,
    private readonly carrier: Carrier | undefined,
  ) {}

  post(lane: Lane, event: (lost: boolean) => void): void {
    if (this.carrier !== undefined) {
      this.carrier(lane, (lost) => event(lost === true && lane === "datagram"));
      return;
    }
    this.queue.push(() => event(false));
    this.wake();
  }

  step(): boolean {
    if (this.at >= this.queue.length) return false;
    const event = this.queue[this.at++]!;
    if (this.at > 1024 && this.at * 2 > this.queue.length) {
      this.queue.splice(0, this.at);
      this.at = 0;
    }
    event();
    return true;
  }

  private wake(): void {
    if (this.schedule === undefined || this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => {
      this.scheduled = false;
      // What is there now; what it causes waits for the next turn, so that nobody starves.
      for (let left = this.queue.length - this.at; left > 0 && this.step(); left--);
      if (this.at < this.queue.length) this.wake();
    });
  }
}

/** One sending half. The receiver's view of it is `paused` and what waits in `chunks`. */
interface Half {
  readonly stream: StreamId;
  readonly dir: Dir;
  /** Bytes that the receiver has not consumed. */
  inFlight: number;
  readonly chunks: Uint8Array[];
  fin: boolean;
  /** The sender reset it, or the receiver saw the end: nothing more happens. */
  over: boolean;
  /** The receiver no longer wants it. */
  stopped: boolean;
  /** The sender was refused bytes. */
  blocked: boolean;
  paused: boolean;
  /** A delivery is posted. */
  posted: boolean;
  /** The receiver was told of the stream. */
  announced: boolean;
}

/** A stream with the halves that are open. */
interface Stream {
  readonly dir: Dir;
  readonly opener: MemoryTransport;
  halves: number;
}

const NO_BYTES = new Uint8Array(0);

class MemoryTransport implements Transport {
  peer!: MemoryTransport;
  private events: TransportEvents | undefined;
  private readonly before: ((lost: boolean) => void)[] = [];
  private readonly sending = new Map<StreamId, Half>();
  private readonly streams: Map<StreamId, Stream> = new Map();
  private readonly open_ = { bi: 0, uni: 0 };
  private readonly wanted = { bi: false, uni: false };
  private connectionInFlight = 0;
  private datagramsInFlight = 0;
  private datagramsWanted = false;
  /** No more calls have an effect. */
  private gone = false;
  /** No more events come. */
  private ended = false;
  private sent = { bytes: 0, packets: 0 };
  private received = 0;

  constructor(
    private readonly wire: Wire,
    private readonly settings: Settings,
    private readonly ids: { next: number },
  ) {}

  start(events: TransportEvents): void {
    this.events = events;
    for (const event of this.before.splice(0)) this.wire.post("connection", event);
  }

  open(dir: Dir): StreamId | undefined {
    if (this.gone) return undefined;
    const limit = dir === "bi" ? this.settings.maxBidiStreams : this.settings.maxUniStreams;
    if (this.open_[dir] >= limit) {
      this.wanted[dir] = true;
      return undefined;
    }
    this.open_[dir]++;
    const stream = this.ids.next++;
    const record: Stream = { dir, opener: this, halves: dir === "bi" ? 2 : 1 };
    this.streams.set(stream, record);
    this.peer.streams.set(stream, record);
    this.sending.set(stream, newHalf(stream, dir));
    if (dir === "bi") this.peer.sending.set(stream, { ...newHalf(stream, dir), announced: true });
    return stream;
  }

  write(id: StreamId, data: Uint8Array): number {
    const half = this.sending.get(id);
    if (half === undefined || half.fin || half.over || half.stopped || this.gone) return -1;
    const room = Math.max(
      0,
      Math.min(
        this.settings.streamWindow - half.inFlight,
        this.settings.connectionWindow - this.connectionInFlight,
      ),
    );
    const taken = Math.min(room, data.length);
    if (taken > 0) {
      half.chunks.push(taken === data.length ? data : data.subarray(0, taken));
      half.inFlight += taken;
      this.connectionInFlight += taken;
      this.sent.bytes += taken;
      this.sent.packets++;
      this.deliver(half);
    }
    if (taken < data.length) half.blocked = true;
    return taken;
  }

  finish(id: StreamId): void {
    const half = this.sending.get(id);
    if (half === undefined || half.fin || half.over) return;
    half.fin = true;
    if (half.stopped) this.endHalf(half);
    else this.deliver(half);
  }

  reset(id: StreamId, code: number): void {
    const half = this.sending.get(id);
    if (half === undefined || half.over) return;
    const unseen = !half.announced;
    this.endHalf(half);
    if (half.stopped) return;
    // A stream of which nothing was seen shows at the other end all the same, as over QUIC.
    this.peer.emit(id, (events) => {
      if (unseen) events.data(id, half.dir, NO_BYTES, false);
      events.reset(id, code);
    });
  }

  stop(id: StreamId, code: number): void {
    const half = this.peer.sending.get(id);
    if (half === undefined || half.over || half.stopped) return;
    half.stopped = true;
    this.peer.drain(half);
    if (half.fin) {
      // Everything was written: the sender has nothing left to stop.
      this.peer.endHalf(half);
      return;
    }
    this.peer.emit(id, (events) => events.stopped(id, code));
  }

  setPriority(): void {
    // One queue in order of writing: nothing is ever behind.
  }

  pause(id: StreamId, paused: boolean): void {
    const half = this.peer.sending.get(id);
    if (half === undefined || half.paused === paused) return;
    half.paused = paused;
    if (!paused) this.peer.deliver(half);
  }

  sendDatagram(data: Uint8Array): DatagramResult {
    const limit = this.maxDatagramSize();
    if (limit === undefined) return "unsupported";
    if (data.length > limit) return "too_large";
    if (this.datagramsInFlight >= this.settings.datagramQueue) {
      this.datagramsWanted = true;
      return "blocked";
    }
    this.datagramsInFlight++;
    this.sent.bytes += data.length;
    this.sent.packets++;
    this.peer.emit(
      "datagram",
      (events) => {
        this.peer.received += data.length;
        events.datagram(data);
      },
      () => {
        this.datagramsInFlight--;
        if (!this.datagramsWanted) return;
        this.datagramsWanted = false;
        this.emit("connection", (events) => events.datagramsAvailable());
      },
    );
    return "sent";
  }

  maxDatagramSize(): number | undefined {
    return this.gone || this.settings.maxDatagramSize === 0
      ? undefined
      : this.settings.maxDatagramSize;
  }

  close(code: number, reason: string): void {
    if (this.gone) return;
    this.lose({ kind: "local", code, reason });
    this.peer.lose({ kind: "peer", code, reason: reason.slice(0, 1024) });
  }

  stats(): TransportStats {
    return {
      rtt: 0,
      congestionWindow: this.settings.connectionWindow,
      bytesSent: this.sent.bytes,
      bytesReceived: this.received,
      packetsSent: this.sent.packets,
      packetsLost: 0,
    };
  }

  /** The connection ends here; `reason` comes after what was on its way. */
  lose(reason: CloseReason): void {
    if (this.gone) return;
    this.emit("connection", (events) => {
      this.ended = true;
      events.closed(reason);
    });
    this.gone = true;
    this.sending.clear();
    this.streams.clear();
  }

  private emit(lane: Lane, event: (events: TransportEvents) => void, after?: () => void): void {
    if (this.gone) return;
    const run = (lost: boolean): void => {
      if (this.ended) return;
      if (this.events === undefined) {
        this.before.push(run); // not started yet: kept in order
        return;
      }
      if (!lost) event(this.events);
      after?.();
    };
    this.wire.post(lane, run);
  }

  /** Posts what `half`, one of ours, has for the other side. */
  private deliver(half: Half): void {
    if (half.posted || half.paused || half.over || half.stopped) return;
    half.posted = true;
    this.peer.emit(half.stream, (events) => {
      half.posted = false;
      if (half.paused || half.over || half.stopped) return;
      const data = joined(half.chunks);
      half.announced = true;
      this.peer.received += data.length;
      this.consumed(half, data.length);
      const { fin } = half;
      if (fin) this.endHalf(half);
      events.data(half.stream, half.dir, data, fin);
      if (fin) this.emit(half.stream, (own) => own.acked(half.stream));
    });
  }

  /** The receiver took bytes: credit comes back. */
  private consumed(half: Half, bytes: number): void {
    half.inFlight -= bytes;
    const before = this.connectionInFlight;
    this.connectionInFlight -= bytes;
    if (half.blocked && !half.over) this.unblock(half);
    if (before < this.settings.connectionWindow) return;
    for (const other of this.sending.values()) {
      if (other.blocked && other.inFlight < this.settings.streamWindow) this.unblock(other);
    }
  }

  private unblock(half: Half): void {
    half.blocked = false;
    this.emit(half.stream, (events) => {
      if (!half.over && !half.stopped) events.writable(half.stream);
    });
  }

  private drain(half: Half): void {
    let bytes = 0;
    for (const chunk of half.chunks.splice(0)) bytes += chunk.length;
    this.consumed(half, bytes);
  }

  /** One half of a stream is over; with the last one its credit comes back. */
  private endHalf(half: Half): void {
    if (half.over) return;
    half.over = true;
    this.drain(half);
    this.sending.delete(half.stream);
    const stream = this.streams.get(half.stream);
    if (stream === undefined || --stream.halves > 0) return;
    this.streams.delete(half.stream);
    this.peer.streams.delete(half.stream);
    const { opener, dir } = stream;
    opener.open_[dir]--;
    if (!opener.wanted[dir]) return;
    opener.wanted[dir] = false;
    opener.emit("connection", (events) => events.streamsAvailable(dir));
  }
}

function newHalf(stream: StreamId, dir: Dir): Half {
  return {
    stream,
    dir,
    inFlight: 0,
    chunks: [],
    fin: false,
    over: false,
    stopped: false,
    blocked: false,
    paused: false,
    posted: false,
    announced: false,
  };
}

function joined(chunks: Uint8Array[]): Uint8Array {
  if (chunks.length === 0) return NO_BYTES;
  if (chunks.length === 1) return chunks.pop()!;
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks.splice(0)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
