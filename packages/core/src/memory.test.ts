import { describe, expect, it } from "vitest";
import { type MemoryOptions, memoryPair } from "./memory.js";
import type { TransportEvents } from "./transport.js";

type Log = [string, ...unknown[]][];

function events(log: Log): TransportEvents {
  const record =
    (name: string) =>
    (...args: unknown[]): void =>
      void log.push([name, ...args]);
  return {
    data: (id, dir, data, fin) => void log.push(["data", id, dir, Array.from(data), fin]),
    reset: record("reset"),
    stopped: record("stopped"),
    writable: record("writable"),
    acked: record("acked"),
    streamsAvailable: record("streamsAvailable"),
    datagramsAvailable: record("datagramsAvailable"),
    datagram: (data) => void log.push(["datagram", Array.from(data)]),
    closed: record("closed"),
  };
}

function started(options: MemoryOptions = {}) {
  const pair = memoryPair({ ...options, schedule: "manual" });
  const a: Log = [];
  const b: Log = [];
  pair.a.start(events(a));
  pair.b.start(events(b));
  return { ...pair, logA: a, logB: b };
}

const of = (...list: number[]): Uint8Array => Uint8Array.from(list);

describe("the in-memory transport", () => {
  it("delivers in order, later than the call, with an end and an acknowledgement", () => {
    const pair = started();
    const id = pair.a.open("uni")!;
    expect(pair.a.write(id, of(1, 2))).toBe(2);
    expect(pair.logB).toEqual([]);
    pair.run();
    expect(pair.a.write(id, of(3))).toBe(1);
    pair.a.finish(id);
    expect(pair.a.write(id, of(4))).toBe(-1);
    pair.run();
    expect(pair.logB).toEqual([
      ["data", id, "uni", [1, 2], false],
      ["data", id, "uni", [3], true],
    ]);
    expect(pair.logA).toEqual([["acked", id]]);
  });

  it("answers on a stream of the peer", () => {
    const pair = started();
    const id = pair.a.open("bi")!;
    pair.a.write(id, of(1));
    pair.run();
    pair.b.write(id, of(2));
    pair.b.finish(id);
    pair.run();
    expect(pair.logA).toEqual([["data", id, "bi", [2], true]]);
  });

  it("keeps what came before the start", () => {
    const pair = memoryPair({ schedule: "manual" });
    const log: Log = [];
    const id = pair.a.open("uni")!;
    pair.a.write(id, of(1));
    pair.a.sendDatagram(of(2));
    pair.run();
    pair.b.start(events(log));
    expect(log).toEqual([]);
    pair.run();
    expect(log).toEqual([
      ["data", id, "uni", [1], false],
      ["datagram", [2]],
    ]);
  });

  it("blocks at the window and says when it can go on", () => {
    const pair = started({ streamWindow: 3, connectionWindow: 5 });
    const one = pair.a.open("uni")!;
    const two = pair.a.open("uni")!;
    expect(pair.a.write(one, of(1, 2, 3, 4))).toBe(3);
    expect(pair.a.write(two, of(5, 6, 7))).toBe(2);
    expect(pair.a.write(two, of(7))).toBe(0);
    pair.run();
    expect(pair.logA).toEqual([
      ["writable", one],
      ["writable", two],
    ]);
    expect(pair.a.write(two, of(7))).toBe(1);
  });

  it("holds the sender back while paused", () => {
    const pair = started({ streamWindow: 2 });
    const id = pair.a.open("uni")!;
    pair.a.write(id, of(1));
    pair.run();
    pair.b.pause(id, true);
    expect(pair.a.write(id, of(2, 3, 4))).toBe(2);
    pair.run();
    expect(pair.logB.length).toBe(1);
    pair.b.pause(id, false);
    pair.run();
    expect(pair.logB[1]).toEqual(["data", id, "uni", [2, 3], false]);
    expect(pair.logA).toEqual([["writable", id]]);
  });

  it("loses what was on its way when a stream is reset", () => {
    const pair = started();
    const id = pair.a.open("uni")!;
    pair.a.write(id, of(1));
    pair.a.reset(id, 9);
    pair.run();
    expect(pair.logB).toEqual([
      ["data", id, "uni", [], false],
      ["reset", id, 9],
    ]);
    expect(pair.a.write(id, of(1))).toBe(-1);
  });

  it("delivers nothing of a stream that was stopped", () => {
    const pair = started();
    const id = pair.a.open("uni")!;
    pair.a.write(id, of(1));
    pair.run();
    pair.b.stop(id, 4);
    expect(pair.a.write(id, of(2))).toBe(-1);
    pair.run();
    pair.a.reset(id, 4);
    pair.run();
    expect(pair.logA).toEqual([["stopped", id, 4]]);
    expect(pair.logB.length).toBe(1);
  });

  it("gives stream credit back when both halves are over", () => {
    const pair = started({ maxBidiStreams: 1, maxUniStreams: 1 });
    const bi = pair.a.open("bi")!;
    const uni = pair.a.open("uni")!;
    expect(pair.a.open("bi")).toBeUndefined();
    expect(pair.a.open("uni")).toBeUndefined();
    // The other side has its own credit.
    expect(pair.b.open("uni")).toBeDefined();
    pair.a.finish(bi);
    pair.a.finish(uni);
    pair.run();
    expect(pair.logA).toContainEqual(["streamsAvailable", "uni"]);
    expect(pair.logA).not.toContainEqual(["streamsAvailable", "bi"]);
    pair.b.reset(bi, 0);
    pair.run();
    expect(pair.logA).toContainEqual(["streamsAvailable", "bi"]);
    expect(pair.a.open("bi")).toBeDefined();
  });

  it("carries datagrams within a size and a queue", () => {
    const pair = started({ maxDatagramSize: 2, datagramQueue: 1 });
    expect(pair.a.maxDatagramSize()).toBe(2);
    expect(pair.a.sendDatagram(of(1, 2, 3))).toBe("too_large");
    expect(pair.a.sendDatagram(of(1, 2))).toBe("sent");
    expect(pair.a.sendDatagram(of(3))).toBe("blocked");
    pair.run();
    expect(pair.logB).toEqual([["datagram", [1, 2]]]);
    expect(pair.logA).toEqual([["datagramsAvailable"]]);
    expect(pair.a.stats()).toMatchObject({ bytesSent: 2, packetsSent: 1 });
    expect(pair.b.stats()).toMatchObject({ bytesReceived: 2 });
    expect(started({ maxDatagramSize: 0 }).a.sendDatagram(of(1))).toBe("unsupported");
  });

  it("closes after what was on its way, once, with the code", () => {
    const pair = started();
    const id = pair.a.open("uni")!;
    pair.a.write(id, of(1));
    pair.a.close(3, "bad");
    pair.a.close(4, "again");
    expect(pair.a.open("uni")).toBeUndefined();
    expect(pair.a.sendDatagram(of(1))).toBe("unsupported");
    pair.run();
    expect(pair.logB).toEqual([
      ["data", id, "uni", [1], false],
      ["closed", { kind: "peer", code: 3, reason: "bad" }],
    ]);
    expect(pair.logA).toEqual([["closed", { kind: "local", code: 3, reason: "bad" }]]);
  });

  it("can be lost", () => {
    const pair = started();
    pair.disconnect({ kind: "timed_out" });
    pair.run();
    expect([pair.logA, pair.logB]).toEqual([
      [["closed", { kind: "timed_out" }]],
      [["closed", { kind: "timed_out" }]],
    ]);
  });

  it("runs by itself, and on a scheduler that is given", async () => {
    const own = memoryPair();
    const log: Log = [];
    own.b.start(events(log));
    own.a.sendDatagram(of(1));
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(log).toEqual([["datagram", [1]]]);
    const turns: (() => void)[] = [];
    const given = memoryPair({ schedule: (run) => void turns.push(run) });
    given.b.start(events(log));
    given.a.sendDatagram(of(2));
    given.a.sendDatagram(of(3));
    expect(turns.length).toBe(1);
    turns[0]!();
    expect(log.slice(1)).toEqual([
      ["datagram", [2]],
      ["datagram", [3]],
    ]);
  });
});
