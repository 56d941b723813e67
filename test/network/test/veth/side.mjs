// One side of a case in a process of its own, so that it can run in a network namespace. The first
// message says what to play; letters go through the parent.

import { Post, playWith } from "@moq-game/contract";
import { connect, startRelay } from "@moq-game/node-native";
import { deliveryCases } from "../../dist/delivery-case.js";

// The parent ends both sides when one fails.
const post = new Post(() => {});
let relay;

async function play({ name, side, namespace, url, certificateHash }) {
  const contractCase = deliveryCases.find((each) => each.name === name);
  const client = await connect(url ?? relay.url, {
    serverCertificateHashes: [certificateHash ?? relay.certificateHash],
  });
  await playWith(client, contractCase, side, namespace, {
    tell: (letter, value) => process.send({ letter, value }),
    told: (letter) => post.told(letter),
    fail: () => {},
  });
}

process.on("message", async (message) => {
  try {
    if (message.listen !== undefined) {
      relay = await startRelay({ listen: message.listen, names: [message.listen.split(":")[0]] });
      process.send({
        relay: { url: relay.url, port: relay.port, certificateHash: relay.certificateHash },
      });
    } else if (message.letter !== undefined) post.tell(message.letter, message.value);
    else if (message.play !== undefined) {
      await play(message.play);
      process.send({ played: true });
    } else if (message.end) {
      await relay?.close();
      process.disconnect();
    }
  } catch (error) {
    process.send({ failed: error instanceof Error ? error.message : String(error) });
  }
});
