// Opens and closes clients, one after the other, and measures what is left behind.
import { readdirSync } from "node:fs";
import { connect, startRelay } from "../../dist/index.js";

const cycles = Number(process.argv[2]);
const relay = await startRelay();
const quic = relay.url.replace("https:", "moqt:");
const options = { serverCertificateHashes: [relay.certificateHash] };

async function cycle(n) {
  const client = n % 2 === 0 ? await connect(quic, options) : await connect(relay.memoryUrl);
  const track = client.publish([`cycle/${n}`, "a"]);
  await track.ready;
  const sub = client.subscribe([`cycle/${n}`, "a"]);
  await sub.ready;
  track.send(new Uint8Array(1_000));
  for await (const batch of sub) if (batch.length > 0) break;
  await client.close();
}

function measure() {
  globalThis.gc();
  const count = (folder) => readdirSync(folder).length;
  return {
    rss: process.memoryUsage().rss,
    threads: count("/proc/self/task"),
    files: count("/proc/self/fd"),
  };
}

// What caches and allocators keep is there after these.
const warm = Math.floor(cycles * 0.4);
for (let n = 0; n < warm; n++) await cycle(n);
const before = measure();
for (let n = warm; n < cycles; n++) await cycle(n);
// Threads that were let go end by themselves.
const until = Date.now() + 10_000;
let after = measure();
while (after.threads > before.threads && Date.now() < until) {
  await new Promise((done) => setTimeout(done, 50));
  after = measure();
}
await relay.close();
process.send(
  {
    threads: [before.threads, after.threads],
    files: [before.files, after.files],
    rssGrowth: after.rss - before.rss,
  },
  () => process.disconnect(),
);
