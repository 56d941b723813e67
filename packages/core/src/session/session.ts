import type { DatagramResult, StreamId, Transport, TransportStats } from "../transport.js";
import type { ResponseMessage } from "../wire/message.js";
import type { FetchItem, ObjectDatagram, SubgroupHeader, SubgroupObject } from "../wire/object.js";
import type { Parameters } from "../wire/params.js";
import type {
  OutgoingRequest,
  PeerInfo,
  RequestId,
  SessionConfig,
  SessionEvents,
  SessionStats,
  UpdateResponse,
  WriteResult,
} from "./types.js";

/** Signatures first; the class follows. */
export declare class Session {
  constructor(transport: Transport, config: SessionConfig, events: SessionEvents);
  /** Opens the control stream, sends SETUP and starts the transport's events. Call once. */
  start(): void;
  /** The peer's SETUP, once it arrived. */
  readonly peer: PeerInfo | undefined;
  readonly isClosed: boolean;
  /** When `onTimeout` is due, on the clock of the config; `undefined`: nothing is. */
  nextTimeout(): number | undefined;
  onTimeout(now: number): void;

  /** Sends a request, or queues it until the peer grants a stream. Throws SessionError. */
  request(request: OutgoingRequest): RequestId;
  /** Sends REQUEST_UPDATE on a request of ours, or on the peer's PUBLISH. Throws SessionError. */
  update(id: RequestId, params: Parameters): void;
  /** Resets and stops whatever is open of the request's stream; `requestClosed` follows at once. */
  cancel(id: RequestId, code: number): void;
  /** Ends our half of the request's stream after what was sent. */
  finishRequest(id: RequestId): void;
  /**
   * Answers a request of the peer. Final answers (REQUEST_ERROR, TRACK_STATUS_OK, PUBLISH_DONE) end our half of the
   * stream. Throws SessionError.
   */
  respond(id: RequestId, response: ResponseMessage): void;
  /** `respond` with REQUEST_ERROR. `retryAfter`: ms until trying again makes sense. */
  reject(id: RequestId, code: number, reason: string, retryAfter?: number): void;
  /** Answers the oldest unanswered REQUEST_UPDATE on a request. */
  respondUpdate(id: RequestId, response: UpdateResponse): void;
  /** For PUBLISH that we sent: PUBLISH_DONE, then FIN. */
  publishDone(id: RequestId, statusCode: number, streamCount: number, reason: string): void;
  /** Bytes of the request's stream that the peer has not taken. */
  requestBacklog(id: RequestId): number;

  /** Opens a subgroup stream; `undefined`: no credit, `streamsAvailable` follows. Higher priority first. */
  openSubgroup(header: SubgroupHeader, priority: number): StreamId | undefined;
  writeObject(stream: StreamId, object: SubgroupObject): WriteResult;
  /** Opens the data stream that answers the peer's FETCH `id`. */
  openFetch(id: RequestId, priority: number): StreamId | undefined;
  writeFetchItem(stream: StreamId, item: FetchItem): WriteResult;
  finishStream(stream: StreamId): void;
  resetStream(stream: StreamId, code: number): void;
  setStreamPriority(stream: StreamId, priority: number): void;
  /** Whether bytes of this data stream wait in the session. */
  isBlocked(stream: StreamId): boolean;
  sendDatagram(datagram: ObjectDatagram): DatagramResult;
  /** Largest whole datagram in bytes that fits now. */
  maxDatagramSize(): number | undefined;
  /** Stops an incoming data stream: `streamEnded` follows at once. */
  stopStream(stream: StreamId, code: number): void;
  /** Holds back an incoming data stream, for back-pressure. */
  pauseStream(stream: StreamId, paused: boolean): void;

  /** Sends GOAWAY on the control stream; we close after `timeout` ms if requests are still open. */
  goaway(options: { uri?: string; timeout: number }): void;
  close(code: number, reason: string): void;
  stats(): SessionStats;
  transportStats(): TransportStats;
}
