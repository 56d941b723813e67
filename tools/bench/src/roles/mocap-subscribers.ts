/** Whoever watches: every track of every performer on one connection each. */
import { connect } from "@moq-game/node-native";
import { NAMESPACE, PERFORMERS, tracksOf } from "./mocap.js";
import { play, subscriber } from "./role.js";

play(async (args) => {
  const { meter, role } = subscriber({ load: args.load });
  const trust = { serverCertificateHashes: [args.certificateHash ?? ""] };
  for (let i = 0; i < args.load.subscribers; i++) {
    const client = await connect(args.url ?? "", trust);
    for (let performer = 0; performer < PERFORMERS; performer++) {
      for (const { name, delivery } of tracksOf(performer)) {
        const track = client.subscribe([`${NAMESPACE}/${performer}`, name], {
          delivery,
          wait: 10_000,
        });
        const reader = meter.subscriber();
        track.onReadable(() => track.drain(({ bytes }) => reader.take(bytes)));
        await track.ready;
      }
    }
  }
  return role;
});
