/** One client that publishes an update on each of many tracks at a time, as a server does with its actors. */
import { connect } from "@moq-game/node-native";
import { play, publisher } from "./role.js";
import { NAMESPACE, trackNames } from "./track.js";

play(async (args) => {
  const client = await connect(args.url ?? "", {
    serverCertificateHashes: [args.certificateHash ?? ""],
  });
  const publications = trackNames(args.load).map((name) =>
    client.publish([NAMESPACE, name], { delivery: "latest" }),
  );
  await Promise.all(publications.map(({ ready }) => ready));
  const role = await publisher(args, {
    send(bytes) {
      for (const publication of publications) publication.send(bytes);
      return true;
    },
  });
  return {
    ...role,
    async stop() {
      const { sent } = { sent: 0, ...(await role.stop?.()) };
      return { sent: sent * publications.length };
    },
  };
});
