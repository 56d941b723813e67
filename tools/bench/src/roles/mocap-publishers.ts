/** The performers, each a client of its own. */
import { connect } from "@moq-game/node-native";
import { NAMESPACE, PERFORMERS, trackLoad, tracksOf } from "./mocap.js";
import { both, play, publisher, type Role } from "./role.js";

play(async (args) => {
  const trust = { serverCertificateHashes: [args.certificateHash ?? ""] };
  const roles: Role[] = [];
  for (let performer = 0; performer < PERFORMERS; performer++) {
    const client = await connect(args.url ?? "", trust);
    for (const track of tracksOf(performer)) {
      const { delivery, name } = track;
      // A namespace has one publisher.
      const publication = client.publish([`${NAMESPACE}/${performer}`, name], { delivery });
      await publication.ready;
      const outlet = { send: (bytes: Buffer) => publication.send(bytes) };
      roles.push(await publisher({ load: trackLoad(args.load, track) }, outlet));
    }
  }
  return both(roles);
});
