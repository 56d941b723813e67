import { describe, expect, it } from "vitest";
import {
  bytes,
  drainAll,
  drainNumbers,
  numbered,
  rejection,
  testPair,
} from "../../test/client-pair.js";
import type { Gap } from "../api.js";
import { MoqError } from "../errors.js";

describe("publish and subscribe", () => {
  it("delivers a burst of 60 reliable objects in order", async () => {
    const { a, b, settle } = await testPair();
    const track = a.publish(["match/1", "world"]);
    const reader = b.subscribe(["match/1", "world"]);
    await settle();
    await track.ready;
    await reader.ready;
    for (let i = 0; i < 60; i++)
      expect(i % 10 === 0 ? track.keyframe(numbered(i)) : track.send(numbered(i))).toBe(true);
    await settle();
    const objects = drainAll(reader);
    expect(objects.map(({ bytes: b }) => b[3])).toEqual(Array.from({ length: 60 }, (_, i) => i));
    expect(objects.filter((object) => object.keyframe).length).toBe(6);
    expect(reader.stats.gaps).toBe(0);
    expect(track.subscribers).toBe(1);
  });

  it("gives a late joiner the keyframe and its deltas once, then what follows", async () => {
    const { a, b, settle } = await testPair();
    const track = a.publish(["match/1", "world"]);
    track.keyframe(numbered(1));
    track.keyframe(numbered(10));
    track.send(numbered(11));
    track.send(numbered(12));
    const reader = b.subscribe(["match/1", "world"]);
    await settle();
    track.send(numbered(13));
    track.keyframe(numbered(20));
    await settle();
    expect(drainNumbers(reader)).toEqual([10, 11, 12, 13, 20]);
    expect(reader.stats.stale).toBe(0);
  });

  it("joins between two messages: no object twice, none missing, whatever the moment", async () => {
    for (let steps = 0; steps < 40; steps++) {
      const { a, b, memory, settle, host } = await testPair();
      const track = a.publish(["match/1", "world"]);
      track.keyframe(numbered(0));
      track.send(numbered(1));
      await settle();
      const reader = b.subscribe(["match/1", "world"]);
      let next = 2;
      for (let i = 0; i < steps; i++) {
        memory.step();
        if (i % 3 === 0) track.send(numbered(next++));
      }
      await settle();
      track.keyframe(numbered(next++));
      await settle();
      host.advance(300);
      await settle();
      const got = drainNumbers(reader);
      expect(got).toEqual(Array.from({ length: next }, (_, i) => i));
    }
  });

  it("starts at the next group, or at the next object, when asked", async () => {
    const { a, b, settle } = await testPair();
    const track = a.publish(["m", "w"]);
    track.keyframe(numbered(1));
    const other = a.publish(["m", "v"]);
    other.keyframe(numbered(1));
    const next = b.subscribe(["m", "w"], { start: "next" });
    const now = b.subscribe(["m", "v"], { start: "now" });
    await settle();
    for (const each of [track, other]) {
      each.send(numbered(2));
      each.keyframe(numbered(3));
      each.send(numbered(4));
    }
    await settle();
    expect(drainNumbers(next)).toEqual([3, 4]);
    expect(drainNumbers(now)).toEqual([2, 3, 4]);
  });

  it("delivers empty objects in every class", async () => {
    const { a, b, settle } = await testPair();
    for (const delivery of ["reliable", "latest", "deadline", "datagram"] as const) {
      const track = a.publish(["m", delivery], { delivery });
      const reader = b.subscribe(["m", delivery]);
      await settle();
      expect(track.send(bytes())).toBe(true);
      await settle();
      const objects = drainAll(reader);
      expect(objects.length, delivery).toBe(1);
      expect(objects[0]?.bytes.byteLength).toBe(0);
      expect(reader.delivery).toBe(delivery);
    }
  });

  it("carries thousands of datagrams", async () => {
    const { a, b, settle } = await testPair();
    const track = a.publish(["m", "input"], { delivery: "datagram" });
    const reader = b.subscribe(["m", "input"]);
    await settle();
    const got: number[] = [];
    for (let i = 0; i < 3_000; i++) {
      track.send(numbered(i));
      if (i % 100 === 99) {
        await settle();
        got.push(...drainNumbers(reader));
      }
    }
    expect(got).toEqual(Array.from({ length: 3_000 }, (_, i) => i));
  });

  it("names the limit when a datagram is too large", async () => {
    const { a, settle } = await testPair();
    const track = a.publish(["m", "input"], { delivery: "datagram" });
    await settle();
    expect(track.send(new Uint8Array(1_000))).toBe(true);
    expect(() => track.send(new Uint8Array(1_099))).toThrow(/1099 bytes.*at most 1090.*1100/);
    expect(() => track.send(new Uint8Array(1_099))).toThrow(MoqError);
    expect(track.send(new Uint8Array(1_090))).toBe(true);
  });

  it("drops the oldest datagrams when the path is full, and counts them", async () => {
    const { a, b, settle } = await testPair({}, { datagramQueue: 4 });
    const track = a.publish(["m", "input"], { delivery: "datagram" });
    const reader = b.subscribe(["m", "input"]);
    await settle();
    for (let i = 0; i < 1_000; i++) expect(track.send(numbered(i))).toBe(true);
    await settle();
    const got = drainNumbers(reader);
    expect(got[got.length - 1]).toBe(999);
    expect(got.length).toBeLessThan(300);
    expect(a.stats().datagramsDropped).toBe(1_000 - got.length);
  });

  it("brings the newest update of a latest track at once", async () => {
    const { a, b, settle } = await testPair();
    const track = a.publish(["m", "poses"], { delivery: "latest" });
    for (let i = 0; i < 5; i++) track.send(numbered(i));
    const reader = b.subscribe(["m", "poses"]);
    await settle();
    expect(drainNumbers(reader)).toEqual([4]);
    track.send(numbered(5));
    await settle();
    expect(drainNumbers(reader)).toEqual([5]);
  });

  it("serves several readers of a track with one request", async () => {
    const { a, b, settle } = await testPair();
    const track = a.publish(["m", "w"]);
    track.keyframe(numbered(1));
    const first = b.subscribe(["m", "w"]);
    await settle();
    track.send(numbered(2));
    await settle();
    const second = b.subscribe(["m", "w"]);
    const third = b.subscribe(["m", "w"], { start: "now" });
    await settle();
    track.send(numbered(3));
    await settle();
    expect(track.subscribers).toBe(1);
    expect(drainNumbers(first)).toEqual([1, 2, 3]);
    expect(drainNumbers(second)).toEqual([1, 2, 3]);
    expect(drainNumbers(third)).toEqual([3]);
    first.close();
    second.close();
    await settle();
    expect(track.subscribers).toBe(1);
    third.close();
    await settle();
    expect(track.subscribers).toBe(0);
  });
});

