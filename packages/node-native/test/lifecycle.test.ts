import { expect, test } from "vitest";
import { connect, type MoqError, startRelay } from "../src/index.js";
import { bytes, join, runChild, sleep, until } from "./support.js";

test("`await using` closes client and relay", async () => {
  let memoryUrl = "";
  let state: () => string = () => "";
  {
    await using relay = await startRelay();
    await using client = await join(relay);
    memoryUrl = relay.memoryUrl;
    state = () => client.state;
    expect(state()).toBe("open");
  }
  expect(state()).toBe("closed");
  await expect(connect(memoryUrl)).rejects.toMatchObject({ code: "not_found" });
});

test("a relay that goes away ends clients once, with a reason", async () => {
  const relay = await startRelay();
  const client = await join(relay, "quic", { reconnect: false });
  const track = client.publish(["gone", "a"]);
  await track.ready;
  const sub = client.subscribe(["gone", "a"]);
  await sub.ready;
  const states: string[] = [];
  const ends: (string | undefined)[] = [];
  client.onState((to, reason) => states.push(`${to} ${reason?.code}`));
  sub.onEnd((reason) => ends.push(reason.error?.code));
  const next = sub[Symbol.asyncIterator]()
    .next()
    .catch((error: MoqError) => error.code);
  await relay.close();
  await until(() => client.state === "closed");
  expect(ends).toHaveLength(1);
  expect(states).toHaveLength(1);
  expect(await next).toBe(ends[0]);
  expect(() => track.send(bytes("x"))).toThrow();
  expect(() => relay.stats()).toThrow(expect.objectContaining({ code: "closed" }));
  await client.close();
  await relay.close();
});

test("nothing is delivered after close resolved", async () => {
  await using relay = await startRelay();
  await using publisher = await join(relay);
  const subscriber = await join(relay);
  const track = publisher.publish(["after", "a"], { delivery: "datagram" });
  await track.ready;
  const sub = subscriber.subscribe(["after", "a"]);
  await sub.ready;
  let delivered = 0;
  sub.onReadable(() => {
    delivered += sub.drain(() => {}).objects;
  });
  const sending = setInterval(() => track.send(bytes("tick")), 1);
  await until(() => delivered > 20);
  await subscriber.close();
  const before = delivered;
  await sleep(50);
  clearInterval(sending);
  expect(delivered).toBe(before);
});

test("one burst is one wake, not one per object", async () => {
  await using relay = await startRelay();
  await using client = await join(relay, "memory");
  const track = client.publish(["wakes", "a"]);
  await track.ready;
  const sub = client.subscribe(["wakes", "a"]);
  await sub.ready;
  let wakes = 0;
  let objects = 0;
  sub.onReadable(() => {
    wakes += 1;
    objects += sub.drain(() => {}).objects;
  });
  for (let i = 0; i < 1_000; i++) track.send(bytes("burst"));
  await until(() => objects === 1_000);
  expect(wakes).toBeLessThan(200);
});

test("the process ends by itself, with clients open and nothing awaited", async () => {
  const result = await runChild("idle.mjs");
  expect(result).toMatchObject({ code: 0, signal: null });
  expect(result.messages).toEqual(["open"]);
});

test("the process stays alive while a subscription is read", async () => {
  const result = await runChild("reading.mjs");
  expect(result, result.output).toMatchObject({ code: 0, signal: null });
  expect(result.messages).toEqual([10]);
});

test("a worker that is terminated mid-stream, 20 times, harms nobody", async () => {
  const result = await runChild("workers.mjs", ["20"], 120_000);
  expect(result, result.output).toMatchObject({ code: 0, signal: null });
  expect(result.messages).toEqual([{ terminated: 20, still: "open" }]);
}, 130_000);

test("1,000 clients opened and closed leave no memory, thread or file behind", async () => {
  const result = await runChild("cycles.mjs", ["1000"], 170_000);
  expect(result, result.output).toMatchObject({ code: 0, signal: null });
  const [{ threads, files, rssGrowth }] = result.messages as [
    { threads: [number, number]; files: [number, number]; rssGrowth: number },
  ];
  expect(threads[1]).toBeLessThanOrEqual(threads[0]);
  expect(files[1]).toBeLessThanOrEqual(files[0] + 2);
  // Over the last 600 cycles. One buffer of 64 KiB left behind by each would be 39 MB.
  expect(rssGrowth).toBeLessThan(24_000_000);
}, 180_000);
