import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Delivery, type MoqObject, type Relay, startRelay } from "../src/index.js";
import { bytes, join, text, until, WAYS } from "./support.js";

const CLASSES: readonly Delivery[] = ["reliable", "latest", "deadline", "datagram"];

let relay: Relay;

beforeAll(async () => {
  relay = await startRelay();
});

afterAll(() => relay.close());

describe.each(WAYS)("over %s", (way) => {
  test.each(CLASSES)("%s arrives, and an empty object too", async (delivery) => {
    const publisher = await join(relay, way);
    const subscriber = await join(relay, way);
    const track = publisher.publish([`all/${way}`, delivery], { delivery });
    await track.ready;
    const sub = subscriber.subscribe([`all/${way}`, delivery]);
    await sub.ready;
    expect(sub.delivery).toBe(delivery);
    await until(() => track.subscribers === 1);
    const seen: MoqObject[] = [];
    const reading = (async () => {
      for await (const batch of sub) seen.push(...batch);
    })();
    for (const word of ["one", "", "three"]) {
      expect(track.send(bytes(word))).toBe(true);
      // One at a time: classes that drop may skip what comes too quickly.
      await until(() => seen.length > 0 && text(seen[seen.length - 1]!.bytes) === word);
    }
    expect(seen.map((object) => text(object.bytes))).toEqual(["one", "", "three"]);
    for (const object of seen) {
      expect(Math.abs(object.receivedAt - performance.now())).toBeLessThan(20_000);
      expect(object.publishedAt === undefined).toBe(delivery !== "deadline");
    }
    expect(seen[0]?.keyframe).toBe(true);
    await track.end({ flush: 10_000 });
    await reading;
    await Promise.all([publisher.close(), subscriber.close()]);
  });

  test("a burst of a reliable track is read with drain, whole and in order", async () => {
    const publisher = await join(relay, way);
    const subscriber = await join(relay, way);
    const track = publisher.publish([`burst/${way}`, "world"], { queueBytes: 8 << 20 });
    await track.ready;
    const sub = subscriber.subscribe([`burst/${way}`, "world"]);
    await sub.ready;
    for (let i = 0; i < 2_000; i++) {
      const sent = i % 100 === 0 ? track.keyframe(bytes(`${i}`)) : track.send(bytes(`${i}`));
      expect(sent).toBe(true);
    }
    const seen: number[] = [];
    let drains = 0;
    await until(
      () => {
        drains += 1;
        const { objects } = sub.drain((object) => seen.push(Number(text(object.bytes))), {
          maxObjects: 256,
        });
        expect(objects).toBeLessThanOrEqual(256);
        return seen.length >= 2_000;
      },
      () => `${seen.length} of 2000`,
    );
    expect(seen).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
    expect(drains).toBeGreaterThan(7);
    await Promise.all([publisher.close(), subscriber.close()]);
  });
});

test("send returns false when the queue is full, and writable resolves", async () => {
  const publisher = await join(relay);
  const subscriber = await join(relay);
  const track = publisher.publish(["pressure", "world"], { queueBytes: 64 << 10 });
  await track.ready;
  const sub = subscriber.subscribe(["pressure", "world"]);
  await sub.ready;
  let read = 0;
  let refused = 0;
  const total = 3_000;
  const reading = (async () => {
    for await (const batch of sub) read += batch.length;
  })();
  for (let i = 0; i < total; ) {
    if (track.send(new Uint8Array(10_000))) i += 1;
    else {
      refused += 1;
      await track.writable();
    }
  }
  expect(refused).toBeGreaterThan(0);
  await track.end({ flush: 10_000 });
  await reading;
  expect(read).toBe(total);
  await Promise.all([publisher.close(), subscriber.close()]);
});

