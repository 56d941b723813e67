// A match with everything that changes in one: steady readers, readers on a network that loses packets and now and
// then everything, clients that come, publish, read, rewind and go.

import { startImpair } from "@moq-game/impair";
import { connect } from "@moq-game/node-native";
import { AgeMeter, numbered, Reader, wait } from "./meters.mjs";
import { usage } from "./usage.mjs";

const { port, certificateHash } = JSON.parse(process.argv[2]);
/** Visitors at one time. */
const VISITORS = 4;
const OUTAGE = { every: 10_000, ms: 2_500 };
const OPTIONS = {
  serverCertificateHashes: [certificateHash],
  keepAlive: 300,
  idleTimeout: 1_500,
  reconnect: { initialDelay: 50, maxDelay: 300 },
};
const TRACKS = ["reliable", "latest", "deadline", "datagram"];

const url = (to) => `moqt://127.0.0.1:${to}`;
const counts = { visits: 0, reconnects: 0, fetched: 0, refused: 0 };
let over = false;

const proxy = await startImpair({
  target: `127.0.0.1:${port}`,
  seed: 1,
  both: { delay: 10, jitter: 5, loss: 0.02 },
});
const publisher = await connect(url(port), OPTIONS);
const near = await connect(url(port), OPTIONS);
const far = await connect(url(proxy.port), OPTIONS);
far.onState((state) => {
  if (state === "reconnecting") counts.reconnects += 1;
});

const published = TRACKS.map((delivery) =>
  publisher.publish(["soak", delivery], {
    delivery,
    ...(delivery === "deadline" ? { deadline: 1_000 } : {}),
  }),
);
await Promise.all(published.map((track) => track.ready));
const age = new AgeMeter();
const readers = TRACKS.flatMap((delivery) => [
  new Reader(near.subscribe(["soak", delivery]), delivery, "near", age),
  new Reader(far.subscribe(["soak", delivery]), delivery, "far", undefined),
]);

let tick = 0;
const ticks = setInterval(() => {
  tick += 1;
  for (const track of published) {
    const whole = tick % 60 === 0 && track.delivery === "reliable";
    const sent = whole ? track.keyframe(numbered(tick, 8_000)) : track.send(numbered(tick, 100));
    if (!sent) counts.refused += 1;
  }
}, 1_000 / 60);
const outages = setInterval(() => proxy.outage(OUTAGE.ms), OUTAGE.every);

/** One client's life. */
async function visit(number) {
  const client = await connect(url(port), OPTIONS);
  try {
    const own = client.publish([`soak-visitors/${number}`, "pose"], { delivery: "latest" });
    const world = client.subscribe(["soak", "reliable"]);
    await Promise.all([own.ready, world.ready]);
    own.send(numbered(number, 100));
    let newest = 0;
    for await (const batch of world) {
      newest = batch.at(-1)?.group ?? newest;
      if (newest > 0) break;
    }
    const past = { fromGroup: Math.max(0, newest - 3), toGroup: newest };
    for await (const batch of client.fetch(["soak", "reliable"], past))
      counts.fetched += batch.length;
    for await (const change of client.discover("soak")) if (change.kind === "added") break;
    counts.visits += 1;
  } finally {
    // Some say goodbye, some do not wait.
    await client.close(number % 2 === 0 ? { flush: 100 } : {});
  }
}

const failures = [];
const visitors = Array.from({ length: VISITORS }, async (_, lane) => {
  for (let number = lane; !over; number += VISITORS) {
    await visit(number).catch((error) => failures.push(String(error)));
    await wait(20);
  }
});

async function end() {
  clearInterval(outages);
  over = true;
  await Promise.all(visitors);
  // The last updates arrive everywhere before the end.
  await wait(OUTAGE.ms + 1_500);
  clearInterval(ticks);
  await wait(1_000);
  const verdicts = readers.map((reader) => reader.verdict(tick));
  await Promise.all([publisher.close(), near.close(), far.close()]);
  await proxy.close();
  return verdicts;
}

process.on("message", async (ask) => {
  if (ask !== "end") {
    process.send({ ...usage(), counts: { ...counts }, ages: age.take() });
    return;
  }
  const verdicts = await end();
  process.send({ verdicts, failures: failures.slice(0, 5), failed: failures.length, ...usage() });
  process.disconnect();
});
process.send("ready");
