import type { Delivery, Gap } from "@moq-game/core";
import { describe, expect, it } from "vitest";
import type { Seen, Sent } from "./evidence.js";
import {
  brokenBehind,
  brokenBounds,
  brokenPeace,
  brokenPressure,
  brokenPromises,
} from "./promises.js";

const DEADLINE = 100;

function sent(delivery: Delivery, more: Partial<Sent> = {}): Sent {
  const rest = { refused: 0, dropped: 0, maxQueuedBytes: 0, queueBytes: 1_000, bytes: 100 };
  return { delivery, count: 6, ...rest, ...more };
}

/** Updates as they come: number, and the ms that it took on the way. One group each, or three of two. */
function seen(
  numbers: readonly number[],
  options: {
    delays?: readonly number[];
    pairs?: boolean;
    gaps?: Gap[];
    ends?: Seen["ends"];
    stats?: Partial<Seen["stats"]>;
  } = {},
): Seen {
  const objects = numbers.map((n, i) => ({
    group: 50 + (options.pairs ? n >> 1 : n),
    object: options.pairs ? n & 1 : 0,
    keyframe: !options.pairs || (n & 1) === 0,
    publishedAt: 1_700_000_000_000 + 10 * n,
    receivedAt: 5_000 + 10 * n + (options.delays?.[i] ?? 20),
  }));
  const gaps = options.gaps ?? [];
  const zero = { bytes: 0, queuedObjects: 0, queuedBytes: 0, stale: 0, late: 0, overflow: 0 };
  return {
    numbers: [...numbers],
    objects,
    gaps,
    ends: options.ends ?? [{ kind: "ended", error: undefined }],
    stats: { ...zero, reset: 0, objects: numbers.length, gaps: gaps.length, ...options.stats },
  };
}

function gap(fromGroup: number, toGroup: number, reason: Gap["reason"] = "lost"): Gap {
  return { fromGroup, toGroup, objects: undefined, reason };
}

const whole = [0, 1, 2, 3, 4, 5];

describe("promises that were kept", () => {
  it.each<[Delivery, Seen]>([
    ["reliable", seen(whole, { pairs: true })],
    ["latest", seen([0, 3, 5])],
    ["latest", seen([5])],
    ["datagram", seen([1, 4])],
    ["datagram", seen([])],
    ["deadline", seen(whole, { delays: [20, 120, 20, 20, 20, 20] })],
    [
      "deadline",
      seen([0, 1, 4, 5], { gaps: [gap(52, 52, "late"), gap(53, 53)], stats: { late: 1 } }),
    ],
  ])("%s", (delivery, evidence) => {
    expect(brokenPromises(sent(delivery), evidence, DEADLINE)).toEqual([]);
  });
});

