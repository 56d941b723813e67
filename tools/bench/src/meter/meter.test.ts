import { expect, it } from "vitest";
import { Histogram } from "./histogram.js";
import { Meter } from "./meter.js";
import { readNumber, readSentAt, writeHeader } from "./payload.js";
import { Ticks } from "./ticks.js";

it("quantiles are within a bucket", () => {
  const histogram = new Histogram();
  for (let value = 1; value <= 10_000; value++) histogram.add(value);
  const { p50, p99, max } = histogram.quantiles();
  expect(Math.abs(p50 / 5_000 - 1)).toBeLessThan(0.02);
  expect(Math.abs(p99 / 9_900 - 1)).toBeLessThan(0.02);
  expect(max).toBe(10_000);
  expect(new Histogram().quantiles()).toEqual({ p50: 0, p99: 0, max: 0 });
});

it("the header holds numbers and times beyond 32 bits", () => {
  const bytes = new Uint8Array(16);
  for (const [number, time] of [
    [0, 1],
    [0xffff_ffff, 0x1_0000_0000],
    [2 ** 40 + 7, 2 ** 52 - 1],
  ] as const) {
    writeHeader(bytes, number, time);
    expect([readNumber(bytes), readSentAt(bytes)]).toEqual([number, time]);
  }
});

it("counts what is left out, what is late and how far a subscriber is", () => {
  let now = 1_000;
  const meter = new Meter(() => now);
  const subscriber = meter.subscriber();
  const take = (number: number): void => {
    const bytes = new Uint8Array(100);
    writeHeader(bytes, number, now - 50);
    subscriber.take(bytes);
    now += 10;
  };
  for (const number of [0, 1, 4, 3]) take(number);
  expect(meter.passed).toBe(5);
  expect(meter.result()).toMatchObject({ delivered: 4, bytes: 400, lost: 2, out_of_order: 1 });
  expect(meter.result().age_us).toEqual({ p50: 50, p99: 50, max: 50 });
  meter.measure();
  expect(meter.result().delivered).toBe(0);
  // Sent before the measurement began, and late.
  take(5);
  expect(meter.result()).toMatchObject({ delivered: 0, lost: 0, age_us: { max: 0 } });
  now += 50;
  take(7);
  expect(meter.result()).toMatchObject({ delivered: 1, bytes: 100, lost: 1 });
  expect(meter.result().age_us).toEqual({ p50: 50, p99: 50, max: 50 });
  expect(meter.passed).toBe(8);
});

it("a tick is what passes in it, with and without waiting for a processor", () => {
  const ticks = new Ticks();
  const tick = (ms: number): void => {
    ticks.begin();
    const end = performance.now() + ms;
    while (performance.now() < end);
    ticks.end();
  };
  for (let n = 0; n < 4; n++) tick(5);
  const { game_thread_us: spent, game_thread_waited_us: waited, ...rest } = ticks.result(8);
  expect(spent + waited).toBeGreaterThanOrEqual(20_000);
  expect(spent).toBeGreaterThan(0);
  expect(rest.game_thread_objects).toBe(8);
  expect(rest.tick_us.max).toBeLessThanOrEqual(spent);
  ticks.clear();
  expect(ticks.result(0)).toMatchObject({ game_thread_us: 0, game_thread_waited_us: 0 });
});
