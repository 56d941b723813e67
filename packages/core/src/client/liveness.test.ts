import { expect, it } from "vitest";
import { TestHost } from "../../test/client-pair.js";
import { type MemoryPair, memoryPair } from "../memory.js";
import type { Transport, TransportEvents } from "../transport.js";
import { PADDING_STREAM, padding } from "../wire/padding.js";
import { clockOf } from "./host.js";
import { Liveness } from "./liveness.js";

const NOTHING: TransportEvents = {
  data: () => {},
  reset: () => {},
  stopped: () => {},
  writable: () => {},
  acked: () => {},
  streamsAvailable: () => {},
  datagramsAvailable: () => {},
  datagram: () => {},
  closed: () => {},
};

/** A liveness watch on one end; the other end only tells what arrived. */
function watch(options = { keepAlive: 4_000, idleTimeout: 15_000 }) {
  const host = new TestHost();
  const memory: MemoryPair = memoryPair({ schedule: "manual" });
  const seen = { lostAt: -1, probes: 0, bytes: [] as number[] };
  const start = host.time;
  const transport: Transport = memory.a;
  const liveness = new Liveness(transport, clockOf(host), options, () => {
    seen.lostAt = host.time - start;
  });
  transport.start({ ...NOTHING, acked: (id) => void liveness.acked(id) });
  memory.b.start({
    ...NOTHING,
    data: (_id, _dir, data, fin) => {
      seen.bytes.push(...data);
      if (fin) seen.probes += 1;
    },
  });
  const advance = (ms: number, connected = true): void => {
    for (let left = ms; left > 0; left -= 100) {
      host.advance(Math.min(100, left));
      if (connected) memory.run();
    }
  };
  liveness.start();
  if (options.keepAlive > 0) memory.run();
  return { host, liveness, seen, advance };
}

it("sends five bytes of padding each keepAlive ms while nothing is heard", () => {
  const { seen, advance, liveness, host } = watch();
  expect(seen.bytes).toEqual([...padding(PADDING_STREAM, 0)]);
  advance(60_000);
  expect(seen).toMatchObject({ lostAt: -1, probes: 16 });
  // One who is heard anyway is not asked.
  for (let i = 0; i < 60; i++) {
    liveness.heard();
    advance(1_000);
  }
  expect(seen.probes).toBe(16);
  liveness.stop();
  expect(host.timers).toBe(0);
});

it("is lost after idleTimeout ms of silence", () => {
  const { seen, advance, host } = watch();
  advance(8_000);
  advance(14_900, false);
  expect(seen.lostAt).toBe(-1);
  advance(4_200, false);
  expect(seen.lostAt).toBeGreaterThanOrEqual(23_000);
  expect(host.timers).toBe(0);
});

it("does not count the time for which this side slept", () => {
  const { seen, advance, host } = watch();
  advance(8_000);
  host.time += 3_600_000;
  advance(8_000);
  expect(seen.lostAt).toBe(-1);
});

it("judges nobody who never acknowledged, and does nothing without keepAlive", () => {
  const host = new TestHost();
  const memory = memoryPair({ schedule: "manual" });
  let lost = false;
  const options = { keepAlive: 1_000, idleTimeout: 2_000 };
  new Liveness(memory.a, clockOf(host), options, () => {
    lost = true;
  }).start();
  host.advance(60_000);
  expect(lost).toBe(false);

  const off = watch({ keepAlive: 0, idleTimeout: 15_000 });
  off.advance(60_000, false);
  expect(off.seen).toMatchObject({ lostAt: -1, probes: 0 });
});
