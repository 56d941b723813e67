/** What reading costs in memory: nothing in steady state, and a bounded amount for a slow reader. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { BATCH, BatchPort, BYTES } from "../../test/native/batch-port.js";
import { NativeClient } from "./client.js";

function open(subscriptions: number) {
  const port = new BatchPort();
  const host = { now: () => 0, schedule: (run: () => void) => void setImmediate(run) };
  const client = new NativeClient(port, host, "{}");
  const subs = Array.from({ length: subscriptions }, (_, n) =>
    client.subscribe(["match/42", `t${n}`], { delivery: "datagram", queueBytes: 64 << 20 }),
  );
  port.prepare(subs.map((_, n) => n + 2));
  return { port, client, subs };
}

/** Bytes of heap that `work` allocates, a garbage collection in between or not. */
function allocated(work: () => void, times: number): number {
  let sum = 0;
  for (let i = 0; i < times; i++) {
    const before = getHeapStatistics().used_heap_size;
    work();
    // Negative where a collection happened meanwhile: that stretch says nothing.
    sum += Math.max(0, getHeapStatistics().used_heap_size - before);
  }
  return sum;
}

test.each([1, 25])("an object that is drained allocates nothing (%i subscriptions)", (count) => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { port, subs } = open(count);
  let objects = 0;
  // Not a variable: a number that is no small integer would be a new one for each object.
  const sum = new Float64Array(1);
  const visit = (object: { readonly bytes: Uint8Array; readonly group: number }): void => {
    objects += 1;
    sum[0]! += object.bytes.length + object.group;
  };
  const ticks = (): void => {
    for (let i = 0; i < 8; i++) {
      port.waiting = 1;
      port.wakeUp();
      for (const sub of subs) sub.drain(visit);
    }
  };
  // A `drain` gives its result as an object, a wake runs a few functions; one object each with a
  // view of its bytes would be about 200.
  const bound = count === 1 ? 8 : 24;
  let least = Infinity;
  // Code that the engine has not optimised yet allocates numbers; that takes it a while on a busy
  // machine.
  for (let round = 0; round < 200 && least >= bound; round++) {
    collect();
    objects = 0;
    const bytes = allocated(ticks, 20);
    expect(objects).toBe(20 * 8 * BATCH);
    least = Math.min(least, bytes / objects);
  }
  expect(sum[0]).toBeGreaterThan(0);
  expect(least).toBeLessThan(bound);
});

test("a reader that is far behind holds a bounded number of slabs, and loses nothing", () => {
  const { port, subs } = open(1);
  const sub = subs[0];
  // 20 MB of records: more than slabs are held for.
  const rounds = 500;
  for (let i = 0; i < rounds; i++) {
    port.waiting = 1;
    port.wakeUp();
  }
  const buffers = new Set<ArrayBufferLike>();
  let own = 0;
  let objects = 0;
  let wrong = 0;
  sub?.drain((object) => {
    if (object.group !== 1_767_225_600_000 + (objects % BATCH)) wrong += 1;
    if (object.bytes[0] !== ((objects % BATCH) & 0xff)) wrong += 1;
    objects += 1;
    if (object.bytes.buffer.byteLength === BYTES) own += 1;
    else buffers.add(object.bytes.buffer);
  });
  expect([objects, wrong]).toEqual([rounds * BATCH, 0]);
  expect(own).toBeGreaterThan(0);
  expect(buffers.size).toBeLessThanOrEqual(33);
});