test("a datagram over the limit is refused with the limit, and the subscription goes on", async () => {
  const client = await join(relay);
  const track = client.publish(["limit", "pings"], { delivery: "datagram" });
  await track.ready;
  const sub = client.subscribe(["limit", "pings"]);
  await sub.ready;
  expect(() => track.send(new Uint8Array(1_500))).toThrow(
    expect.objectContaining({ code: "too_large", message: expect.stringContaining("1090") }),
  );
  expect(track.send(new Uint8Array(1_090))).toBe(true);
  let size = 0;
  await until(() => {
    sub.drain((object) => {
      size = object.bytes.length;
    });
    return size > 0;
  });
  expect(size).toBe(1_090);
  await client.close();
});

test("discover, fetch and status", async () => {
  const publisher = await join(relay);
  const subscriber = await join(relay, "webtransport");
  const changes = subscriber.discover("lobby/")[Symbol.asyncIterator]();
  const track = publisher.publish(["lobby/1", "world"]);
  await track.ready;
  expect(await changes.next()).toEqual({
    done: false,
    value: { kind: "added", namespace: ["lobby", "1"] },
  });
  track.keyframe(bytes("snapshot"));
  track.send(bytes("delta"));
  const sub = subscriber.subscribe(["lobby/1", "world"]);
  const seen: MoqObject[] = [];
  await until(() => {
    sub.drain((object) => seen.push({ ...object, bytes: object.bytes.slice() }));
    return seen.length === 2;
  });
  const group = seen[0]!.group;
  const past: string[] = [];
  const range = { fromGroup: group, toGroup: group };
  for await (const batch of subscriber.fetch(["lobby/1", "world"], range)) {
    past.push(...batch.map((object) => text(object.bytes)));
  }
  expect(past).toEqual(["snapshot", "delta"]);
  expect(await subscriber.status(["lobby/1", "world"])).toEqual({
    largest: { group, object: 1 },
    delivery: "reliable",
  });
  await publisher.close();
  expect((await changes.next()).value).toEqual({ kind: "removed", namespace: ["lobby", "1"] });
  await subscriber.close();
});

test("statistics of client and relay move", async () => {
  const client = await join(relay);
  const track = client.publish(["stats", "a"]);
  await track.ready;
  const sub = client.subscribe(["stats", "a"]);
  await sub.ready;
  for (let i = 0; i < 10; i++) track.send(new Uint8Array(100));
  await until(() => sub.stats.objects === 10);
  await until(() => client.stats().publications[0]?.objects === 10);
  // What the connection counts comes with its next acknowledgements.
  await until(
    () => (client.stats().rtt ?? 0) > 0 && (client.stats().bytesSent ?? 0) > 1_000,
    () => JSON.stringify(client.stats()),
  );
  const stats = client.stats();
  expect(stats.state).toBe("open");
  expect(stats.subscriptions[0]).toMatchObject({ track: "stats/a", objects: 10, bytes: 1_000 });
  expect(stats.publications[0]).toMatchObject({ subscribers: 1, bytes: 1_000 });
  expect(relay.stats()).toMatchObject({ sessions: { open: expect.any(Number) } });
  await client.close();
});

test("while records keep coming, other work has its turn between wakes", async () => {
  const publisher = await join(relay);
  const subscriber = await join(relay);
  const track = publisher.publish(["turns", "echo"]);
  await track.ready;
  const sub = subscriber.subscribe(["turns", "echo"]);
  await sub.ready;
  let turn = 0;
  let running = true;
  const countTurns = (): void => {
    turn += 1;
    if (running) setImmediate(countTurns);
  };
  setImmediate(countTurns);
  const wakes = new Map<number, number>();
  let seen = 0;
  sub.onReadable(() => {
    wakes.set(turn, (wakes.get(turn) ?? 0) + 1);
    sub.drain(() => {
      seen += 1;
    });
    track.send(bytes("again"));
    // Long enough for the next one to arrive while the script is busy.
    const until = performance.now() + 4;
    while (performance.now() < until) {}
  });
  track.keyframe(bytes("first"));
  await until(
    () => seen >= 100,
    () => `${seen} of 100`,
  );
  running = false;
  expect(Math.max(...wakes.values())).toBeLessThanOrEqual(2);
  await Promise.all([publisher.close(), subscriber.close()]);
});
