import { beforeEach, describe, expect, test, vi } from "vitest";
import { encodeRecord, FakePort, type FakeRecord } from "../../test/native/fake-port.js";
import type { ClientState, EndReason, Gap, MoqObject } from "../api.js";
import { ERROR_CODES, MoqError } from "../errors.js";
import { resolveClientOptions } from "../options.js";
import { NativeClient } from "./client.js";
import { connectNative } from "./connect.js";
import { PUBLISH_KEYFRAME, PUBLISH_MORE } from "./port.js";
import { RecordFlag, RecordKind } from "./records.js";

const TRACK = ["match/42", "world"] as const;

let port: FakePort;
let scheduled: (() => void)[];
let now: number;

function host() {
  return {
    now: () => now,
    schedule: (run: () => void) => {
      scheduled.push(run);
    },
  };
}

/** Runs what was scheduled, like the host's next turn. */
function turn(): void {
  const all = scheduled;
  scheduled = [];
  for (const run of all) run();
}

/** Until promises that are settled have been heard. */
const settle = (): Promise<void> => new Promise((done) => setTimeout(done));

function open(): NativeClient {
  const client = new NativeClient(port, host(), "{}");
  port.opened(client.handle);
  return client;
}

function object(handle: number, id: number, payload = Uint8Array.of(id)): FakeRecord {
  const flags = id === 0 ? RecordFlag.Keyframe : 0;
  return { kind: RecordKind.Object, handle, group: 1, object: id, flags, payload };
}

function end(handle: number, code: keyof typeof ERROR_CODES = "ok"): FakeRecord {
  return {
    kind: RecordKind.End,
    handle,
    code: ERROR_CODES[code],
    payload: { message: `ended: ${code}`, retryable: false },
  };
}

beforeEach(() => {
  port = new FakePort();
  scheduled = [];
  now = 0;
});

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
      now += 1;
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
        now += 5;
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
      now += 1;
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

