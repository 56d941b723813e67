// Nothing but the awaited batches keeps this process alive.
import { connect, startRelay } from "../../dist/index.js";

process.channel?.unref();
const relay = await startRelay();
relay.unref();
const client = await connect(relay.memoryUrl);
const track = client.publish(["reading", "a"]);
await track.ready;
const sub = client.subscribe(["reading", "a"]);
await sub.ready;
let sent = 0;
const timer = setInterval(() => {
  track.send(new Uint8Array(8));
  sent += 1;
  if (sent === 10) clearInterval(timer);
}, 10);
timer.unref();
let read = 0;
for await (const batch of sub) {
  read += batch.length;
  if (read === 10) break;
}
process.send(read, () => process.disconnect());
