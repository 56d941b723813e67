/** Publishes with @moq-game/node-native. */
import { connect, type Delivery } from "@moq-game/node-native";
import { play, publisher } from "./role.js";
import { NAMESPACE, TRACK } from "./track.js";

play(async (args) => {
  const delivery = args.delivery as Delivery;
  const client = await connect(args.url ?? "", {
    serverCertificateHashes: [args.certificateHash ?? ""],
  });
  const publication = client.publish([NAMESPACE, TRACK], { delivery, maxDatagramSize: 1_400 });
  await publication.ready;
  return publisher(args, {
    send: (bytes, first) => (first ? publication.keyframe(bytes) : publication.send(bytes)),
    writable: () => publication.writable(),
    oneInATurn: delivery === "latest" || delivery === "deadline",
  });
});
