// The relay of the soak, in a process of its own. Answers every message with what it holds.
import { startRelay } from "@moq-game/node-native";
import { usage } from "./usage.mjs";

const relay = await startRelay();
process.on("message", async (ask) => {
  if (ask === "end") {
    await relay.close();
    process.disconnect();
    return;
  }
  process.send({ ...usage(), stats: relay.stats() });
});
process.send({ port: relay.port, certificateHash: relay.certificateHash });
