import { describe, expect, it } from "vitest";
import { SenderClock } from "../src/engine/playout.js";

/** Frames of 10 ms with an update every 50; gives how far the shown clock is behind the sender's. */
function run(
  clock: SenderClock,
  from: number,
  ms: number,
  sender: (now: number) => number | undefined,
  delay = (_now: number) => 20,
): number[] {
  const behind: number[] = [];
  let before = Number.NEGATIVE_INFINITY;
  for (let now = from; now < from + ms; now += 10) {
    const sent = sender(now - delay(now));
    if (now % 50 === 0 && sent !== undefined) clock.update(now, sent);
    const shown = clock.shown(now);
    // Never back by more than it was set to.
    expect(shown).toBeGreaterThan(before - 12_000);
    before = shown;
    behind.push(now - shown);
  }
  return behind;
}

describe("the sender's clock", () => {
  it("runs like the one here, behind by the smallest delay", () => {
    const clock = new SenderClock();
    expect(clock.shown(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(clock.shown(10)).toBe(Number.NEGATIVE_INFINITY);
    const jitter = (now: number) => 20 + ((now / 50) % 5) * 8;
    const behind = run(clock, 1_000, 5_000, (now) => now - 700, jitter);
    for (const each of behind.slice(200)) expect(each).toBeCloseTo(720, 0);
  });

  it("follows within two seconds when the sender stood still", () => {
    const clock = new SenderClock();
    run(clock, 0, 3_000, (now) => now);
    // A game that is paused sends nothing, and its time does not go on.
    run(clock, 3_000, 10_000, () => undefined);
    const behind = run(clock, 13_000, 4_000, (now) => now - 10_000);
    for (const each of behind.slice(200)) expect(each).toBeCloseTo(10_020, 0);
  });

  it("slows down where the way became longer, without a step back", () => {
    const clock = new SenderClock();
    run(clock, 0, 3_000, (now) => now);
    const behind = run(
      clock,
      3_000,
      8_000,
      (now) => now,
      () => 120,
    );
    for (let i = 1; i < behind.length; i++) {
      expect(Math.abs((behind[i] ?? 0) - (behind[i - 1] ?? 0))).toBeLessThan(0.51);
    }
    expect(behind[behind.length - 1]).toBeCloseTo(120, 0);
  });

  it("survives that the clock here is set back or forth", () => {
    const clock = new SenderClock();
    run(clock, 50_000, 3_000, (now) => now);
    for (const start of [0, 500_000]) {
      const behind = run(clock, start, 4_000, (now) => now - start + 90_000);
      expect(behind[behind.length - 1]).toBeCloseTo(start - 90_000 + 20, 0);
    }
  });
});
