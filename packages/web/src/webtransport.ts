/**
 * The part of the WebTransport API that this package uses, with members that not every browser has
 * as optional ones. The DOM library's own types run ahead of, or behind, what browsers ship.
 */

/** `WebTransportError`, of which only these members are read. */
export interface TransportError {
  readonly message: string;
  readonly source?: "stream" | "session";
  readonly streamErrorCode?: number | null;
}

export interface SendStream extends WritableStream<Uint8Array> {
  sendOrder?: number;
}

export interface BidiStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: SendStream;
}

export interface Datagrams {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable?: WritableStream<Uint8Array>;
  readonly maxDatagramSize: number;
  createWritable?(): WritableStream<Uint8Array>;
  incomingHighWaterMark: number;
  outgoingHighWaterMark: number;
}

export interface ConnectionStats {
  readonly smoothedRtt?: number;
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
  readonly packetsSent?: number;
  readonly packetsLost?: number;
}

export interface CloseInfo {
  readonly closeCode?: number;
  readonly reason?: string;
}

/** One session of the browser's WebTransport. */
export interface WebTransportSession {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<CloseInfo>;
  readonly datagrams: Datagrams;
  /** What the server chose of the `protocols` offered; absent in browsers without the option. */
  readonly protocol?: string;
  readonly incomingBidirectionalStreams: ReadableStream<BidiStream>;
  readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
  createBidirectionalStream(): Promise<BidiStream>;
  createUnidirectionalStream(): Promise<SendStream>;
  getStats?(): Promise<ConnectionStats>;
  close(info: { closeCode: number; reason: string }): void;
}

export interface WebTransportOptions {
  readonly serverCertificateHashes?: readonly {
    readonly algorithm: "sha-256";
    readonly value: Uint8Array;
  }[];
  readonly protocols?: readonly string[];
  readonly requireUnreliable?: boolean;
}

export type WebTransportConstructor = new (
  url: string,
  options: WebTransportOptions,
) => WebTransportSession;

/** The browser's constructor; `undefined` where it has none. */
export function findWebTransport(): WebTransportConstructor | undefined {
  return (globalThis as { WebTransport?: WebTransportConstructor }).WebTransport;
}

type ErrorConstructor = new (first: unknown, second?: unknown) => TransportError;

/**
 * An error that carries `code` to the peer when a stream is aborted with it. The constructor's
 * arguments changed between browser versions.
 */
export function streamError(code: number): unknown {
  const Constructor = (globalThis as { WebTransportError?: ErrorConstructor }).WebTransportError;
  if (Constructor === undefined) return undefined;
  const init = { source: "stream", streamErrorCode: code };
  for (const args of [["", init], [init]] as const) {
    try {
      const error = new Constructor(args[0], args[1]);
      if (error.streamErrorCode === code) return error;
    } catch {
      // The other form, then.
    }
  }
  return undefined;
}

/** The peer's code when `error` is about a stream; `undefined` when the whole session is gone. */
export function streamErrorCode(error: unknown): number | undefined {
  const { source, streamErrorCode: code } = (error ?? {}) as Partial<TransportError>;
  if (source === "session") return undefined;
  return typeof code === "number" ? code : source === "stream" ? 0 : undefined;
}
