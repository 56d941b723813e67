import { describe, expect, it } from "vitest";
import { bytes, drainNumbers, numbered, rejection, testPair } from "../../test/client-pair.js";
import type { EndReason } from "../api.js";

describe("ends", () => {
  it("rejects a track that nobody publishes, with the reason", async () => {
    const { b, settle } = await testPair();
    const reader = b.subscribe(["m", "missing"]);
    const ends: EndReason[] = [];
    reader.onEnd((reason) => ends.push(reason));
    await settle();
    const error = await rejection(reader.ready);
    expect(error).toMatchObject({ code: "not_found", peerCode: 0x10 });
    expect(error.message).toMatch(/m\/missing.*Nobody publishes/);
    expect(ends.map(({ kind }) => kind)).toEqual(["error"]);
  });

  it("delivers all and then ends when the track ends", async () => {
    const { a, b, settle } = await testPair();
    const track = a.publish(["m", "w"]);
    const reader = b.subscribe(["m", "w"]);
    await settle();
    const got: number[] = [];
    const loop = (async () => {
      for await (const batch of reader) for (const object of batch) got.push(object.bytes[3] ?? -1);
    })();
    for (let i = 0; i < 20; i++) track.keyframe(numbered(i));
    const ended = track.end({ flush: 1_000 });
    await settle();
    await ended;
    await loop;
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(() => track.send(bytes(1))).toThrow(/has ended/);
    await expect(track.writable()).rejects.toMatchObject({ code: "closed" });
    await track.end();
  });

  it("delivers nothing after close", async () => {
    const { a, b, settle } = await testPair();
    const track = a.publish(["m", "w"]);
    const reader = b.subscribe(["m", "w"]);
    const ends: EndReason[] = [];
    reader.onEnd((reason) => ends.push(reason));
    await settle();
    track.send(numbered(1));
    await settle();
    const closing = b.close();
    await settle();
    await closing;
    expect(drainNumbers(reader)).toEqual([]);
    expect(ends).toEqual([{ kind: "closed", error: undefined }]);
    expect(b.state).toBe("closed");
    expect(a.state).toBe("closed");
    await b.close();
    reader.close();
    expect(ends.length).toBe(1);
    expect(() => b.subscribe(["m", "w"])).toThrow(/closed/);
  });

  it("tells subscriptions and listeners when the connection is lost", async () => {
    const { a, b, memory, settle } = await testPair();
    a.publish(["m", "w"]).send(numbered(1));
    const reader = b.subscribe(["m", "w"]);
    await settle();
    const states: unknown[] = [];
    b.onState((state, reason) => states.push([state, reason?.code]));
    memory.disconnect({ kind: "timed_out" });
    await settle();
    expect(states).toEqual([["closed", "timeout"]]);
    // What had arrived can still be read; then the iterator throws.
    const seen: number[] = [];
    const error = await rejection(
      (async () => {
        for await (const batch of reader)
          for (const object of batch) seen.push(object.bytes[3] ?? -1);
      })(),
    );
    expect(seen).toEqual([1]);
    expect(error).toMatchObject({ code: "timeout", retryable: true });
  });

  it("leaves no timer behind", async () => {
    const { a, b, host, settle } = await testPair();
    const track = a.publish(["m", "w"], { delivery: "deadline" });
    const reader = b.subscribe(["m", "w"]);
    await settle();
    track.send(numbered(1));
    await settle();
    reader.close();
    const closing = Promise.all([a.close(), b.close()]);
    await settle();
    await closing;
    expect(host.timers).toBe(0);
  });

  it("subscribes again right after closing", async () => {
    const { a, b, host, settle } = await testPair();
    const track = a.publish(["m", "w"]);
    track.send(numbered(1));
    for (let i = 0; i < 5; i++) {
      const reader = b.subscribe(["m", "w"]);
      if (i % 2 === 0) await settle();
      reader.close();
    }
    const reader = b.subscribe(["m", "w"]);
    await settle();
    host.advance(500);
    await settle();
    expect(drainNumbers(reader)).toEqual([1]);
    expect(track.subscribers).toBe(1);
  });
});
