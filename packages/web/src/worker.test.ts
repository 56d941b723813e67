import type { MoqObject } from "@moq-game/core";
import { MoqError } from "@moq-game/core";
import { describe, expect, it } from "vitest";
import { connect } from "./connect.js";
import {
  AHEAD,
  decodeBatch,
  encodeBatch,
  postEnd,
  readEnd,
  type ToPage,
  type ToWorker,
} from "./worker-protocol.js";

function object(group: number, bytes: number[], publishedAt?: number): MoqObject {
  return {
    group,
    object: group % 2,
    subgroup: 0,
    bytes: Uint8Array.from(bytes),
    receivedAt: 1_000 + group,
    publishedAt,
    keyframe: group % 2 === 0,
  };
}

describe("what page and worker post", () => {
  it("carries batches with empty objects and absent times", () => {
    const objects = [object(2, [1, 2, 3], 1_700_000_000_123), object(3, []), object(4, [9])];
    const back = decodeBatch(encodeBatch(objects), 50);
    expect(back).toEqual(objects.map((o) => ({ ...o, receivedAt: o.receivedAt + 50 })));
  });

  it("carries errors with everything that they say", () => {
    const error = new MoqError("unauthorized", "no", { peerCode: 2, retryable: true });
    const back = readEnd(structuredClone(postEnd({ kind: "error", error })));
    expect(back.error).toBeInstanceOf(MoqError);
    expect(back.error).toMatchObject({
      code: "unauthorized",
      message: "no",
      peerCode: 2,
      retryable: true,
    });
  });
});

