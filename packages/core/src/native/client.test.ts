import { describe, expect, test, vi } from "vitest";
import {
  end,
  host,
  object,
  open,
  pass,
  port,
  settle,
  TRACK,
} from "../../test/native/client-rig.js";
import type { ClientState, EndReason } from "../api.js";
import { ERROR_CODES, MoqError } from "../errors.js";
import { resolveClientOptions } from "../options.js";
import { NativeClient } from "./client.js";
import { connectNative } from "./connect.js";
import { RecordKind } from "./records.js";

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
    pass(1_000);
    expect(sub.stats).toMatchObject({ late: 4, queuedObjects: 0, queuedBytes: 0 });
    // Others ended since.
    port.ended = [];
    pass(1_000);
    expect(sub.stats.late).toBe(4);
  });

  test("errors that reach the caller are of one class", () => {
    port.result = -ERROR_CODES.limit_exceeded;
    expect(() => new NativeClient(port, host(), "{}")).toThrow(MoqError);
  });
});
