import { describe, expect, it } from "vitest";
import type { MoqObject } from "../api.js";
import { ReaderQueue } from "./reader.js";

function object(number: number): MoqObject {
  return {
    group: number,
    object: 0,
    subgroup: 0,
    bytes: Uint8Array.of(number),
    receivedAt: 0,
    publishedAt: undefined,
    keyframe: true,
  };
}

function queue(later: (() => void)[]): ReaderQueue {
  return new ReaderQueue({
    queueBytes: 1_000_000,
    policy: "push-back",
    now: () => 0,
    ownsBytes: true,
    onMore: (more) => later.push(() => more.wake()),
  });
}

describe("a drain that stops at its budget", () => {
  it("is scheduled again while somebody listens, once, until nothing waits", () => {
    const later: (() => void)[] = [];
    const reader = queue(later);
    const sizes: number[] = [];
    reader.onReadable(() => {
      sizes.push(reader.drain(() => {}, { maxObjects: 3 }).objects);
    });
    for (let i = 0; i < 8; i++) reader.push(object(i));
    expect(sizes).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    const late = queue(later);
    for (let i = 0; i < 8; i++) late.push(object(i));
    sizes.length = 0;
    late.onReadable(() => {
      sizes.push(late.drain(() => {}, { maxObjects: 3 }).objects);
    });
    late.drain(() => {}, { maxObjects: 1 });
    late.drain(() => {}, { maxObjects: 1 });
    expect(later.length).toBe(1);
    while (later.length > 0) later.shift()?.();
    expect(sizes).toEqual([3, 3]);
    expect(late.length).toBe(0);
  });

  it("is the caller's own business when nobody listens", () => {
    const later: (() => void)[] = [];
    const reader = queue(later);
    for (let i = 0; i < 8; i++) reader.push(object(i));
    expect(reader.drain(() => {}, { maxObjects: 3 })).toEqual({ objects: 3, more: true });
    expect(later).toEqual([]);
  });
});

describe("a listener that comes when objects wait", () => {
  it("is called for them, once", () => {
    const later: (() => void)[] = [];
    const reader = queue(later);
    reader.push(object(1));
    reader.push(object(2));
    let calls = 0;
    reader.onReadable(() => {
      calls += 1;
    });
    expect(calls).toBe(0);
    while (later.length > 0) later.shift()?.();
    expect(calls).toBe(1);
  });
});