/** A worker whose side the test plays. */
class TestWorker {
  onmessage: ((event: { data: ToPage }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  readonly received: ToWorker[] = [];
  terminated = false;

  postMessage(message: ToWorker): void {
    this.received.push(message);
  }

  terminate(): void {
    this.terminated = true;
  }

  say(message: ToPage): void {
    this.onmessage?.({ data: message });
  }

  of<T extends ToWorker["type"]>(type: T): (ToWorker & { type: T })[] {
    return this.received.filter(
      (message): message is ToWorker & { type: T } => message.type === type,
    );
  }
}

async function opened() {
  const worker = new TestWorker();
  const connecting = connect("https://127.0.0.1:9", { worker: () => worker as unknown as Worker });
  await Promise.resolve();
  worker.say({
    type: "connected",
    timeOrigin: performance.timeOrigin,
    protocol: {
      draft: 18,
      transport: "webtransport",
      peer: "test",
      capabilities: { fetch: true, discover: true, datagrams: true, subscribeUpdate: true },
    },
  });
  return { worker, client: await connecting };
}

describe("the page's client", () => {
  it("posts the updates of one turn together and takes no more than the queue holds", async () => {
    const { worker, client } = await opened();
    const track = client.publish(["m", "w"], { queueBytes: 1_000 });
    const sent: boolean[] = [];
    for (let i = 0; i < 10; i++) sent.push(track.send(new Uint8Array(136)));
    expect(sent).toEqual([true, true, true, true, true, false, false, false, false, false]);
    await Promise.resolve();
    expect(worker.of("send").map(({ updates }) => updates.length)).toEqual([5]);
    let writable = false;
    const waiting = track.writable().then(() => {
      writable = true;
    });
    worker.say({ type: "taken", id: 1, objects: 1, bytes: 136 });
    await Promise.resolve();
    expect(writable).toBe(false);
    worker.say({ type: "taken", id: 1, objects: 2, bytes: 272 });
    await waiting;
    expect(track.send(new Uint8Array(1))).toBe(true);
  });

  it("replaces updates of a latest track instead of refusing them", async () => {
    const { worker, client } = await opened();
    const track = client.publish(["m", "p"], { delivery: "latest", queueBytes: 1_000 });
    for (let i = 0; i < 50; i++) expect(track.send(new Uint8Array(400).fill(i))).toBe(true);
    await Promise.resolve();
    const posted = worker.of("send").flatMap(({ updates }) => updates.map(({ bytes }) => bytes[0]));
    expect(posted).toEqual([0, 1]);
    worker.say({ type: "taken", id: 1, objects: 2, bytes: 800 });
    await Promise.resolve();
    expect(
      worker.of("send").flatMap(({ updates }) => updates.map(({ bytes }) => bytes[0])),
    ).toEqual([0, 1, 49]);
    expect(client.stats().publications[0]?.dropped).toBe(47);
  });

  it("holds the worker back while its reader is full, and delivers in order", async () => {
    const { worker, client } = await opened();
    const reader = client.subscribe(["m", "w"], { queueBytes: 1_000 });
    worker.say({ type: "ready", id: 1, error: undefined, delivery: "reliable" });
    await reader.ready;
    const objects = Array.from({ length: 20 }, (_, i) => object(i, [i]));
    worker.say({ type: "objects", id: 1, batch: encodeBatch(objects) });
    expect(worker.of("hold").map(({ held }) => held)).toEqual([true]);
    const got: number[] = [];
    reader.drain(({ bytes }) => got.push(bytes[0] ?? -1));
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(worker.of("hold").map(({ held }) => held)).toEqual([true, false]);
  });

  it("keeps the worker's counters of each subscription when its track has ended", async () => {
    const { worker, client } = await opened();
    const [one, two] = [client.subscribe(["m", "w"]), client.subscribe(["m", "w"])];
    const counted = { ...one.stats, late: 3, stale: 1, reset: 2, overflow: 4 };
    const stats = client.stats();
    const report = { type: "stats", stats, protocol: client.protocol, subscribers: [] } as const;
    worker.say({ ...report, subscriptions: [[1, counted]] });
    expect(one.stats).toMatchObject({ late: 3, stale: 1, reset: 2, overflow: 4 });
    expect(two.stats).toMatchObject({ late: 0, stale: 0, reset: 0, overflow: 0 });
    const end = { kind: "ended", error: undefined } as const;
    worker.say({ type: "end", id: 1, end, stats: { ...counted, late: 5 } });
    worker.say({ ...report, subscriptions: [] });
    expect(one.stats).toMatchObject({ late: 5, stale: 1, reset: 2, overflow: 4 });
  });

  it("gives the worker room for further results only as they are read", async () => {
    const { worker, client } = await opened();
    const found = client.discover("m/")[Symbol.asyncIterator]();
    const change = (n: number) => ({ kind: "added" as const, namespace: ["m", String(n)] });
    for (let n = 0; n < AHEAD.discover; n++)
      worker.say({ type: "change", id: 1, change: change(n) });
    expect(worker.of("more")).toEqual([]);
    for (let n = 0; n < AHEAD.discover; n++) {
      expect((await found.next()).value).toEqual(change(n));
    }
    const half = { type: "more", id: 1, count: AHEAD.discover / 2 };
    expect(worker.of("more")).toEqual([half, half]);
    await found.return?.();
    expect(worker.of("stop")).toHaveLength(1);
  });

  it("tells of a worker that does not load", async () => {
    const worker = new TestWorker();
    const connecting = connect("https://127.0.0.1:9", {
      worker: () => worker as unknown as Worker,
    });
    await Promise.resolve();
    worker.onerror?.({ message: "404" });
    await expect(connecting).rejects.toMatchObject({ code: "unavailable" });
    expect(worker.terminated).toBe(true);
  });

  it("ends everything once when the worker loses the connection", async () => {
    const { worker, client } = await opened();
    const ends: unknown[] = [];
    const states: unknown[] = [];
    client.onState((state, error) => states.push([state, error?.code]));
    const reader = client.subscribe(["m", "w"]);
    reader.onEnd((reason) => ends.push([reason.kind, reason.error?.code]));
    const track = client.publish(["m", "v"]);
    const error = {
      code: "timeout",
      message: "lost",
      retryable: true,
      peerCode: undefined,
      reason: undefined,
    } as const;
    worker.say({ type: "end", id: 1, end: { kind: "error", error } });
    worker.say({ type: "state", state: "closed", error });
    worker.say({ type: "state", state: "closed", error });
    expect(ends).toEqual([["error", "timeout"]]);
    expect(states).toEqual([["closed", "timeout"]]);
    expect(() => track.send(new Uint8Array(1))).toThrow("lost");
    await client.close();
    expect(worker.terminated).toBe(true);
  });
});
