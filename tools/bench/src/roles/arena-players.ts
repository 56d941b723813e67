/** The arena's players, each a client of its own. */
import { connect, type Delivery } from "@moq-game/node-native";
import { inputLoad, inputsOf, stateOf } from "./arena.js";
import { both, play, publisher, type Role, subscriber } from "./role.js";

play(async (args) => {
  const { meter, role } = subscriber({ load: args.load });
  const delivery = args.delivery as Delivery;
  const trust = { serverCertificateHashes: [args.certificateHash ?? ""] };
  const roles: Role[] = [role];
  for (let player = 0; player < args.load.subscribers; player++) {
    const client = await connect(args.url ?? "", trust);
    const inputs = client.publish(inputsOf(player), { delivery: "datagram" });
    const state = client.subscribe(stateOf(player), { delivery, wait: 10_000 });
    const reader = meter.subscriber();
    state.onReadable(() => state.drain(({ bytes }) => reader.take(bytes)));
    await Promise.all([inputs.ready, state.ready]);
    const outlet = { send: (bytes: Buffer) => inputs.send(bytes) };
    roles.push(await publisher({ load: inputLoad(args.load) }, outlet));
  }
  return both(roles);
});
