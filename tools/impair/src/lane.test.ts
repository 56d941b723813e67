import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Lane, noPackets } from "./lane.js";
import { GOOD_NETWORK, type Impairment, merge } from "./options.js";

function lane(seed: number, impairment: Impairment): Lane {
  const made = new Lane(seed, noPackets());
  made.settings = merge(GOOD_NETWORK, impairment);
  return made;
}

describe("a lane", () => {
  it("passes everything at once on a good network", () => {
    const good = lane(1, {});
    for (let now = 0; now < 100; now++) expect(good.plan(now, 500, false)).toEqual([now]);
  });

  it("gives the same fates for the same seed, others for another", () => {
    const impairment = { loss: 0.2, jitter: 30, delay: 10, reorder: 0.1, duplicate: 0.1 };
    const fates = (seed: number) => {
      const one = lane(seed, impairment);
      return Array.from({ length: 500 }, (_, now) => one.plan(now, 100, false));
    };
    expect(fates(7)).toEqual(fates(7));
    expect(fates(7)).not.toEqual(fates(8));
  });

  it("keeps the losses where they were when another setting changes", () => {
    const losses = (impairment: Impairment) => {
      const one = lane(3, { loss: 0.1, ...impairment });
      return Array.from({ length: 500 }, (_, now) => one.plan(now, 100, false).length === 0);
    };
    expect(losses({ delay: 50, jitter: 20 })).toEqual(losses({}));
  });

  it("loses, doubles and holds back the shares asked for", () => {
    const one = lane(11, { loss: 0.05, duplicate: 0.02, reorder: 0.03 });
    for (let now = 0; now < 100_000; now++) one.plan(now, 100, false);
    expect(one.stats.lost).toBeGreaterThan(4_700);
    expect(one.stats.lost).toBeLessThan(5_300);
    expect(one.stats.duplicated).toBeGreaterThan(1_750);
    expect(one.stats.duplicated).toBeLessThan(2_050);
    expect(one.stats.reordered).toBeGreaterThan(2_650);
    expect(one.stats.reordered).toBeLessThan(3_050);
  });

  it("jitters within its bounds, and in order when asked to", () => {
    const free = lane(5, { delay: 20, jitter: 40 });
    const ordered = lane(5, { delay: 20, jitter: 40, keepOrder: true });
    let last = 0;
    let overtakes = 0;
    let before = 0;
    for (let now = 0; now < 2_000; now++) {
      const [due = 0] = free.plan(now, 100, false);
      expect(due).toBeGreaterThanOrEqual(now + 20);
      expect(due).toBeLessThan(now + 60);
      if (due < before) overtakes += 1;
      before = due;
      const [kept = 0] = ordered.plan(now, 100, false);
      expect(kept).toBeGreaterThanOrEqual(last);
      last = kept;
    }
    expect(overtakes).toBeGreaterThan(100);
  });

  it("sends at its rate, headers included, and drops what its queue cannot hold", () => {
    const slow = lane(9, { rate: 100_000, queue: 10_000 });
    const due = Array.from({ length: 50 }, () => slow.plan(0, 972, false)).flat();
    // 1,000 bytes each at 100 bytes per ms: one every 10 ms.
    expect(due.slice(0, 3).map(Math.round)).toEqual([10, 20, 30]);
    expect(due.length).toBeGreaterThanOrEqual(9);
    expect(due.length).toBeLessThanOrEqual(11);
    expect(slow.stats.overflow).toBe(50 - due.length);
    expect(slow.stats.maxQueuedBytes).toBeLessThanOrEqual(10_000);
  });

  it("passes nothing in an outage", () => {
    const one = lane(1, {});
    expect(one.plan(0, 100, true)).toEqual([]);
    expect(one.stats.outage).toBe(1);
  });

  it("accounts for every packet, whatever happens to it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.record({
          loss: fc.double({ min: 0, max: 1, noNaN: true }),
          duplicate: fc.double({ min: 0, max: 1, noNaN: true }),
          jitter: fc.integer({ min: 0, max: 100 }),
          rate: fc.constantFrom(0, 10_000, 1_000_000),
          queue: fc.integer({ min: 0, max: 5_000 }),
        }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 1_500 }))),
        (seed, impairment, packets) => {
          const one = lane(seed, impairment);
          let now = 0;
          let out = 0;
          for (const [wait, size] of packets) {
            now += wait;
            const due = one.plan(now, size, false);
            expect(due.every((at) => at >= now && Number.isFinite(at))).toBe(true);
            out += due.length;
          }
          const { packetsIn, lost, overflow, duplicated } = one.stats;
          expect(packetsIn).toBe(packets.length);
          expect(out).toBe(packetsIn - lost - overflow + duplicated);
        },
      ),
    );
  });
});

describe("settings", () => {
  it("are refused by name and limit", () => {
    expect(() => merge(GOOD_NETWORK, { loss: 3 })).toThrow(
      /loss takes a number from 0 to 1 .*3 % is 0.03/,
    );
    expect(() => merge(GOOD_NETWORK, { delay: -1 })).toThrow(/delay takes/);
    expect(() => merge(GOOD_NETWORK, { los: 1 } as Impairment)).toThrow(/no impairment "los"/);
  });
});
