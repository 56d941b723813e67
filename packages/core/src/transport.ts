/**
 * What a session needs of a QUIC-like connection, and what the connection tells the session.
 *
 * A transport pushes {@link TransportEvents}; the session answers with calls on {@link Transport}.
 * There are no promises in the contract, so the same session runs over WebTransport, over native
 * QUIC and over the in-memory pair. All codes are MOQT application error codes; a link that maps
 * them (WebTransport over HTTP/3) does so on its own side.
 */

/** Identifies a stream within its connection, whichever side opened it. */
export type StreamId = number;

/** `"bi"`: both sides send (request streams). `"uni"`: only the opener sends (control and data). */
export type Dir = "bi" | "uni";

/**
 * What became of a datagram. `"too_large"`: larger than {@link Transport.maxDatagramSize} now.
 * `"blocked"`: the send buffer is full and {@link TransportEvents.datagramsAvailable} follows.
 * `"unsupported"`: the peer takes no datagrams, or the connection is gone.
 */
export type DatagramResult = "sent" | "unsupported" | "too_large" | "blocked";

/** Why a connection ended. */
export type CloseReason =
  /** This side called {@link Transport.close}. */
  | { readonly kind: "local"; readonly code: number; readonly reason: string }
  /** The peer closed with an MOQT session termination code; `reason` is at most 1,024 bytes. */
  | { readonly kind: "peer"; readonly code: number; readonly reason: string }
  /** Nothing was heard of the peer for the idle timeout. */
  | { readonly kind: "timed_out" }
  /** The peer could not be reached or refused the handshake (address, ALPN, HTTP status). */
  | { readonly kind: "refused"; readonly reason: string }
  /** The peer's certificate was not accepted. */
  | { readonly kind: "certificate"; readonly reason: string }
  /** No protocol version in common; the text names what each side offered. */
  | { readonly kind: "protocol"; readonly reason: string }
  /** The transport failed below MOQT. */
  | { readonly kind: "transport"; readonly reason: string };

/** Counters and estimates of a connection. Zero where a transport cannot know. */
export interface TransportStats {
  /** Smoothed round-trip time in milliseconds. */
  readonly rtt: number;
  /** Congestion window in bytes. */
  readonly congestionWindow: number;
  /** UDP payload bytes sent. */
  readonly bytesSent: number;
  /** UDP payload bytes received. */
  readonly bytesReceived: number;
  /** Packets sent. */
  readonly packetsSent: number;
  /** Packets declared lost. */
  readonly packetsLost: number;
}

/** The calls a session makes on a connection. None blocks and none throws. */
export interface Transport {
  /**
   * True: the transport takes no `keepAlive` and `idleTimeout`, so the client keeps the connection
   * alive and watches it with streams of its own.
   */
  readonly needsProbes?: boolean;
  /**
   * Begins to report events. Called exactly once; what arrived before is reported afterwards, and
   * no event is delivered from within this call or from within any other call on the transport.
   */
  start(events: TransportEvents): void;
  /**
   * Opens a stream. `undefined` when the peer has granted no more streams of this direction;
   * {@link TransportEvents.streamsAvailable} follows when it does.
   */
  open(dir: Dir): StreamId | undefined;
  /**
   * Takes bytes from the front of `data`, as many as flow control and the send window allow, and
   * returns how many: the rest is the caller's. Fewer than `data.length` means that the stream is
   * blocked and {@link TransportEvents.writable} follows. −1: the stream was finished, reset or
   * stopped, or the connection is gone. The bytes taken belong to the transport: the caller must
   * not change them afterwards.
   */
  write(id: StreamId, data: Uint8Array): number;
  /** Ends our sending half after all bytes taken so far. */
  finish(id: StreamId): void;
  /** Abandons our sending half with a stream reset code. */
  reset(id: StreamId, code: number): void;
  /** Asks the peer to abandon its sending half; no `data` or `reset` of the stream follows. */
  stop(id: StreamId, code: number): void;
  /** Orders our streams when the connection is congested: higher goes first. Default 0. */
  setPriority(id: StreamId, priority: number): void;
  /**
   * While paused, flow control holds the peer back and no data of this stream is delivered, save
   * what was already on its way up (a bounded amount).
   */
  pause(id: StreamId, paused: boolean): void;
  /** Sends one unreliable datagram. The bytes belong to the transport afterwards. */
  sendDatagram(data: Uint8Array): DatagramResult;
  /** The largest MOQT datagram in bytes that fits now; `undefined`: datagrams are not available. */
  maxDatagramSize(): number | undefined;
  /** Closes the connection with an MOQT session termination code. Idempotent. */
  close(code: number, reason: string): void;
  /** Counters of this connection. */
  stats(): TransportStats;
}

/** What a connection tells its session. */
export interface TransportEvents {
  /**
   * Bytes arrived in order on a stream. A peer's new stream shows first here, possibly with empty
   * `data`. The receiver may keep views of `data`: the transport must not reuse its buffer.
   * `fin`: the peer finished its sending half with these bytes.
   */
  data(id: StreamId, dir: Dir, data: Uint8Array, fin: boolean): void;
  /** The peer abandoned its sending half; bytes not delivered yet are lost. */
  reset(id: StreamId, code: number): void;
  /** The peer no longer wants what we send on this stream. */
  stopped(id: StreamId, code: number): void;
  /** A blocked stream takes bytes again. */
  writable(id: StreamId): void;
  /** The peer acknowledged everything that we wrote and the end of the stream. */
  acked(id: StreamId): void;
  /** After {@link Transport.open} gave `undefined`: such streams can be opened again. */
  streamsAvailable(dir: Dir): void;
  /** After `"blocked"`: datagrams are taken again. */
  datagramsAvailable(): void;
  /** A datagram arrived. The receiver may keep views of `data`. */
  datagram(data: Uint8Array): void;
  /** The connection ended; no event follows and calls have no effect. */
  closed(reason: CloseReason): void;
}