describe("back-pressure", () => {
  it("refuses to send while the subscriber does not read", async () => {
    const { a, b, settle } = await testPair({}, { streamWindow: 16_384, connectionWindow: 65_536 });
    const track = a.publish(["m", "w"], { queueBytes: 50_000 });
    const reader = b.subscribe(["m", "w"], { queueBytes: 20_000 });
    await settle();
    let accepted = 0;
    const send = async (): Promise<void> => {
      for (let i = 0; i < 500; i++) {
        if (!track.send(numbered(accepted, 1_000))) return;
        accepted += 1;
        await settle();
      }
    };
    await send();
    expect(accepted).toBeGreaterThan(50);
    expect(accepted).toBeLessThan(400);
    let writable = false;
    track.writable().then(() => {
      writable = true;
    });
    await settle();
    expect(writable).toBe(false);
    const got: number[] = [];
    while (got.length < accepted) {
      const before = got.length;
      got.push(...drainNumbers(reader));
      await settle();
      if (got.length === before) break;
    }
    expect(writable).toBe(true);
    expect(got).toEqual(Array.from({ length: accepted }, (_, i) => i));
    expect(reader.stats.overflow).toBe(0);
  });

  it("drops the oldest of a latest track whose reader does not read", async () => {
    const { a, b, settle } = await testPair();
    const track = a.publish(["m", "p"], { delivery: "latest" });
    const reader = b.subscribe(["m", "p"], { queueBytes: 1_000 });
    const gaps: Gap[] = [];
    reader.onGap((gap) => gaps.push(gap));
    await settle();
    for (let i = 0; i < 100; i++) {
      track.send(numbered(i));
      await settle();
    }
    const got = drainNumbers(reader);
    expect(got[got.length - 1]).toBe(99);
    expect(reader.stats.overflow).toBe(100 - got.length);
    expect(gaps.every(({ reason }) => reason === "overflow")).toBe(true);
  });
});

