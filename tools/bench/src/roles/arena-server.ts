/** The arena's backend with the embedded relay. */
import { connect, type Delivery, startRelay } from "@moq-game/node-native";
import { Arena, inputsOf, stateOf } from "./arena.js";
import { play } from "./role.js";

play(async (args) => {
  const relay = await startRelay();
  const client = await connect(relay.memoryUrl);
  const delivery = args.delivery as Delivery;
  const players = Array.from({ length: args.load.subscribers }, (_, player) => player);
  const states = players.map((player) => client.publish(stateOf(player), { delivery }));
  const arena = new Arena(players.length, (player, state) => states[player]?.send(state));
  for (const player of players) {
    const inputs = client.subscribe(inputsOf(player), { start: "now", wait: 60_000 });
    inputs.onReadable(() => inputs.drain(({ bytes }) => arena.input(player, bytes)));
  }
  await Promise.all(states.map((state) => state.ready));
  const details = { url: relay.url, certificateHash: relay.certificateHash };
  return { details, start: () => arena.start() };
});
