import { type Host, playWith } from "@moq-game/contract";
import { connect } from "@moq-game/node-native";
import type { RelayAddress } from "./relay-address.js";

export type NodeTransport = "quic" | "webtransport" | "memory";

/** `@moq-game/node-native` over one of its transports; `memory` needs the relay's `memoryUrl`. */
export function nodeHost(
  relay: RelayAddress & { readonly memoryUrl?: string },
  transport: NodeTransport,
): Host {
  const url = {
    quic: relay.url.replace(/^https:/, "moqt:"),
    webtransport: relay.url,
    memory: relay.memoryUrl ?? "",
  }[transport];
  const options =
    transport === "memory" ? {} : { serverCertificateHashes: [relay.certificateHash] };
  return {
    name: `node over ${transport}`,
    async play(contractCase, side, namespace, post) {
      await playWith(await connect(url, options), contractCase, side, namespace, post);
    },
  };
}
