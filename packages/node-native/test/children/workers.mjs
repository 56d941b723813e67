// Terminates workers while data flows into them. The relay and a client live in the main thread.
import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { connect, startRelay } from "../../dist/index.js";

if (isMainThread) {
  const rounds = Number(process.argv[2]);
  const relay = await startRelay();
  const options = { serverCertificateHashes: [relay.certificateHash] };
  const client = await connect(relay.memoryUrl);
  const track = client.publish(["flood", "a"], { delivery: "datagram" });
  await track.ready;
  const flood = setInterval(() => {
    for (let i = 0; i < 20; i++) track.send(new Uint8Array(200));
  }, 1);
  let terminated = 0;
  for (let round = 0; round < rounds; round++) {
    const url = round % 2 === 0 ? relay.url.replace("https:", "moqt:") : relay.memoryUrl;
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { url, options: round % 2 === 0 ? options : {} },
    });
    const [message] = await once(worker, "message");
    if (message !== "flowing") throw new Error(String(message));
    await new Promise((done) => setTimeout(done, round % 7));
    await worker.terminate();
    terminated += 1;
  }
  clearInterval(flood);
  const still = client.state;
  await client.close();
  await relay.close();
  process.send({ terminated, still }, () => process.disconnect());
} else {
  const client = await connect(workerData.url, workerData.options);
  const sub = client.subscribe(["flood", "a"]);
  let objects = 0;
  // Busy in both directions, so that the end comes at any moment.
  const track = client.publish([`worker/${process.hrtime.bigint()}`, "b"]);
  sub.onReadable(() => {
    objects += sub.drain(() => {}).objects;
    track.send(new Uint8Array(100));
    if (objects > 50) parentPort.postMessage("flowing");
  });
}
