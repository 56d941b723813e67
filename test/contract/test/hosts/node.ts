import { connect, type Relay } from "@moq-game/node-native";
import { type Host, playWith } from "../../src/index.js";

/** `@moq-game/node-native` over one of its transports. */
export function nodeHost(relay: Relay, transport: "quic" | "webtransport" | "memory"): Host {
  const url = {
    quic: relay.url.replace(/^https:/, "moqt:"),
    webtransport: relay.url,
    memory: relay.memoryUrl,
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
