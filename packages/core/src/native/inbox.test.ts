import { describe, expect, test, vi } from "vitest";
import {
  host,
  now,
  object,
  open,
  pass,
  port,
  scheduled,
  TRACK,
  turn,
} from "../../test/native/client-rig.js";
import { encodeRecord, type FakeRecord } from "../../test/native/fake-port.js";
import { NativeClient } from "./client.js";
import { RecordKind } from "./records.js";

/** What a library of another make may give: each ends the client with `internal`, and only that client. */
describe("records that cannot be read", () => {
  const long = new Uint8Array(72);
  new DataView(long.buffer).setUint32(0, 4_096, true);
  const noJson: FakeRecord = {
    kind: RecordKind.State,
    handle: 1,
    code: 2,
    payload: Uint8Array.of(123),
  };

  test.each([
    ["longer than what was given", () => port.queue.push(long)],
    ["no JSON where there must be some", () => port.queue.push(encodeRecord(noJson))],
    ["more than there is room for", () => vi.spyOn(port, "poll").mockReturnValue(2 ** 40)],
    ["a record larger than memory", () => vi.spyOn(port, "poll").mockReturnValue(-(2 ** 52))],
  ])("%s", async (_, give) => {
    const client = open();
    const states: unknown[] = [];
    client.onState((state, reason) => states.push([state, reason?.code]));
    const sub = client.subscribe(TRACK);
    const ends: unknown[] = [];
    sub.onEnd(({ kind, error }) => ends.push([kind, error?.code]));
    give();
    client.poll();
    client.poll();
    expect(client.state).toBe("closed");
    expect(states).toEqual([["closed", "internal"]]);
    expect(ends).toEqual([["error", "internal"]]);
    expect(scheduled).toEqual([]);
    expect(port.of("close")).toEqual([[client.handle, 0]]);
  });
});

/** A host whose turns are bounded; its clock moves by a ms whenever a listener runs. */
describe("a bounded turn", () => {
  function bounded(until: number) {
    const turn = { until, left: false };
    const client = new NativeClient(port, { ...host(), turn }, "{}");
    port.opened(client.handle);
    return { client, turn };
  }

  test("ends after what listeners took, and the next one goes on in order", () => {
    const { client, turn } = bounded(Number.POSITIVE_INFINITY);
    const sub = client.subscribe(TRACK);
    const heard: number[] = [];
    sub.onGap((gap) => {
      heard.push(gap.fromGroup);
      pass(1);
    });
    turn.until = now + 3;
    const gaps = Array.from({ length: 10 }, (_, group): FakeRecord => {
      return { kind: RecordKind.Gap, handle: 2, group, object: group };
    });
    port.tell(...gaps, object(2, 0));
    expect(heard).toEqual([0, 1, 2]);
    expect(turn.left).toBe(true);
    // What was handed out lies where the rest does, and nothing is polled over it.
    expect(scheduled).toEqual([]);
    const polls = port.of("poll").length;
    turn.until = now + 4;
    turn.left = false;
    client.poll();
    expect(heard).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(turn.left).toBe(true);
    expect(port.of("poll").length).toBe(polls);
    turn.until = Number.POSITIVE_INFINITY;
    turn.left = false;
    client.poll();
    expect(heard.length).toBe(10);
    expect(turn.left).toBe(false);
    expect(sub.drain(() => {}).objects).toBe(1);
  });

  test("leaves what listeners were told later, but one", () => {
    const { client, turn } = bounded(Number.POSITIVE_INFINITY);
    let heard = 0;
    const subs = ["a", "b", "c"].map((name) => client.subscribe(["match", name]));
    for (const sub of subs) {
      sub.onReadable(() => {
        heard += 1;
        pass(5);
      });
    }
    turn.until = now + 1;
    port.tell(...[2, 3, 4].map((handle) => object(handle, 0)));
    expect(heard).toBe(1);
    expect(turn.left).toBe(true);
    for (const seen of [2, 3]) {
      turn.until = now + 1;
      client.poll();
      expect(heard).toBe(seen);
    }
  });

  test("that left something lets go of it when the client closes", async () => {
    const { client, turn } = bounded(Number.POSITIVE_INFINITY);
    const sub = client.subscribe(TRACK);
    let heard = 0;
    sub.onGap(() => {
      heard += 1;
      pass(1);
    });
    turn.until = now + 1;
    const gap: FakeRecord = { kind: RecordKind.Gap, handle: 2, group: 1, object: 1 };
    port.tell(gap, gap, gap);
    expect(heard).toBe(1);
    await client.close();
    client.poll();
    expect(heard).toBe(1);
  });
});

describe("polling", () => {
  test("a record larger than the buffer makes it grow", () => {
    const client = open();
    const sub = client.subscribe(TRACK);
    const large = new Uint8Array(1_000_000).fill(7);
    port.tell(object(2, 0, large));
    let size = 0;
    sub.drain((o) => {
      size = o.bytes.length;
      expect(o.bytes[999_999]).toBe(7);
    });
    expect(size).toBe(large.length);
  });

  test("a poll that stops at its budget goes on by itself: the library wakes no second time", () => {
    const client = open();
    const sub = client.subscribe(TRACK, { queueBytes: 1 << 30 });
    const count = 100;
    port.tell(
      ...Array.from({ length: count }, (_, id) => object(2, id, new Uint8Array(250 * 1024))),
    );
    let seen = sub.drain(() => {}).objects;
    expect(seen).toBeLessThan(count);
    expect(scheduled.length).toBe(1);
    for (let i = 0; i < 10 && scheduled.length > 0; i++) {
      turn();
      seen += sub.drain(() => {}).objects;
    }
    expect(seen).toBe(count);
  });

  test.each([1, 200])("a tick is one native call, with %i subscriptions too", (count) => {
    const client = open();
    const subs = Array.from({ length: count }, (_, n) => client.subscribe(["match/42", `t${n}`]));
    const before = port.calls.length;
    port.tell(...subs.map((_, n) => object(n + 2, 0)));
    for (const sub of subs) expect(sub.drain(() => {}).objects).toBe(1);
    expect(port.calls.slice(before).map((call) => call.name)).toEqual(["poll"]);
  });

  test("a listener may use the client while records are handed out", async () => {
    const client = open();
    const first = client.subscribe(TRACK);
    const second = client.subscribe(["match/42", "poses"]);
    first.onReadable(() => {
      first.drain(() => {});
      client.subscribe(["match/42", "more"]);
      second.close();
    });
    port.tell(object(2, 0), object(3, 0));
    expect(second.drain(() => {}).objects).toBe(0);
    expect(port.of("request")).toHaveLength(3);
  });
});
