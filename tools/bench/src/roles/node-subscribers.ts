/** Subscribers with @moq-game/node-native, each a client of its own. */
import { connect, type Delivery } from "@moq-game/node-native";
import { play, subscriber } from "./role.js";
import { NAMESPACE, readAll, trackNames } from "./track.js";

/** Clients that connect at one time. */
const CONNECTING = 32;

play(async (args) => {
  const { meter, role } = subscriber(args);
  const trust = { serverCertificateHashes: [args.certificateHash ?? ""], connectTimeout: 60_000 };
  const delivery = args.delivery as Delivery;
  const one = async (): Promise<void> => {
    const client = await connect(args.url ?? "", trust);
    const subscriptions = trackNames(args.load).map((name) => {
      const subscription = client.subscribe([NAMESPACE, name], { delivery, wait: 10_000 });
      readAll(subscription, meter.subscriber());
      return subscription.ready;
    });
    await Promise.all(subscriptions);
  };
  for (let left = args.load.subscribers; left > 0; left -= CONNECTING) {
    await Promise.all(Array.from({ length: Math.min(left, CONNECTING) }, one));
  }
  return role;
});
