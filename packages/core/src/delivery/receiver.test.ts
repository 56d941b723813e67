import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { incoming, receiverRig } from "../../test/delivery-rig.js";
import { DeadlineReceiver } from "./receiver-deadline.js";
import { LatestReceiver } from "./receiver-latest.js";
import { ReliableReceiver } from "./receiver-reliable.js";

describe("reliable", () => {
  it("puts groups that arrive 0, 2, 1, 3 in order", () => {
    const rig = receiverRig();
    const receiver = new ReliableReceiver(rig.config);
    receiver.begin(undefined, false);
    for (const group of [0, 2, 1, 3]) {
      receiver.streamOpened(group, group);
      receiver.object(group, incoming(group, 0, { priorGroups: 0 }));
      receiver.object(group, incoming(group, 1));
      receiver.streamEnded(group, true, true);
    }
    expect(rig.places()).toEqual(["0.0", "0.1", "1.0", "1.1", "2.0", "2.1", "3.0", "3.1"]);
    expect(rig.gaps).toEqual([]);
  });

  it("delivers every object once and in order, however streams interleave", () => {
    const shape = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(shape, fc.array(fc.nat(), { minLength: 60, maxLength: 60 }), (groups, picks) => {
        const rig = receiverRig();
        const receiver = new ReliableReceiver(rig.config);
        receiver.begin({ group: 99, object: 4 }, true);
        // Each stream in order; between streams any order.
        const streams = groups.map((count, index) => ({ group: 100 + index, count, at: -1 }));
        let turn = 0;
        for (
          let left = streams.slice();
          left.length > 0;
          left = left.filter((s) => s.at <= s.count)
        ) {
          const stream = left[(picks[turn++ % picks.length] ?? 0) % left.length];
          if (stream === undefined) break;
          if (stream.at === -1) receiver.streamOpened(stream.group, stream.group);
          else if (stream.at < stream.count) {
            receiver.object(stream.group, incoming(stream.group, stream.at));
          } else receiver.streamEnded(stream.group, true, true);
          stream.at += 1;
        }
        const expected = groups.flatMap((count, index) =>
          Array.from({ length: count }, (_, object) => `${100 + index}.${object}`),
        );
        expect(rig.places()).toEqual(expected);
        expect(rig.gaps).toEqual([]);
        expect(rig.clock.timers).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("reports a missing group after the bounded wait and goes on", () => {
    const rig = receiverRig();
    const receiver = new ReliableReceiver(rig.config);
    receiver.begin({ group: 4, object: 0 }, true);
    receiver.streamOpened(1, 6);
    receiver.object(1, incoming(6));
    receiver.streamEnded(1, true, true);
    rig.clock.advance(1_900);
    expect(rig.places()).toEqual([]);
    rig.clock.advance(200);
    expect(rig.places()).toEqual(["6.0"]);
    expect(rig.gaps).toEqual([{ fromGroup: 5, toGroup: 5, objects: undefined, reason: "lost" }]);
    // Too late now.
    receiver.object(undefined, incoming(5));
    expect(rig.places()).toEqual(["6.0"]);
    expect(receiver.counters.stale).toBe(1);
  });

  it("does not wait for groups that the publisher says do not exist", () => {
    const rig = receiverRig();
    const receiver = new ReliableReceiver(rig.config);
    receiver.begin({ group: 4, object: 0 }, true);
    receiver.object(undefined, incoming(9, 0, { priorGroups: 4 }));
    expect(rig.places()).toEqual(["9.0"]);
    expect(rig.gaps).toEqual([]);
  });

  it("begins with the first group that the publisher named", () => {
    const rig = receiverRig({ firstGroup: 500 });
    const receiver = new ReliableReceiver(rig.config);
    receiver.begin(undefined, false);
    receiver.object(undefined, incoming(502));
    receiver.groupEnds(502, 1);
    rig.clock.advance(1_000);
    expect(rig.places()).toEqual([]);
    for (const group of [501, 500]) {
      receiver.object(undefined, incoming(group));
      receiver.groupEnds(group, 1);
    }
    expect(rig.places()).toEqual(["500.0", "501.0", "502.0"]);
  });

  it("waits briefly for what may precede the first group it sees, and not when told", () => {
    const told = receiverRig();
    const first = new ReliableReceiver(told.config);
    first.begin(undefined, false);
    first.object(undefined, incoming(500, 0, { priorGroups: 500 }));
    expect(told.places()).toEqual(["500.0"]);
    const rig = receiverRig();
    const receiver = new ReliableReceiver(rig.config);
    receiver.begin(undefined, false);
    receiver.streamOpened(2, 501);
    receiver.object(2, incoming(501));
    expect(rig.places()).toEqual([]);
    receiver.streamOpened(1, 500);
    receiver.object(1, incoming(500, 0, { priorGroups: 500 }));
    receiver.streamEnded(1, true, true);
    expect(rig.places()).toEqual(["500.0", "501.0"]);
  });

  it("reports a reset stream and goes on with the next group", () => {
    const rig = receiverRig();
    const receiver = new ReliableReceiver(rig.config);
    receiver.begin({ group: 4, object: 0 }, true);
    receiver.streamOpened(1, 5);
    receiver.object(1, incoming(5));
    receiver.streamEnded(1, false, true);
    receiver.streamOpened(2, 6);
    receiver.object(2, incoming(6));
    rig.clock.advance(500);
    expect(rig.places()).toEqual(["5.0", "6.0"]);
    expect(rig.gaps).toEqual([{ fromGroup: 5, toGroup: 5, objects: undefined, reason: "reset" }]);
    expect(receiver.counters.reset).toBe(1);
  });

  it("merges a joining FETCH with live objects in any interleaving", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 8 }),
        fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        (past, live, order) => {
          const rig = receiverRig();
          const receiver = new ReliableReceiver(rig.config);
          receiver.expectFetch();
          receiver.begin({ group: 7, object: past }, false);
          let fetched = 0;
          let arrived = 0;
          receiver.streamOpened(1, 7);
          for (let i = 0; fetched <= past + 1 || arrived < live; i++) {
            const takeFetch = (order[i % order.length] ?? true) || arrived >= live;
            if (takeFetch && fetched <= past + 1) {
              if (fetched <= past) receiver.fetched(incoming(7, fetched));
              else receiver.fetchEnded("complete");
              fetched += 1;
            } else if (arrived < live) receiver.object(1, incoming(7, past + 1 + arrived++));
          }
          expect(rig.places()).toEqual(
            Array.from({ length: past + 1 + live }, (_, object) => `7.${object}`),
          );
          expect(rig.gaps).toEqual([]);
        },
      ),
    );
  });

  it("goes on with live objects when the FETCH is refused", () => {
    const rig = receiverRig();
    const receiver = new ReliableReceiver(rig.config);
    receiver.expectFetch();
    receiver.begin({ group: 7, object: 3 }, false);
    receiver.object(undefined, incoming(7, 4));
    expect(rig.places()).toEqual([]);
    receiver.fetchEnded("refused");
    expect(rig.places()).toEqual(["7.4"]);
  });

  it("holds back streams of later groups while too much is held", () => {
    const rig = receiverRig({ holdBytes: 1_000 });
    const receiver = new ReliableReceiver(rig.config);
    receiver.begin({ group: 0, object: 0 }, true);
    receiver.streamOpened(1, 1);
    receiver.streamOpened(2, 2);
    for (let object = 0; object < 40; object++) receiver.object(2, incoming(2, object));
    expect(rig.held.get(2)).toBe(true);
    expect(rig.held.get(1)).toBeUndefined();
    receiver.object(1, incoming(1, 0));
    receiver.streamEnded(1, true, true);
    expect(rig.held.get(2)).toBe(false);
    expect(rig.delivered.length).toBe(41);
  });
});

