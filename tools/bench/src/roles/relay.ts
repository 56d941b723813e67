/** Our relay, embedded in Node; with `subscribers: 0` a script of the same process reads the track. */
import { connect, startRelay } from "@moq-game/node-native";
import { play, subscriber } from "./role.js";
import { NAMESPACE, readAll, TRACK } from "./track.js";

play(async (args) => {
  const relay = await startRelay();
  const details = { url: relay.url, certificateHash: relay.certificateHash };
  if (args.load.subscribers > 0) return { details };
  const { meter, role } = subscriber(args, details);
  const client = await connect(relay.memoryUrl);
  const subscription = client.subscribe([NAMESPACE, TRACK], { start: "now", wait: 60_000 });
  const reader = meter.subscriber();
  readAll(subscription, reader);
  return { ...role, details };
});