describe("connecting", () => {
  test("settles with what was negotiated", async () => {
    const connecting = connectNative(
      port,
      host(),
      "moqt://h",
      resolveClientOptions({ token: "t" }),
    );
    expect(JSON.parse(String(port.of("open")[0]?.[0]))).toMatchObject({
      url: "moqt://h",
      token: "t",
      connectTimeout: 10_000,
    });
    port.opened();
    const client = await connecting;
    expect(client.state).toBe("open");
    expect(client.protocol).toMatchObject({ draft: 18, transport: "quic", peer: undefined });
  });

  test("bytes of token and hashes go as hexadecimal", () => {
    const value = new Uint8Array(32).fill(0xab);
    const options = resolveClientOptions({
      token: Uint8Array.of(0, 255),
      serverCertificateHashes: [{ algorithm: "sha-256", value }],
    });
    connectNative(port, host(), "moqt://h", options).catch(() => {});
    expect(JSON.parse(String(port.of("open")[0]?.[0]))).toMatchObject({
      token: { hex: "00ff" },
      serverCertificateHashes: ["ab".repeat(32)],
    });
  });

  test("a token that a function gives is asked for whenever the library wants one", async () => {
    const given = ["one", new Error("no service"), Uint8Array.of(2), 7];
    const token = (): string => {
      const next = given.shift();
      if (next instanceof Error) throw next;
      return next as string;
    };
    const options = resolveClientOptions({ token, reconnect: { timeout: 0 } });
    const connecting = connectNative(port, host(), "moqt://h", options);
    const opened = JSON.parse(String(port.of("open")[0]?.[0])) as Record<string, unknown>;
    expect(opened).toMatchObject({ askToken: true, reconnect: { initialDelay: 200, timeout: 0 } });
    expect(opened).not.toHaveProperty("token");
    const wanted = (attempt: number): void =>
      port.tell({ kind: RecordKind.TokenWanted, handle: 1, extra: attempt });
    wanted(1);
    await settle();
    expect(port.of("supplyToken")).toEqual([[1, 1, new TextEncoder().encode("one")]]);
    port.opened();
    const client = await connecting;
    wanted(2);
    await settle();
    expect(port.of("refuseToken")).toEqual([[1, 2, expect.stringContaining("no service")]]);
    wanted(3);
    await settle();
    expect(port.of("supplyToken").at(-1)).toEqual([1, 3, Uint8Array.of(2)]);
    // What is no token will not become one.
    const ends: unknown[] = [];
    client.onState((state, reason) => ends.push([state, reason?.code]));
    wanted(4);
    await settle();
    expect(ends).toEqual([["closed", "invalid_argument"]]);
  });

  test("a loss shows as a state with its reason, and counts once it is repaired", async () => {
    const connecting = connectNative(port, host(), "moqt://h", resolveClientOptions({}));
    port.opened();
    const client = await connecting;
    const states: unknown[] = [];
    client.onState((state, reason) => states.push([state, reason?.code, reason?.retryable]));
    port.tell({
      kind: RecordKind.State,
      handle: 1,
      code: 2,
      extra: ERROR_CODES.timeout,
      payload: { message: "nothing was heard", retryable: true },
    });
    expect(client.state).toBe("reconnecting");
    // It takes what it takes while it is open.
    expect(() => client.publish(TRACK)).not.toThrow();
    port.opened();
    expect(states).toEqual([
      ["reconnecting", "timeout", true],
      ["open", undefined, undefined],
    ]);
    expect(client.stats().reconnects).toBe(2);
  });

  test("rejects with the library's reason, and frees the handle", async () => {
    const connecting = connectNative(port, host(), "moqt://h", resolveClientOptions({}));
    port.tell(end(1, "certificate"));
    await expect(connecting).rejects.toMatchObject({ code: "certificate" });
    expect(port.of("close")).toEqual([[1, 0]]);
    expect(port.alive).toBe(false);
  });

  test("rejects when the refusal follows the opening at once", async () => {
    const connecting = connectNative(port, host(), "moqt://h", resolveClientOptions({}));
    port.opened();
    port.tell(end(1, "unauthorized"));
    await expect(connecting).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("wrong options reject at once with the library's words", async () => {
    port.result = -ERROR_CODES.invalid_argument;
    port.error = "no such scheme";
    const connecting = connectNative(port, host(), "x://h", resolveClientOptions({}));
    await expect(connecting).rejects.toMatchObject({
      code: "invalid_argument",
      message: "no such scheme",
    });
  });

  test("a signal ends it", async () => {
    const abort = new AbortController();
    const options = resolveClientOptions({ signal: abort.signal });
    const connecting = connectNative(port, host(), "moqt://h", options);
    abort.abort();
    await expect(connecting).rejects.toMatchObject({ code: "cancelled" });
    expect(port.of("close")).toEqual([[1, 0]]);
  });

  test("a library of another version is refused", () => {
    port.abiVersion = () => 2;
    expect(() => new NativeClient(port, host(), "{}")).toThrow(
      expect.objectContaining({ code: "unavailable" }),
    );
  });
});

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

describe("requests", () => {
  test("discovery tells what appears and goes, and ends with the client", async () => {
    const client = open();
    const changes = client.discover("match/")[Symbol.asyncIterator]();
    const first = changes.next();
    port.tell(
      { kind: RecordKind.Namespace, handle: 2, payload: ["match", "1"] },
      {
        kind: RecordKind.Namespace,
        handle: 2,
        payload: ["match", "1"],
        flags: RecordFlag.Removed,
      },
    );
    expect(await first).toEqual({
      done: false,
      value: { kind: "added", namespace: ["match", "1"] },
    });
    expect((await changes.next()).value).toEqual({ kind: "removed", namespace: ["match", "1"] });
    const last = changes.next();
    await client.close();
    expect(await last).toEqual({ done: true, value: undefined });
    expect(() => client.discover("match/")).toThrow(expect.objectContaining({ code: "closed" }));
  });

  test("a flood of namespaces is held back until it is read", async () => {
    const client = open();
    const changes = client.discover("")[Symbol.asyncIterator]();
    const many = Array.from({ length: 4_096 }, (_, n) => ({
      kind: RecordKind.Namespace,
      handle: 2,
      payload: [`n${n}`],
    }));
    port.tell(...many);
    expect(port.held.has(2)).toBe(true);
    for (let i = 0; i < 4_096; i++) await changes.next();
    expect(port.held.has(2)).toBe(false);
  });

  test("fetch gives batches, then ends; a refusal throws", async () => {
    const client = open();
    const past = client.fetch(TRACK, { fromGroup: 1, toGroup: 2 });
    const reading = (async () => {
      const ids: number[] = [];
      for await (const batch of past) ids.push(...batch.map((o) => o.object));
      return ids;
    })();
    port.tell(object(2, 0), object(2, 1), end(2));
    expect(await reading).toEqual([0, 1]);
    const failing = client.fetch(TRACK, { fromGroup: 1, toGroup: 2 })[Symbol.asyncIterator]();
    const next = failing.next();
    port.tell(end(3, "not_found"));
    await expect(next).rejects.toMatchObject({ code: "not_found" });
  });

  test("status answers, or rejects", async () => {
    const client = open();
    const asking = client.status(TRACK);
    port.tell(
      {
        kind: RecordKind.Status,
        handle: 2,
        flags: RecordFlag.HasLargest,
        group: 5,
        object: 6,
        payload: { delivery: "latest" },
      },
      end(2),
    );
    expect(await asking).toEqual({ largest: { group: 5, object: 6 }, delivery: "latest" });
    const failing = client.status(TRACK);
    port.tell(end(3, "not_found"));
    await expect(failing).rejects.toMatchObject({ code: "not_found" });
    const abort = new AbortController();
    const aborted = client.status(TRACK, { signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("ending", () => {
  test("the loss of the connection ends everything once, with its reason", async () => {
    const client = open();
    const states: [ClientState, MoqError | undefined][] = [];
    client.onState((...args) => states.push(args));
    const sub = client.subscribe(TRACK);
    const ends: EndReason[] = [];
    sub.onEnd((reason) => ends.push(reason));
    const next = sub[Symbol.asyncIterator]().next();
    const past = client.fetch(TRACK, { fromGroup: 0, toGroup: 1 })[Symbol.asyncIterator]().next();
    port.tell(end(client.handle, "timeout"));
    await expect(next).rejects.toMatchObject({ code: "timeout" });
    await expect(past).rejects.toMatchObject({ code: "timeout" });
    await client.close();
    expect(ends.map((reason) => reason.error?.code)).toEqual(["timeout"]);
    expect(states.map(([state, reason]) => [state, reason?.code])).toEqual([["closed", "timeout"]]);
    expect(port.of("close")).toEqual([[1, 0]]);
    expect(() => client.publish(TRACK)).toThrow(expect.objectContaining({ code: "closed" }));
    expect(client.stats().state).toBe("closed");
  });

  test("close is idempotent and delivers nothing afterwards", async () => {
    const client = open();
    const sub = client.subscribe(TRACK);
    const readable = vi.fn();
    sub.onReadable(readable);
    const closing = client.close();
    port.tell(object(2, 0));
    await closing;
    await client.close();
    expect(readable).not.toHaveBeenCalled();
    expect(port.of("close")).toEqual([[1, 0]]);
    expect(port.alive).toBe(false);
  });

  test("close with flush waits for the library's end", async () => {
    const client = open();
    const closed = vi.fn();
    const closing = client.close({ flush: 300 }).then(closed);
    await Promise.resolve();
    expect(port.of("close")).toEqual([[1, 300]]);
    expect(closed).not.toHaveBeenCalled();
    expect(() => client.subscribe(TRACK)).toThrow(expect.objectContaining({ code: "closed" }));
    port.tell(end(client.handle));
    await closing;
    expect(port.of("close")).toEqual([
      [1, 300],
      [1, 0],
    ]);
  });

  test("the process is kept alive only while something is awaited", async () => {
    const client = open();
    await client.opened;
    await Promise.resolve();
    expect(port.alive).toBe(false);
    const sub = client.subscribe(TRACK);
    expect(port.alive).toBe(true);
    port.tell({ kind: RecordKind.Ready, handle: 2, payload: { delivery: "reliable" } });
    expect(port.alive).toBe(false);
    const next = sub[Symbol.asyncIterator]().next();
    expect(port.alive).toBe(true);
    port.tell(object(2, 0));
    await next;
    await Promise.resolve();
    expect(port.alive).toBe(false);
  });

  test("statistics join the library's with what waits here", () => {
    const client = open();
    client.subscribe(TRACK);
    client.publish(["match/42", "poses"]);
    port.tell(object(2, 0));
    const stats = client.stats();
    expect(stats).toMatchObject({ state: "open", rtt: 1.5, packetsLost: 0, datagramsDropped: 4 });
    expect(stats.subscriptions[0]).toMatchObject({
      track: "match/42/world",
      objects: 1,
      queuedObjects: 1,
    });
    expect(stats.publications[0]).toMatchObject({ track: "match/42/poses", delivery: "reliable" });
  });

  test("a subscription that ended still tells what was dropped of it", () => {
    const client = open();
    const sub = client.subscribe(TRACK);
    const nothing = {
      handle: 2,
      queuedObjects: 3,
      queuedBytes: 30,
      stale: 0,
      overflow: 0,
      reset: 0,
    };
    port.counters = [{ ...nothing, late: 1 }];
    expect(sub.stats).toMatchObject({ late: 1, queuedObjects: 3 });
    port.counters = [];
    port.ended = [{ ...nothing, late: 4 }];
    port.tell(end(2));
    now += 1_000;
    expect(sub.stats).toMatchObject({ late: 4, queuedObjects: 0, queuedBytes: 0 });
    // Others ended since.
    port.ended = [];
    now += 1_000;
    expect(sub.stats.late).toBe(4);
  });

  test("errors that reach the caller are of one class", () => {
    port.result = -ERROR_CODES.limit_exceeded;
    expect(() => new NativeClient(port, host(), "{}")).toThrow(MoqError);
  });
});
