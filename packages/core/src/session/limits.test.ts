import { describe, expect, it } from "vitest";
import {
  bytes,
  datagramOf,
  headerOf,
  objectOf,
  type Pair,
  type PairOptions,
  sessionPair,
  subscribed,
  track,
} from "../../test/session-pair.js";
import { PADDING_DATAGRAM, PADDING_STREAM, padding, StreamCode } from "../wire/index.js";

describe("data for a track alias that is not known", () => {
  function early(options: PairOptions = {}): Pair {
    const pair = sessionPair(options);
    const id = pair.client.session.request({
      type: "subscribe",
      track: track("a", "t"),
      params: {},
    });
    pair.run();
    expect(id).toBe(0);
    return pair;
  }
  const accept = (pair: Pair) =>
    pair.server.session.respond(0, {
      type: "subscribe_ok",
      trackAlias: 7,
      params: {},
      properties: [],
    });

  it("waits and is delivered in order", () => {
    const pair = early();
    for (const group of [1, 2]) {
      const stream = pair.server.session.openSubgroup(headerOf(7, group), 0)!;
      pair.server.session.writeObject(stream, objectOf(0, `${group}`));
      pair.server.session.finishStream(stream);
    }
    pair.server.session.sendDatagram(datagramOf(7, 3, "3"));
    pair.run();
    expect(pair.client.names()).toEqual(["ready"]);
    expect(pair.client.session.nextTimeout()).toBe(3000);
    accept(pair);
    pair.run();
    expect(pair.client.names()).toEqual([
      "ready",
      "response",
      ...["subgroupOpened", "object", "streamEnded"],
      ...["subgroupOpened", "object", "streamEnded"],
      "datagram",
    ]);
  });

  it("goes when it waited for too long, and is counted", () => {
    const pair = early();
    const stream = pair.server.session.openSubgroup(headerOf(7, 1), 0)!;
    pair.server.session.writeObject(stream, objectOf(0, "x"));
    pair.server.session.sendDatagram(datagramOf(7, 3, "3"));
    pair.run();
    pair.advance(2000);
    expect(pair.server.last("stopped")).toEqual([stream, StreamCode.Cancelled]);
    accept(pair);
    pair.run();
    expect(pair.client.all("object").length + pair.client.all("datagram").length).toBe(0);
    expect(pair.client.session.stats()).toMatchObject({
      unknownAliasStreams: 1,
      unknownAliasDatagrams: 1,
    });
  });

  it("is bounded", () => {
    const pair = early({ client: { limits: { maxEarlyStreams: 2, maxEarlyDatagrams: 2 } } });
    for (const group of [1, 2, 3]) {
      const stream = pair.server.session.openSubgroup(headerOf(7, group), 0)!;
      pair.server.session.writeObject(stream, objectOf(0, `${group}`));
      pair.server.session.sendDatagram(datagramOf(7, group, `${group}`));
    }
    pair.run();
    accept(pair);
    pair.run();
    expect(pair.client.all("object").map(([, { payload }]) => payload)).toEqual([
      bytes("1"),
      bytes("2"),
    ]);
    expect(pair.client.all("datagram").map(([, { group }]) => group)).toEqual([2, 3]);
    expect(pair.client.session.stats()).toMatchObject({
      unknownAliasStreams: 1,
      unknownAliasDatagrams: 1,
    });
  });
});

