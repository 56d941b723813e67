import type { NativeCounters } from "./subscription.js";

/** What `moq_client_stats` gives. */
export interface RawStats {
  readonly reconnects: number;
  readonly rtt: number | null;
  readonly bytesSent: number | null;
  readonly bytesReceived: number | null;
  readonly packetsSent: number | null;
  readonly packetsLost: number | null;
  readonly datagramsDropped: number;
  readonly subscriptions: readonly (NativeCounters & { readonly handle: number })[];
  /** Last counters of those that ended last. */
  readonly ended: readonly (NativeCounters & { readonly handle: number })[];
  readonly publications: readonly {
    readonly handle: number;
    readonly objects: number;
    readonly bytes: number;
    readonly queuedObjects: number;
    readonly queuedBytes: number;
    readonly dropped: number;
  }[];
}
