import { describe, expect, it } from "vitest";
import { encode } from "../shared/codec.js";
import { type FetchGroups, type Live, Replay } from "./replay.js";

/** Groups of ten updates, one each 100 ms; the body's x is the second that has passed. */
const at = (time: number) => {
  const stamp = { tick: time / 100, time, score: [0, 0] as const };
  const pose = { id: 1, x: time / 1000, y: 1, angle: 0 };
  return time % 1000 === 0
    ? encode({
        type: "keyframe",
        ...stamp,
        bodies: [{ ...pose, kind: "ball", team: 2, size: 0.5, name: "" }],
      })
    : encode({ type: "delta", ...stamp, removed: [], added: [], moved: [pose] });
};

/** A match since time 0 whose groups are numbered from 100 on; the relay has those from `oldest` on. */
function match(oldest = 100) {
  const asked: [number, number][] = [];
  const live: { -readonly [key in keyof Live]: Live[key] } = { group: 130, time: 30_500 };
  const fetch: FetchGroups = async function* (from, to) {
    asked.push([from, to]);
    for (let group = Math.max(from, oldest); group <= to; group += 1) {
      const start = (group - 100) * 1000;
      yield Array.from({ length: 10 }, (_, i) => ({ bytes: at(start + i * 100).slice() }));
    }
  };
  return { asked, live, fetch };
}

const fail = (error: Error) => expect.fail(error.message);
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const x = (replay: Replay) => replay.view.at(replay.time ?? 0).get(1)?.x;

describe("Replay", () => {
  it("begins where it is asked to and goes on at the pace of the match", async () => {
    const { asked, live, fetch } = match();
    const replay = new Replay(fetch, 20_500, () => live, fail);
    expect(replay.time).toBeUndefined();
    await settle();
    replay.advance(0);
    expect(replay.time).toBe(20_500);
    expect(replay.behind).toBe(10);
    // Drawn 50 ms late, between two updates.
    expect(x(replay)).toBeCloseTo(20.45, 2);
    for (let i = 0; i < 60; i += 1) {
      replay.advance(100);
      live.time += 100;
      live.group = 100 + Math.floor(live.time / 1000);
      await settle();
    }
    expect(x(replay)).toBeCloseTo(26.45, 2);
    expect(replay.behind).toBe(10);
    expect(replay.view.missing).toBe(0);
    // Every group once, a few at a time.
    expect(asked.slice(0, 3)).toEqual([
      [120, 123],
      [124, 127],
      [128, 131],
    ]);
  });

  it("stands still where the fetched ends, and goes on when there is more", async () => {
    const { live, fetch } = match();
    const replay = new Replay(fetch, 28_000, () => live, fail);
    await settle();
    for (let i = 0; i < 100; i += 1) {
      replay.advance(100);
      await settle();
    }
    const stood = replay.time;
    expect(stood).toBeLessThanOrEqual(live.time + 1000);
    live.group = 140;
    live.time = 40_500;
    for (let i = 0; i < 10; i += 1) {
      replay.advance(100);
      await settle();
    }
    expect(replay.time).toBeGreaterThan(stood ?? 0);
  });

  it("begins with the oldest that the relay has, and says when it has nothing", async () => {
    const { live, fetch } = match(115);
    const replay = new Replay(fetch, 14_200, () => live, fail);
    await settle();
    replay.advance(0);
    expect(replay.time).toBe(15_000);
    const failures: string[] = [];
    new Replay(
      fetch,
      2_000,
      () => live,
      (error) => failures.push(error.message),
    );
    await settle();
    expect(failures).toEqual(["the relay no longer has this part of the match"]);
  });
});
