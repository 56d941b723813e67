import type { ClientStats } from "../api.js";
import type { TransportStats } from "../transport.js";
import type { Feed } from "./feed.js";
import type { CorePublication } from "./publication.js";

/** The counters of a client. Transports give zero for what they cannot know. */
export function collectStats(
  { state, reconnects }: Pick<ClientStats, "state" | "reconnects">,
  transport: TransportStats | undefined,
  feeds: Iterable<Feed>,
  publishing: Iterable<CorePublication>,
): ClientStats {
  const subscriptions: ClientStats["subscriptions"][number][] = [];
  for (const feed of feeds) {
    for (const { stats, delivery, label } of feed.readers) {
      subscriptions.push({ ...stats, delivery, track: label });
    }
  }
  const publications: ClientStats["publications"][number][] = [];
  let datagramsDropped = 0;
  for (const { stats, delivery, label } of publishing) {
    publications.push({ ...stats, delivery, track: label });
    if (delivery === "datagram") datagramsDropped += stats.dropped;
  }
  const packetsSent = known(transport?.packetsSent);
  return {
    state,
    reconnects,
    rtt: known(transport?.rtt),
    bytesSent: known(transport?.bytesSent),
    bytesReceived: known(transport?.bytesReceived),
    packetsSent,
    // Zero is a good answer where packets are counted at all.
    packetsLost: packetsSent === undefined ? undefined : transport?.packetsLost,
    datagramsDropped,
    subscriptions,
    publications,
  };
}

function known(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}