describe("latest and datagram", () => {
  it("never goes back", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 })), (groups) => {
        const rig = receiverRig();
        const receiver = new LatestReceiver(rig.config, false);
        receiver.begin(undefined, false);
        for (const group of groups) receiver.object(undefined, incoming(group));
        const got = rig.delivered.map(({ group }) => group);
        expect(got.every((group, i) => i === 0 || group > (got[i - 1] ?? -1))).toBe(true);
        expect(got.length + receiver.counters.stale).toBe(groups.length);
        if (groups.length > 0) expect(got[got.length - 1]).toBe(Math.max(...groups));
      }),
    );
  });

  it("delivers older ones on request, but not what the FETCH brought already", () => {
    const rig = receiverRig();
    const receiver = new LatestReceiver(rig.config, true);
    receiver.begin({ group: 5, object: 0 }, false);
    receiver.fetched(incoming(5));
    for (const group of [5, 8, 6, 7]) receiver.object(undefined, incoming(group));
    expect(rig.places()).toEqual(["5.0", "8.0", "6.0", "7.0"]);
    expect(receiver.counters.stale).toBe(1);
  });
});

describe("deadline", () => {
  const at = (group: number, publishedAt: number, receivedAt: number) =>
    incoming(group, 0, { publishedAt, receivedAt });

  it("counts what is late above the smallest delay, and does not deliver it", () => {
    const rig = receiverRig({ deadline: 100 });
    const receiver = new DeadlineReceiver(rig.config);
    receiver.begin(undefined, false);
    // Clocks are 5,000 ms apart; the network takes 20 ms, then 90, then 150.
    for (const [group, published, received] of [
      [1, 5_000, 20],
      [2, 5_050, 140],
      [3, 5_100, 250],
      [4, 5_200, 220],
    ] as const) {
      rig.clock.time = Math.max(rig.clock.time, received);
      receiver.object(group, at(group, published, received));
    }
    expect(rig.places()).toEqual(["1.0", "2.0", "4.0"]);
    expect(receiver.counters.late).toBe(1);
    expect(rig.gaps).toEqual([{ fromGroup: 3, toGroup: 3, objects: 1, reason: "late" }]);
  });

  it("waits for a missing update until it would be late, and no longer", () => {
    const rig = receiverRig({ deadline: 100 });
    const receiver = new DeadlineReceiver(rig.config);
    receiver.begin(undefined, false);
    receiver.object(1, at(1, 0, 0));
    rig.clock.advance(40);
    receiver.object(3, at(3, 40, 40));
    expect(rig.places()).toEqual(["1.0"]);
    rig.clock.advance(50);
    receiver.object(2, at(2, 20, 90));
    expect(rig.places()).toEqual(["1.0", "2.0", "3.0"]);
    receiver.object(6, at(6, 90, 90));
    rig.clock.advance(99);
    expect(rig.places().length).toBe(3);
    rig.clock.advance(2);
    expect(rig.places()).toEqual(["1.0", "2.0", "3.0", "6.0"]);
    expect(rig.gaps).toEqual([{ fromGroup: 4, toGroup: 5, objects: undefined, reason: "lost" }]);
    expect(rig.clock.timers).toBe(0);
  });

  it("does not wait for an update whose stream was reset", () => {
    const rig = receiverRig({ deadline: 100 });
    const receiver = new DeadlineReceiver(rig.config);
    receiver.begin(undefined, false);
    receiver.object(1, at(1, 0, 0));
    receiver.streamOpened(20, 2);
    receiver.object(3, at(3, 0, 0));
    receiver.streamEnded(20, false, true);
    expect(rig.places()).toEqual(["1.0", "3.0"]);
    expect(rig.gaps.map(({ reason }) => reason)).toEqual(["reset"]);
  });

  it("reports every skipped update once", () => {
    const rig = receiverRig({ deadline: 100 });
    const receiver = new DeadlineReceiver(rig.config);
    receiver.begin(undefined, false);
    receiver.object(1, at(0, 1_000, 0));
    receiver.object(2, at(3, 1_000, 0));
    receiver.streamOpened(20, 2);
    receiver.streamEnded(20, false, true);
    rig.clock.advance(150);
    // What was given up comes after all, and once more.
    receiver.object(3, at(1, 1_000, 150));
    receiver.object(4, at(1, 1_000, 150));
    receiver.object(5, at(3, 1_140, 150));
    receiver.object(6, at(4, 1_140, 150));
    expect(rig.places()).toEqual(["0.0", "3.0", "4.0"]);
    expect(rig.gaps.map((gap) => `${gap.fromGroup}-${gap.toGroup} ${gap.reason}`)).toEqual([
      "2-2 reset",
      "1-1 lost",
    ]);
    expect(receiver.counters).toEqual({ late: 2, stale: 1, reset: 1 });
  });

  it("gives up a hole before thousands of late updates", () => {
    const rig = receiverRig({ deadline: 100 });
    const receiver = new DeadlineReceiver(rig.config);
    receiver.begin(undefined, false);
    receiver.object(1, at(0, 1_000, 0));
    rig.clock.advance(5_000);
    for (let group = 2; group < 3_000; group++) {
      receiver.object(group, at(group, 1_000, rig.clock.time));
    }
    receiver.object(3_000, at(3_000, 6_000, rig.clock.time));
    expect(rig.places()).toEqual(["0.0", "3000.0"]);
    expect(rig.gaps.filter(({ reason }) => reason === "lost")).toEqual([
      { fromGroup: 1, toGroup: 1, objects: undefined, reason: "lost" },
    ]);
    expect(rig.gaps.length).toBe(2_999);
    expect(receiver.counters.late).toBe(2_998);
  });

  it("holds no more bytes than it may, and does not count to ids that a peer makes up", () => {
    const rig = receiverRig({ deadline: 100, holdBytes: 1_000 });
    const receiver = new DeadlineReceiver(rig.config);
    receiver.begin(undefined, false);
    receiver.object(1, at(0, 0, 0));
    receiver.object(2, { ...at(2, 0, 0), payload: new Uint8Array(1_001) });
    expect(rig.places()).toEqual(["0.0", "2.0"]);
    receiver.streamOpened(9, 5);
    receiver.streamEnded(9, false, true);
    const far = Number.MAX_SAFE_INTEGER - 1;
    receiver.object(3, { ...at(far, 0, 0), priorGroups: far - 4 });
    receiver.finish();
    expect(rig.places()).toEqual(["0.0", "2.0", `${far}.0`]);
    expect(rig.gaps.map(({ fromGroup, toGroup }) => [fromGroup, toGroup])).toEqual([
      [1, 1],
      [5, 5],
      [3, 3],
    ]);
  });

  it("stays in order for any arrival", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 40 })), (groups) => {
        const rig = receiverRig({ deadline: 100 });
        const receiver = new DeadlineReceiver(rig.config);
        receiver.begin(undefined, false);
        for (const group of groups) {
          receiver.object(group, at(group, group, rig.clock.time));
          rig.clock.advance(7);
        }
        receiver.finish();
        const got = rig.delivered.map(({ group }) => group);
        expect(got).toEqual([...got].sort((a, b) => a - b));
        const { late, stale } = receiver.counters;
        expect(got.length + late + stale).toBe(groups.length);
      }),
    );
  });
});
