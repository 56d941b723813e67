// What a game thread pays in a Puerts host: `node test/unreal-host/scripts/bench.mjs` after `npm test -- unreal`.
// Everything goes over QUIC through a relay; timed is the thread of the script alone, while it
// takes what the library's thread has received before. In turns with a binding that calls a function per object.
//   --quick: few rounds, to see that it works.   --json: the results as JSON.
//   --relay URL HASH: a relay elsewhere, for a Node that is too old for the one of @moq-game/node-native.

process.env.MOQ_PUERTS_PER_OBJECT = "1";
const { cpus } = await import("node:os");
const { puertsHost, unreal } = await import("../dist/index.js");

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 5 : 40;
const OBJECTS = 16_384;
const SIZE = 64;
const PUBLISHED_SIZE = 100;
const TRACKS = 200;
const TICKS = quick ? 30 : 300;
const PUBLISHES = quick ? 20_000 : 200_000;

const { connect, tick } = unreal();
const { cpp } = puertsHost();
const named = process.argv.indexOf("--relay");
const relay =
  named > 0
    ? { url: process.argv[named + 1], certificateHash: process.argv[named + 2], close() {} }
    : await (await import("@moq-game/node-native")).startRelay({
        limits: { queueBytes: 64 * 1024 * 1024 },
      });
const url = relay.url.replace(/^https:/, "moqt:");
const trust = { serverCertificateHashes: [relay.certificateHash] };

const pause = new Int32Array(new SharedArrayBuffer(4));
/** Stands still without giving the event loop a turn: the library's thread works on. */
const stand = (ms) => Atomics.wait(pause, 0, 0, ms);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const at = (numbers, share) =>
  [...numbers].sort((a, b) => a - b)[
    Math.min(numbers.length - 1, Math.floor(numbers.length * share))
  ];

const results = {};

/** Objects a second into the script, and the same through a function per object. */
async function drain() {
  const publisher = await connect(url, trust);
  const reader = await connect(url, trust);
  const large = { queueBytes: 64 * 1024 * 1024 };
  const name = ["bench", "drain"];
  const track = publisher.publish(name, { delivery: "reliable", ...large });
  const subscription = reader.subscribe(name, { wait: 10_000, ...large });
  const perObject = new cpp.MoqPerObject();
  const other = perObject.Open(JSON.stringify({ url, ...trust }));
  perObject.Subscribe(
    other,
    JSON.stringify({ namespace: ["bench"], name: "drain", wait: 10_000, ...large }),
  );
  await Promise.all([track.ready, subscription.ready]);
  while ((track.subscribers ?? publisher.stats().publications[0].subscribers) < 1) {
    await new Promise((done) => setTimeout(done, 5));
  }
  stand(200);
  const bytes = new Uint8Array(SIZE).fill(7);
  let sum = 0;
  const visit = (object) => {
    sum += object.bytes[0] + object.bytes.length;
  };
  const call = (_handle, _group, _object, buffer) => {
    const view = new Uint8Array(buffer);
    sum += view[0] + view.length;
  };
  /** Times until all came; what the library had not received yet is waited for, outside the time. */
  const timed = (take) => {
    let got = 0;
    let spent = 0;
    const end = Date.now() + 20_000;
    while (got < OBJECTS) {
      const from = process.hrtime.bigint();
      const more = take();
      spent += Number(process.hrtime.bigint() - from);
      got += more;
      if (more === 0) stand(2);
      if (Date.now() > end) throw new Error(`${got} of ${OBJECTS} objects came`);
    }
    return (OBJECTS / spent) * 1e9;
  };
  const ours = [];
  const theirs = [];
  for (let round = 0; round < ROUNDS + 3; round++) {
    for (let i = 0; i < OBJECTS; i++) {
      if (i % 1_024 === 0) track.keyframe(bytes);
      else track.send(bytes);
    }
    // The end of the turn sends what waits.
    await null;
    stand(150);
    const bridge = timed(() => {
      tick();
      return subscription.drain(visit).objects;
    });
    const single = timed(() => perObject.Drain(call));
    if (round < 3) continue;
    ours.push(bridge);
    theirs.push(single);
  }
  if (sum === 0) throw new Error("nothing was read");
  results.drain = {
    objectsPerSecond: Math.round(median(ours)),
    perObjectCallback: Math.round(median(theirs)),
  };
  perObject.Close();
  await Promise.all([publisher.close(), reader.close()]);
}