describe("limits", () => {
  it("an object over the limit costs its stream, not the session", () => {
    const pair = sessionPair({ client: { limits: { maxObjectSize: 100 } } });
    subscribed(pair);
    const stream = pair.server.session.openSubgroup(headerOf(7, 1), 0)!;
    pair.server.session.writeObject(stream, objectOf(0, "x".repeat(100)));
    pair.server.session.writeObject(stream, objectOf(1, "x".repeat(101)));
    pair.run();
    expect(pair.client.all("object").length).toBe(1);
    expect(pair.client.last("streamEnded")[1]).toEqual({ kind: "stopped", reason: "too_large" });
    expect(pair.client.session.stats().tooLargeStreams).toBe(1);
    expect(pair.server.last("stopped")).toEqual([stream, StreamCode.ExcessiveLoad]);
  });

  it("incomplete objects are held up to a sum", () => {
    const pair = sessionPair({ client: { limits: { maxReceiveBuffer: 100_000 } } });
    subscribed(pair);
    const half = (group: number) => {
      const id = pair.memory.b.open("uni")!;
      // Announces 1 MB and sends 60 kB of it.
      pair.memory.b.write(id, Uint8Array.from([0x30, 7, group, 0, 0xcf, 0x42, 0x40]));
      pair.memory.b.write(id, new Uint8Array(60_000));
      pair.run();
    };
    half(1);
    expect(pair.client.session.stats().bufferFullStreams).toBe(0);
    half(2);
    expect(pair.client.session.stats().bufferFullStreams).toBe(1);
    expect(pair.client.last("streamEnded")[1]).toEqual({ kind: "stopped", reason: "buffer_full" });
    // What was freed can be used again.
    half(3);
    expect(pair.client.session.stats().bufferFullStreams).toBe(2);
    expect(pair.client.session.isClosed).toBe(false);
  });

  it("streams are counted", () => {
    const pair = sessionPair({ client: { limits: { maxStreams: 2 } } });
    subscribed(pair);
    const streams = [1, 2, 3].map((group) => {
      const stream = pair.server.session.openSubgroup(headerOf(7, group), 0)!;
      pair.server.session.writeObject(stream, objectOf(0, "x"));
      return stream;
    });
    pair.run();
    expect(pair.client.all("object").length).toBe(2);
    expect(pair.client.session.stats().refusedStreams).toBe(1);
    expect(pair.server.last("stopped")[0]).toBe(streams[2]);
  });

  it("a peer that does not read its answers loses the request", () => {
    const pair = sessionPair({
      memory: { streamWindow: 1000 },
      server: { limits: { maxRequestBacklog: 5000 } },
    });
    const id = pair.client.session.request({
      type: "subscribe_namespace",
      namespace: [],
      params: {},
    });
    pair.run();
    pair.server.session.respond(id, { type: "request_ok", params: {}, properties: [] });
    let sent = 0;
    while (pair.server.all("requestClosed").length === 0 && sent < 1000) {
      pair.server.session.respond(id, { type: "namespace", suffix: [bytes(`${sent++}`)] });
    }
    expect(sent).toBeLessThan(1000);
    expect(pair.server.last("requestClosed")).toEqual([id, { by: "local", code: 9 }]);
    pair.run();
    expect(pair.client.last("requestClosed")).toEqual([id, { by: "peer", code: 9 }]);
  });

  it("namespaces that a peer lists are bounded", () => {
    const pair = sessionPair({ client: { limits: { maxNamespaces: 10 } } });
    const id = pair.client.session.request({
      type: "subscribe_namespace",
      namespace: [],
      params: {},
    });
    pair.run();
    pair.server.session.respond(id, { type: "request_ok", params: {}, properties: [] });
    for (let n = 0; n < 11; n++) {
      pair.server.session.respond(id, { type: "namespace", suffix: [bytes(`${n}`)] });
    }
    pair.run();
    expect(pair.client.last("requestClosed")).toEqual([id, { by: "local", code: 9 }]);
  });

  it("updates without an answer are bounded", () => {
    const pair = sessionPair({
      client: { limits: { maxUpdates: 100 } },
      server: { limits: { maxUpdates: 2 } },
    });
    const id = subscribed(pair);
    for (let n = 0; n < 3; n++) pair.client.session.update(id, { forward: true });
    pair.run();
    expect(pair.server.all("update").length).toBe(2);
    expect(pair.client.last("requestClosed")).toEqual([id, { by: "peer", code: 9 }]);
  });
});

