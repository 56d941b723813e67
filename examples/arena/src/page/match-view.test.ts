import { describe, expect, it } from "vitest";
import type { Body, Pose } from "../shared/codec.js";
import { MatchView } from "./match-view.js";

const pose = (x: number, angle = 0): Pose => ({ id: 1, x, y: 5, angle });
const body = (x: number): Body => ({
  ...pose(x),
  kind: "player",
  team: 0,
  size: 0.5,
  name: "ann",
});

describe("MatchView", () => {
  it("counts update numbers that never came", () => {
    const view = new MatchView();
    view.world({ type: "keyframe", tick: 10, time: 0, score: [0, 0], bodies: [body(1)] }, 0);
    const delta = { type: "delta", score: [0, 0], removed: [], added: [], moved: [] } as const;
    view.world({ ...delta, tick: 11, time: 16 }, 16);
    expect(view.missing).toBe(0);
    view.world({ ...delta, tick: 14, time: 66 }, 66);
    expect(view.missing).toBe(2);
  });

  it("draws between two poses, the shorter way round", () => {
    const view = new MatchView();
    view.poses({ type: "poses", tick: 1, time: 1000, poses: [pose(0, 6)] }, 1000);
    view.poses({ type: "poses", tick: 2, time: 1100, poses: [pose(10, 0.5)] }, 1100);
    const middle = view.at(1100).get(1);
    expect(middle?.x).toBeCloseTo(5);
    expect(middle?.angle).toBeCloseTo(6 + (0.5 + 2 * Math.PI - 6) / 2);
  });

  it("ignores poses that are not newer", () => {
    const view = new MatchView();
    view.poses({ type: "poses", tick: 2, time: 1100, poses: [pose(10)] }, 1100);
    view.poses({ type: "poses", tick: 1, time: 1000, poses: [pose(0)] }, 1100);
    expect(view.at(5000).get(1)?.x).toBe(10);
  });
});