describe("promises that were broken", () => {
  it.each<[string, Delivery, Seen, RegExp]>([
    ["one lost", "reliable", seen([0, 1, 2, 4, 5], { pairs: true }), /object 4 .* where 3 belongs/],
    ["the last lost", "reliable", seen([0, 1, 2, 3, 4], { pairs: true }), /5 of 6 objects/],
    ["one twice", "reliable", seen([0, 1, 1, 2, 3, 4, 5], { pairs: true }), /object 1 .* where 2/],
    ["two swapped", "reliable", seen([0, 2, 1, 3, 4, 5], { pairs: true }), /object 2 .* where 1/],
    ["a place skipped", "reliable", seen(whole.map((n) => n * 2)), /after 50\/0 came 52\/0/],
    ["a gap", "reliable", seen(whole, { pairs: true, gaps: [gap(51, 52)] }), /gaps.*51–52 lost/],
    ["one cut", "reliable", seen([0, Number.NaN, 2, 3, 4, 5], { pairs: true }), /not as it was/],
    ["going back", "latest", seen([0, 3, 2, 5]), /not newer/],
    ["one twice", "latest", seen([0, 3, 3, 5]), /not newer/],
    ["the last missing", "latest", seen([0, 3, 4]), /ended on update 4, not on 5/],
    ["nothing", "latest", seen([]), /ended on update undefined/],
    ["going back", "datagram", seen([3, 2]), /not newer/],
    ["one invented", "datagram", seen([3, 9]), /not as it was sent/],
    [
      "one late",
      "deadline",
      seen(whole, { delays: [20, 125, 20, 20, 20, 20] }),
      /1 .* 105 ms late/,
    ],
    ["going back", "deadline", seen([0, 2, 1, 3, 4, 5]), /not newer/],
    ["a silent skip", "deadline", seen([0, 1, 4, 5], { gaps: [gap(53, 53)] }), /not reported.* 52/],
    [
      "skip told twice",
      "deadline",
      seen([0, 1, 3, 4, 5], { gaps: [gap(52, 52), gap(52, 52)] }),
      /twice/,
    ],
    [
      "told and came",
      "deadline",
      seen(whole, { gaps: [gap(52, 52)] }),
      /52 was reported as lost and came/,
    ],
    [
      "late not counted",
      "deadline",
      seen([0, 2, 3, 4, 5], { gaps: [gap(51, 51, "late")] }),
      /0 counted/,
    ],
    ["no end", "latest", seen([5], { ends: [] }), /the end was told as ""/],
    ["two ends", "latest", seen([5], { ends: Array(2).fill({ kind: "ended" }) }), /"ended, ended"/],
    ["wrong count", "datagram", seen([1], { stats: { objects: 2 } }), /2 objects were counted, 1/],
    [
      "gap not counted",
      "deadline",
      seen([0, 2], { gaps: [gap(51, 51)], stats: { gaps: 0 } }),
      /0 gaps/,
    ],
  ])("%s: %s", (_, delivery, evidence, message) => {
    const broken = brokenPromises(sent(delivery), evidence, DEADLINE);
    expect(broken.join("; ")).toMatch(message);
  });

  it("an update without a time", () => {
    const evidence = seen(whole);
    evidence.objects[2] = { ...evidence.objects[2]!, publishedAt: undefined };
    expect(brokenPromises(sent("deadline"), evidence, DEADLINE)).toEqual([
      "deadline: update 2 carries no time",
    ]);
  });
});

describe("back-pressure", () => {
  it("is a bounded queue", () => {
    expect(brokenBounds(sent("reliable", { maxQueuedBytes: 2_124 }))).toEqual([]);
    expect(brokenBounds(sent("reliable", { maxQueuedBytes: 2_125 }))).toHaveLength(1);
  });

  it("refuses reliable updates and counts what others drop", () => {
    expect(brokenPressure(sent("reliable", { refused: 1 }))).toEqual([]);
    expect(brokenPressure(sent("reliable"))).toHaveLength(1);
    expect(brokenPressure(sent("reliable", { refused: 1, dropped: 1 }))).toHaveLength(1);
    expect(brokenPressure(sent("latest", { dropped: 1 }))).toEqual([]);
    expect(brokenPressure(sent("latest"))).toHaveLength(1);
  });
});

it("who is too far behind is told of every skip, and nothing goes back", () => {
  const told = [gap(51, 51, "too_far_behind")];
  expect(brokenBehind(seen([0, 1, 2, 4, 5], { pairs: true, gaps: told }))).toEqual([]);
  expect(brokenBehind(seen([0, 1, 2, 4, 5], { pairs: true }))).toHaveLength(1);
  expect(brokenBehind(seen([0, 1, 4, 5, 2], { pairs: true, gaps: told }))[0]).toMatch(/newer/);
});

it("peace is no gap and no drop", () => {
  for (const delivery of ["latest", "deadline", "datagram", "reliable"] as const) {
    expect(brokenPeace(sent(delivery), seen(whole))).toEqual([]);
    expect(brokenPeace(sent(delivery), seen(whole, { gaps: [gap(51, 51)] }))).toHaveLength(1);
    for (const cause of ["stale", "late", "overflow", "reset"]) {
      const evidence = seen(whole, { stats: { [cause]: 4 } });
      expect(brokenPeace(sent(delivery), evidence)).toEqual([`${delivery}: 4 ${cause}`]);
    }
    expect(brokenPeace(sent(delivery), seen([5]))).toEqual([`${delivery}: 1 of 6 came`]);
  }
  expect(brokenPeace(sent("latest"), seen([1, 5], { stats: { stale: 3 } }))).toEqual([]);
});
