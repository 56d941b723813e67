import type { Delivery } from "../api.js";
import type { Session } from "../session/session.js";
import type { StreamId } from "../transport.js";
import type { Clock } from "./clock.js";
import { DatagramSender } from "./sender-datagram.js";
import { DeadlineSender } from "./sender-deadline.js";
import { LatestSender } from "./sender-latest.js";
import { ReliableSender } from "./sender-reliable.js";
import type { SourceObject } from "./source.js";

/** The part of a session that senders use. */
export type SenderSession = Pick<
  Session,
  | "openSubgroup"
  | "writeObject"
  | "finishStream"
  | "resetStream"
  | "sendDatagram"
  | "maxDatagramSize"
>;

/** What a sender is made with. */
export interface SenderConfig {
  readonly session: SenderSession;
  readonly clock: Clock;
  readonly trackAlias: number;
  /** The subscriber's priority, 0 the highest. */
  readonly subscriberPriority: number;
  /** The track's priority, 0 the highest. */
  readonly publisherPriority: number;
  /** In ms, for `deadline`. */
  readonly deadline: number;
  /** Bytes that may wait here. */
  readonly queueBytes: number;
  /** Streams of this sender come and go: the owner routes their events back. */
  readonly onStream: (stream: StreamId, open: boolean) => void;
  /** Something was taken by the transport, acknowledged or dropped. */
  readonly onProgress: () => void;
  /** Updates that will never arrive: replaced, expired or refused. */
  readonly onDropped: (count: number) => void;
}

/**
 * One subscription's way out, by delivery class. The owner calls `push` with each object that the
 * subscription wants and passes on the session's events for the sender's streams.
 */
export interface Sender {
  /** Payload bytes accepted that the transport has not taken. */
  readonly queuedBytes: number;
  readonly queuedObjects: number;
  /** Data streams opened so far, for PUBLISH_DONE. */
  readonly streamCount: number;
  /** True when everything that will be sent is acknowledged (datagrams: handed to the transport). */
  readonly flushed: boolean;
  push(object: SourceObject): void;
  /** `END_OF_GROUP`: nothing more comes in any group; open streams end with FIN once sent. */
  end(): void;
  /** Resets what is open and drops what waits. */
  cancel(code: number): void;
  setPriority(subscriberPriority: number): void;
  writable(stream: StreamId): void;
  acked(stream: StreamId): void;
  /** The peer stopped this stream; the session has reset it. */
  stopped(stream: StreamId): void;
  streamsAvailable(): void;
  datagramsAvailable(): void;
}

/** The sender of a class. */
export function createSender(delivery: Delivery, config: SenderConfig): Sender {
  switch (delivery) {
    case "reliable":
      return new ReliableSender(config);
    case "latest":
      return new LatestSender(config);
    case "deadline":
      return new DeadlineSender(config);
    case "datagram":
      return new DatagramSender(config);
  }
}