/** 200 tracks at 60 Hz with 100 bytes: the game thread's time in a tick. */
async function tracks() {
  const publisher = await connect(url, trust);
  const reader = await connect(url, trust);
  const names = Array.from({ length: TRACKS }, (_, i) => ["bench", `track ${i}`]);
  const published = names.map((name) => publisher.publish(name, { delivery: "latest" }));
  const subscriptions = names.map((name) => reader.subscribe(name, { wait: 10_000 }));
  await Promise.all([...published, ...subscriptions].map((each) => each.ready));
  const bytes = new Uint8Array(100);
  const reading = [];
  const writing = [];
  let objects = 0;
  const visit = (object) => {
    objects += object.bytes.length === 100 ? 1 : 0;
  };
  for (let i = 0; i < TICKS; i++) {
    let from = process.hrtime.bigint();
    for (const track of published) track.send(bytes);
    await null;
    writing.push(Number(process.hrtime.bigint() - from) / 1e6);
    stand(1_000 / 60);
    from = process.hrtime.bigint();
    tick();
    for (const subscription of subscriptions) subscription.drain(visit);
    reading.push(Number(process.hrtime.bigint() - from) / 1e6);
  }
  results.tracks = {
    readMedianMs: median(reading),
    readP99Ms: at(reading, 0.99),
    writeMedianMs: median(writing),
    updatesSeen: objects / (TRACKS * TICKS),
  };
  await Promise.all([publisher.close(), reader.close()]);
}

/** One native publish, one through the package, and one through a binding that copies twice and sends each by itself. */
async function publish() {
  const client = await connect(url, trust);
  const track = client.publish(["bench", "publish"], { delivery: "latest" });
  await track.ready;
  const bytes = new Uint8Array(PUBLISHED_SIZE);
  const script = [];
  for (let i = 0; i < PUBLISHES; i += 1_000) {
    const from = process.hrtime.bigint();
    for (let n = 0; n < 1_000; n++) track.send(bytes);
    script.push(Number(process.hrtime.bigint() - from) / 1_000);
    await new Promise((done) => setTimeout(done, 0));
  }
  await client.close();
  const bridge = new cpp.MoqBridge();
  const handle = bridge.Open(0, "client", JSON.stringify({ url, ...trust, reconnect: false }));
  const publication = bridge.Open(
    handle,
    "publish",
    '{"namespace":["bench"],"name":"native","delivery":"latest"}',
  );
  const other = new cpp.MoqPerObject();
  const otherClient = other.Open(JSON.stringify({ url, ...trust, reconnect: false }));
  const otherTrack = other.OpenPublication(
    otherClient,
    '{"namespace":["bench"],"name":"naive","delivery":"latest"}',
  );
  const native = [];
  const naive = [];
  const empty = [];
  for (let i = 0; i < PUBLISHES; i += 1_000) {
    let from = process.hrtime.bigint();
    // The flag says that more follow, as the package does within a turn.
    for (let n = 0; n < 1_000; n++) bridge.Publish(publication, 2, bytes);
    native.push(Number(process.hrtime.bigint() - from) / 1_000);
    bridge.Flush(handle);
    from = process.hrtime.bigint();
    for (let n = 0; n < 1_000; n++) other.Publish(otherClient, otherTrack, bytes);
    naive.push(Number(process.hrtime.bigint() - from) / 1_000);
    from = process.hrtime.bigint();
    for (let n = 0; n < 1_000; n++) bridge.Now();
    empty.push(Number(process.hrtime.bigint() - from) / 1_000);
    await new Promise((done) => setTimeout(done, 0));
  }
  bridge.Close(handle, -1);
  other.Close();
  results.publish = {
    packageNs: Math.round(median(script)),
    nativeNs: Math.round(median(native)),
    naiveNs: Math.round(median(naive)),
    emptyCallNs: Math.round(median(empty)),
  };
}

await drain();
await tracks();
await publish();
await relay.close();

if (process.argv.includes("--json")) {
  console.log(JSON.stringify(results));
} else {
  const { drain: d, tracks: t, publish: p } = results;
  const million = (rate) => `${(rate / 1e6).toFixed(2)} M/s`;
  console.log(
    `Puerts host on Node ${process.version}, V8 ${process.versions.v8}, ${cpus()[0]?.model}`,
  );
  console.log(`objects of ${SIZE} bytes into the script   ${million(d.objectsPerSecond)}`);
  console.log(`the same, a function called for each    ${million(d.perObjectCallback)}`);
  console.log(
    `${TRACKS} tracks × 60 Hz × 100 B, a tick       read ${t.readMedianMs.toFixed(3)} ms (p99 ${t.readP99Ms.toFixed(3)}), ` +
      `write ${t.writeMedianMs.toFixed(3)} ms, ${(t.updatesSeen * 100).toFixed(1)} % of updates seen`,
  );
  console.log(
    `publish of ${PUBLISHED_SIZE} bytes                   ${p.nativeNs} ns native, ${p.packageNs} ns through the package, ` +
      `${p.naiveNs} ns through the other binding, ${p.emptyCallNs} ns an empty call`,
  );
}
process.exit(0);
