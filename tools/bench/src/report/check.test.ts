import { describe, expect, it } from "vitest";
import type { Measured, Results } from "../results.js";
import { compareResults, describe as tell } from "./check.js";
import { goals } from "./goals.js";

const QUANTILES = { p50: 1_000, p99: 2_000, max: 3_000 };

function measured(change: Partial<Measured>): Measured {
  return {
    passes: 3,
    rate: 100_000,
    rates: [90_000, 110_000],
    serverCpu: 2,
    wireBytes: 120,
    age: QUANTILES,
    gap: QUANTILES,
    first: QUANTILES,
    missed: 0,
    outOfOrder: 0,
    ...change,
  };
}

function results(ours: Partial<Measured>, base: Partial<Measured> = {}): Results {
  const scenario = {
    title: "one way",
    date: "2030-01-02",
    commit: "abc",
    loss: 0,
    load: { size: 100, rate: 0, window: 64, group: 60, subscribers: 0 },
    baseline: "ws",
    outcomes: { ws: measured(base), "node-datagram": measured(ours) },
  };
  return { machine: "a machine", versions: [], scenarios: { "one-way-100": scenario } };
}

describe("--check", () => {
  it("finds nothing between equal results, nor on a machine that is slower for everybody", () => {
    expect(compareResults(results({}), results({}))).toEqual([]);
    const slow = { rate: 50_000, serverCpu: 4 };
    expect(compareResults(results({}), results(slow, slow))).toEqual([]);
  });

  it("points at what got worse against the baseline, the worst first", () => {
    const found = compareResults(results({}), results({ rate: 50_000, serverCpu: 3 }));
    expect(found.map(({ metric }) => metric)).toEqual(["delivered/s", "server CPU"]);
    expect(found[0] && tell(found[0])).toBe(
      "one-way-100: node-datagram, delivered/s: 1.00 → 0.500, 100 % worse",
    );
  });

  it("compares bytes as they are, and leaves what has no counterpart", () => {
    const [only] = compareResults(results({}), results({ wireBytes: 180 }, { wireBytes: 180 }));
    expect(only?.metric).toBe("bytes on the wire");
    expect(compareResults({ machine: "", versions: [], scenarios: {} }, results({}))).toEqual([]);
  });
});

it("goals are judged by what was measured, and say when nothing was", () => {
  const [first, second] = goals(results({ rate: 190_000 }));
  expect(first).toMatchObject({ id: "G1", measured: "1.90 ×", met: true });
  expect(second).toMatchObject({ id: "G1", measured: undefined, met: false });
  expect(goals(results({ rate: 170_000 }))[0]?.met).toBe(false);
});
