import { type Host, playWith } from "@moq-game/contract";
import { unreal } from "@moq-game/unreal-host";
import type { RelayAddress } from "./relay-address.js";

/** `@moq-game/unreal` in a Puerts host, over QUIC. */
export function unrealHost(relay: RelayAddress): Host {
  return {
    name: "unreal over quic",
    async play(contractCase, side, namespace, post) {
      const client = await unreal().connect(relay.url.replace(/^https:/, "moqt:"), {
        serverCertificateHashes: [relay.certificateHash],
      });
      await playWith(client, contractCase, side, namespace, post);
    },
  };
}
