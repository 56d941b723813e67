import { describe, expect, test, vi } from "vitest";
import { end, object, open, port, TRACK } from "../../test/native/client-rig.js";
import type { EndReason, Gap, MoqObject } from "../api.js";
import { RecordFlag, RecordKind } from "./records.js";

describe("subscribing", () => {
  test("drain visits what came, within its budget", () => {
    const client = open();
    const sub = client.subscribe(TRACK);
    const readable = vi.fn();
    sub.onReadable(readable);
    port.tell(...Array.from({ length: 10 }, (_, id) => object(2, id)));
    expect(readable).toHaveBeenCalledTimes(1);
    const seen: number[] = [];
    const visit = (o: MoqObject): void => void seen.push(o.object, o.bytes[0] ?? -1);
    expect(sub.drain(visit, { maxObjects: 4 })).toEqual({ objects: 4, more: true });
    expect(sub.drain(visit)).toEqual({ objects: 6, more: false });
    expect(seen).toEqual(Array.from({ length: 10 }, (_, id) => [id, id]).flat());
  });

  test("batches of the iterator own their bytes and end with the track", async () => {
    const client = open();
    const sub = client.subscribe(TRACK);
    port.tell(object(2, 0), object(2, 1), end(2));
    const objects: MoqObject[] = [];
    for await (const batch of sub) objects.push(...batch);
    expect(objects.map((o) => [o.object, [...o.bytes], o.keyframe])).toEqual([
      [0, [0], true],
      [1, [1], false],
    ]);
    // Nothing of what comes later shows in what the reader keeps.
    const later = client.subscribe(["match/42", "later"]);
    port.tell(object(3, 0, Uint8Array.of(9)));
    later.drain(() => {});
    expect(objects.map((o) => [...o.bytes])).toEqual([[0], [1]]);
  });

  test("the class of the publisher counts", async () => {
    const client = open();
    const sub = client.subscribe(TRACK, { delivery: "latest" });
    port.tell({ kind: RecordKind.Ready, handle: 2, payload: { delivery: "datagram" } });
    await sub.ready;
    expect(sub.delivery).toBe("datagram");
  });

  test("a refusal rejects ready, ends once, and fails the iterator", async () => {
    const client = open();
    const sub = client.subscribe(TRACK);
    const ends: EndReason[] = [];
    sub.onEnd((reason) => ends.push(reason));
    const next = sub[Symbol.asyncIterator]().next();
    port.tell(end(2, "not_found"));
    await expect(sub.ready).rejects.toMatchObject({ code: "not_found" });
    await expect(next).rejects.toMatchObject({ code: "not_found" });
    sub.close();
    await client.close();
    expect(ends).toHaveLength(1);
    expect(ends[0]?.kind).toBe("error");
  });

  test("nothing is delivered after close", () => {
    const client = open();
    const sub = client.subscribe(TRACK);
    const readable = vi.fn();
    const gaps = vi.fn();
    const ends = vi.fn();
    sub.onReadable(readable);
    sub.onGap(gaps);
    sub.onEnd(ends);
    sub.close();
    expect(port.of("closeHandle")).toEqual([[2]]);
    port.tell(object(2, 0), { kind: RecordKind.Gap, handle: 2, group: 1, object: 1 }, end(2));
    expect(readable).not.toHaveBeenCalled();
    expect(gaps).not.toHaveBeenCalled();
    expect(ends).toHaveBeenCalledTimes(1);
    expect(sub.drain(() => {})).toEqual({ objects: 0, more: false });
  });

  test("gaps are told and counted", () => {
    const client = open();
    const sub = client.subscribe(TRACK);
    const gaps: Gap[] = [];
    sub.onGap((gap) => gaps.push(gap));
    const flags = RecordFlag.CountKnown;
    port.tell({ kind: RecordKind.Gap, handle: 2, group: 3, object: 5, extra: 9, flags, code: 1 });
    expect(gaps).toEqual([{ fromGroup: 3, toGroup: 5, objects: 9, reason: "reset" }]);
    expect(sub.stats.gaps).toBe(1);
  });

  test("a reader that is behind holds its records back, and lets them go on at half", () => {
    const client = open();
    const sub = client.subscribe(TRACK, { queueBytes: 10_000 });
    port.tell(...Array.from({ length: 12 }, (_, id) => object(2, id, new Uint8Array(1_000))));
    expect(port.held.has(2)).toBe(true);
    sub.drain(() => {}, { maxObjects: 2 });
    expect(port.held.has(2)).toBe(true);
    sub.drain(() => {});
    expect(port.held.has(2)).toBe(false);
    expect(sub.stats.overflow).toBe(0);
  });

  test("a signal ends it quietly", async () => {
    const client = open();
    const abort = new AbortController();
    const sub = client.subscribe(TRACK, { signal: abort.signal });
    const next = sub[Symbol.asyncIterator]().next();
    abort.abort();
    await expect(next).resolves.toEqual({ done: true, value: undefined });
    expect(port.of("closeHandle")).toEqual([[2]]);
  });
});