describe("discover, fetch, status", () => {
  it("names what exists, then changes, for overlapping prefixes too", async () => {
    const { a, b, host, settle } = await testPair();
    const track = a.publish(["match/1", "w"]);
    a.publish(["match/1", "v"]);
    const narrow = b.discover("match/1/")[Symbol.asyncIterator]();
    await settle();
    expect(await narrow.next()).toEqual({
      done: false,
      value: { kind: "added", namespace: ["match", "1"] },
    });
    const wide = b.discover("match")[Symbol.asyncIterator]();
    await settle();
    host.advance(200);
    await settle();
    expect((await wide.next()).value).toEqual({ kind: "added", namespace: ["match", "1"] });
    a.publish(["match/2", "w"]);
    await settle();
    expect((await wide.next()).value).toEqual({ kind: "added", namespace: ["match", "2"] });
    await track.end();
    await settle();
    const waiting = wide.next();
    await a.close();
    await settle();
    expect(
      await waiting.then(
        () => "value",
        () => "error",
      ),
    ).toBe("error");
  });

  it("fetches the retained group and says when there is nothing", async () => {
    const { a, b, settle } = await testPair();
    const track = a.publish(["m", "w"]);
    await settle();
    const nothing = b
      .fetch(["m", "w"], { fromGroup: 0, toGroup: 10 })
      [Symbol.asyncIterator]()
      .next();
    await settle();
    expect(await rejection(nothing)).toMatchObject({ code: "not_found", peerCode: 0x11 });
    track.keyframe(numbered(1));
    track.send(numbered(2));
    const status = b.status(["m", "w"]);
    await settle();
    const { largest, delivery } = await status;
    expect(delivery).toBe("reliable");
    const group = largest?.group ?? 0;
    const got: number[] = [];
    const reading = (async () => {
      for await (const batch of b.fetch(["m", "w"], { fromGroup: group, toGroup: group })) {
        for (const object of batch) got.push(object.bytes[3] ?? -1);
      }
    })();
    await settle();
    await reading;
    expect(got).toEqual([1, 2]);
  });

  it("answers a request for a keyframe at most once a second", async () => {
    const { a, b, host, settle } = await testPair();
    const track = a.publish(["m", "w"], { retainBytes: 2_000 });
    let wanted = 0;
    track.onKeyframeWanted(() => {
      wanted += 1;
    });
    track.keyframe(numbered(0, 1_500));
    track.send(numbered(1, 1_500));
    const gaps: Gap[] = [];
    for (let i = 0; i < 3; i++) {
      const reader = b.subscribe(["m", "w"]);
      reader.onGap((gap) => gaps.push(gap));
      await settle();
      expect(drainNumbers(reader)).toEqual([1]);
      reader.close();
      await settle();
      if (i === 1) host.advance(1_500);
    }
    expect(wanted).toBe(2);
    expect(gaps.length).toBe(3);
  });
});
