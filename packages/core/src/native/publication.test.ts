import { describe, expect, test, vi } from "vitest";
import { end, open, port, TRACK } from "../../test/native/client-rig.js";
import { ERROR_CODES } from "../errors.js";
import { PUBLISH_KEYFRAME, PUBLISH_MORE } from "./port.js";
import { RecordKind } from "./records.js";

describe("publishing", () => {
  test("send and keyframe pass bytes and flag, and full queues push back", async () => {
    const client = open();
    const track = client.publish(TRACK);
    expect(track.send(Uint8Array.of(1))).toBe(true);
    expect(track.keyframe(Uint8Array.of(2))).toBe(true);
    const keyframe = port.of("publish").map((args) => Number(args[1]) & PUBLISH_KEYFRAME);
    expect(keyframe).toEqual([0, PUBLISH_KEYFRAME]);
    port.publishResult = -ERROR_CODES.would_block;
    expect(track.send(Uint8Array.of(3))).toBe(false);
    const writable = vi.fn();
    const waiting = track.writable().then(writable);
    await Promise.resolve();
    expect(writable).not.toHaveBeenCalled();
    port.tell({ kind: RecordKind.Writable, handle: 2 });
    await waiting;
    expect(writable).toHaveBeenCalledTimes(1);
    port.publishResult = -ERROR_CODES.too_large;
    port.error = "over the limit of 1090 bytes";
    expect(() => track.send(new Uint8Array(2_000))).toThrow(/1090/);
  });

  test("updates of one turn leave together; one alone leaves at once, by a single call", async () => {
    const client = open();
    const track = client.publish(TRACK);
    const turn = async (sends: number): Promise<(number | "flush")[]> => {
      const before = port.calls.length;
      for (let i = 0; i < sends; i++) track.send(Uint8Array.of(i));
      await Promise.resolve();
      const made = port.calls.slice(before);
      return made.map(({ name, args }) => (name === "publish" ? Number(args[1]) : "flush"));
    };
    const more = PUBLISH_MORE;
    expect(await turn(1)).toEqual([0]);
    expect(await turn(1)).toEqual([0]);
    // The first of several cannot know; the next turn does.
    expect(await turn(3)).toEqual([0, more, more, "flush"]);
    expect(await turn(3)).toEqual([more, more, more, "flush"]);
    expect(await turn(1)).toEqual([more, "flush"]);
    expect(await turn(1)).toEqual([0]);
    // A turn without end holds nothing back.
    const many = await turn(200);
    expect(many.filter((call) => call === 0).length).toBe(1 + 3);
    expect(many.at(-1)).toBe("flush");
  });

  test("ready, subscribers and keyframe requests are told", async () => {
    const client = open();
    const track = client.publish(TRACK);
    const wanted = vi.fn();
    track.onKeyframeWanted(wanted);
    port.tell(
      { kind: RecordKind.Ready, handle: 2 },
      { kind: RecordKind.Subscribers, handle: 2, extra: 3 },
      { kind: RecordKind.KeyframeWanted, handle: 2 },
    );
    await track.ready;
    expect(track.subscribers).toBe(3);
    expect(wanted).toHaveBeenCalledTimes(1);
  });

  test("a refusal rejects ready and what waits, and later sends throw it", async () => {
    const client = open();
    const track = client.publish(TRACK);
    port.publishResult = -ERROR_CODES.would_block;
    track.send(Uint8Array.of(1));
    const writable = track.writable();
    port.tell(end(2, "unauthorized"));
    await expect(track.ready).rejects.toMatchObject({ code: "unauthorized" });
    await expect(writable).rejects.toMatchObject({ code: "unauthorized" });
    expect(() => track.send(Uint8Array.of(1))).toThrow(/unauthorized/);
    expect(port.of("closeHandle")).toEqual([[2]]);
  });

  test("a track is published once at a time, and again after its end", async () => {
    const client = open();
    const track = client.publish(TRACK);
    expect(() => client.publish(TRACK)).toThrow(expect.objectContaining({ code: "duplicate" }));
    await track.end();
    expect(port.of("end")).toEqual([[2, 0]]);
    expect(() => track.send(Uint8Array.of(1))).toThrow(expect.objectContaining({ code: "closed" }));
    client.publish(TRACK);
  });

  test("end with flush waits for the library", async () => {
    const client = open();
    const track = client.publish(TRACK);
    const ended = vi.fn();
    const ending = track.end({ flush: 500 }).then(ended);
    await Promise.resolve();
    expect(port.of("end")).toEqual([[2, 500]]);
    expect(ended).not.toHaveBeenCalled();
    port.tell(end(2));
    await ending;
    expect(port.of("closeHandle")).toEqual([[2]]);
  });
});