describe("congestion", () => {
  it("a blocked stream keeps the rest and goes on", () => {
    const pair = sessionPair({ memory: { streamWindow: 1000 } });
    subscribed(pair);
    const stream = pair.server.session.openSubgroup(headerOf(7, 1), 0)!;
    const payloads = ["a".repeat(600), "b".repeat(30_000), "c"];
    expect(pair.server.session.writeObject(stream, objectOf(0, payloads[0]!))).toBe("written");
    expect(pair.server.session.writeObject(stream, objectOf(1, payloads[1]!))).toBe("blocked");
    expect(pair.server.session.isBlocked(stream)).toBe(true);
    expect(pair.server.session.writeObject(stream, objectOf(2, payloads[2]!))).toBe("blocked");
    pair.run();
    expect(pair.server.last("writable")).toEqual([stream]);
    expect(pair.server.session.isBlocked(stream)).toBe(false);
    pair.server.session.writeObject(stream, objectOf(3, "d".repeat(5000)));
    pair.server.session.finishStream(stream);
    pair.run();
    const received = pair.client.all("object").map(([, { payload }]) => payload.length);
    expect(received).toEqual([600, 30_000, 1, 5000]);
    expect(pair.client.last("streamEnded")[1]).toEqual({ kind: "fin" });
    expect(pair.server.last("acked")).toEqual([stream]);
    expect(pair.server.all("writable").length).toBe(1);
  });

  it("a paused stream holds its sender back", () => {
    const pair = sessionPair({ memory: { streamWindow: 1000 } });
    subscribed(pair);
    const stream = pair.server.session.openSubgroup(headerOf(7, 1), 0)!;
    pair.server.session.writeObject(stream, objectOf(0, "x"));
    pair.run();
    const [incoming] = pair.client.last("object");
    pair.client.session.pauseStream(incoming, true);
    for (let n = 1; n < 6; n++)
      pair.server.session.writeObject(stream, objectOf(n, "y".repeat(400)));
    pair.run();
    expect(pair.client.all("object").length).toBe(1);
    expect(pair.server.session.isBlocked(stream)).toBe(true);
    pair.client.session.pauseStream(incoming, false);
    pair.run();
    expect(pair.client.all("object").length).toBe(6);
  });

  it("pausing within a callback stops at once", () => {
    const pair = sessionPair();
    subscribed(pair);
    const stream = pair.server.session.openSubgroup(headerOf(7, 1), 0)!;
    for (let n = 0; n < 3; n++) pair.server.session.writeObject(stream, objectOf(n, `${n}`));
    pair.server.session.finishStream(stream);
    pair.client.onEvent = ([name, incoming]) => {
      if (name === "object") pair.client.session.pauseStream(incoming as number, true);
    };
    pair.run();
    for (let n = 1; n <= 3; n++) {
      expect(pair.client.all("object").length).toBe(n);
      expect(pair.client.all("streamEnded").length).toBe(0);
      pair.client.session.pauseStream(pair.client.last("object")[0], false);
      pair.run();
    }
    expect(pair.client.all("object").length).toBe(3);
    expect(pair.client.last("streamEnded")[1]).toEqual({ kind: "fin" });
  });

  it("stream credit runs out and comes back", () => {
    const pair = sessionPair({ memory: { maxUniStreams: 3 } });
    subscribed(pair);
    // One is the control stream.
    const streams = [1, 2].map((group) => pair.server.session.openSubgroup(headerOf(7, group), 0)!);
    expect(pair.server.session.openSubgroup(headerOf(7, 3), 0)).toBeUndefined();
    pair.server.session.finishStream(streams[0]!);
    pair.run();
    expect(pair.server.last("streamsAvailable")).toEqual(["uni"]);
    expect(pair.server.session.openSubgroup(headerOf(7, 3), 0)).toBeDefined();
  });

  it("a control stream that finds no credit is opened later", () => {
    const pair = sessionPair({ memory: { maxUniStreams: 1 }, raw: true });
    const blocker = pair.memory.a.open("uni")!;
    pair.client.session.start();
    pair.server.session.start();
    pair.run();
    expect(pair.server.all("ready").length).toBe(0);
    pair.memory.a.write(blocker, padding(PADDING_STREAM, 10));
    pair.memory.a.finish(blocker);
    pair.run();
    expect(pair.server.all("ready").length).toBe(1);
  });

  it("datagrams are refused when their queue is full", () => {
    const pair = sessionPair({ memory: { datagramQueue: 2 } });
    subscribed(pair);
    const send = () => pair.server.session.sendDatagram(datagramOf(7, 1, "x"));
    expect([send(), send(), send()]).toEqual(["sent", "sent", "blocked"]);
    pair.run();
    expect(pair.server.all("datagramsAvailable").length).toBe(1);
    expect(pair.client.all("datagram").length).toBe(2);
  });
});

it("padding is discarded and counted", () => {
  const pair = sessionPair();
  const id = pair.memory.b.open("uni")!;
  pair.memory.b.write(id, padding(PADDING_STREAM, 5000));
  pair.memory.b.write(id, new Uint8Array(100));
  pair.memory.b.finish(id);
  pair.memory.b.sendDatagram(padding(PADDING_DATAGRAM, 50));
  pair.run();
  expect(pair.client.names()).toEqual(["ready"]);
  // The type of the stream is no padding.
  expect(pair.client.session.stats().paddingBytes).toBe(5000 - 5 + 100 + 50);
});
