import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bytes,
  datagramOf,
  headerOf,
  objectOf,
  type Pair,
  type PairOptions,
  Side,
  sessionPair,
  subscribed,
  track,
} from "../../test/session-pair.js";
import { memoryPair } from "../memory.js";
import type { Dir, StreamId, Transport } from "../transport.js";
import {
  draft18,
  type Message,
  PADDING_DATAGRAM,
  PADDING_STREAM,
  padding,
  SessionCode,
  StreamCode,
  Writer,
} from "../wire/index.js";
import { Session, type SessionConfig } from "./index.js";

const profile = draft18();

function encode(...messages: Message[]): Uint8Array {
  const writer = new Writer();
  for (const message of messages) profile.encodeMessage(writer, message);
  return writer.finish();
}

const SETUP = encode({ type: "setup", options: {} });

/** A session, and a peer of which the test writes every byte. */
class Raw {
  readonly side = new Side();
  readonly peer: Transport;
  readonly received: [StreamId, Dir, Uint8Array][] = [];
  readonly resets: [string, StreamId, number][] = [];
  closeCode: number | undefined;
  now = 1000;
  readonly run: () => void;

  constructor(config: Partial<SessionConfig> = {}, setup: Uint8Array | undefined = SETUP) {
    const pair = memoryPair({ schedule: "manual" });
    this.run = () => void pair.run();
    this.peer = pair.b;
    this.side.session = new Session(
      pair.a,
      { role: "server", now: () => this.now, ...config },
      this.side.recorder(),
    );
    this.side.session.start();
    pair.b.start({
      data: (id, dir, data) => void this.received.push([id, dir, data]),
      reset: (id, code) => void this.resets.push(["reset", id, code]),
      stopped: (id, code) => void this.resets.push(["stopped", id, code]),
      writable: () => {},
      acked: () => {},
      streamsAvailable: () => {},
      datagramsAvailable: () => {},
      datagram: () => {},
      closed: (reason) => {
        if (reason.kind === "peer") this.closeCode = reason.code;
      },
    });
    if (setup !== undefined) this.send("uni", setup);
  }

  send(dir: Dir, data: Uint8Array, end: "open" | "fin" | "reset" = "open"): StreamId {
    const id = this.peer.open(dir)!;
    this.peer.write(id, data);
    if (end === "fin") this.peer.finish(id);
    if (end === "reset") this.peer.reset(id, 0);
    this.run();
    return id;
  }

  more(id: StreamId, data: Uint8Array): void {
    this.peer.write(id, data);
    this.run();
  }
}

const subscribeBytes = (requestId: number, name = `${requestId}`): Uint8Array =>
  encode({ type: "subscribe", requestId, track: track("a", name), params: {} });

const { ProtocolViolation, InvalidRequestId, DuplicateTrackAlias } = SessionCode;

describe("malformed streams close the session", () => {
  const goaway = (requestId?: number, uri = ""): Uint8Array =>
    encode({ type: "goaway", uri, timeout: 0, requestId });
  const cases: [string, number, (raw: Raw) => void][] = [
    ["unknown stream type", ProtocolViolation, (raw) => raw.send("uni", Uint8Array.from([0x06]))],
    [
      "reserved header",
      ProtocolViolation,
      (raw) => raw.send("uni", Uint8Array.from([0x16, 0, 0, 0])),
    ],
    [
      "FIN in a header",
      ProtocolViolation,
      (raw) => raw.send("uni", Uint8Array.from([0x14, 0]), "fin"),
    ],
    ["second control stream", ProtocolViolation, (raw) => raw.send("uni", SETUP)],
    ["second SETUP", ProtocolViolation, (raw) => raw.more(1, SETUP)],
    ["request on the control stream", ProtocolViolation, (raw) => raw.more(1, subscribeBytes(0))],
    ["unknown message", ProtocolViolation, (raw) => raw.send("bi", Uint8Array.from([0x09]))],
    [
      "response first",
      ProtocolViolation,
      (raw) => raw.send("bi", encode({ type: "request_ok", params: {}, properties: [] })),
    ],
    ["GOAWAY first", ProtocolViolation, (raw) => raw.send("bi", goaway())],
    [
      "FIN in a message",
      ProtocolViolation,
      (raw) => raw.send("bi", subscribeBytes(0).subarray(0, 5), "fin"),
    ],
    [
      "FIN in a later message",
      ProtocolViolation,
      (raw) => {
        const id = raw.send("bi", subscribeBytes(0));
        raw.peer.write(id, Uint8Array.from([0x02, 0]));
        raw.peer.finish(id);
        raw.run();
      },
    ],
    [
      "two requests on a stream",
      ProtocolViolation,
      (raw) =>
        raw.send(
          "bi",
          encode(
            { type: "subscribe", requestId: 0, track: track("a", "b"), params: {} },
            { type: "subscribe", requestId: 2, track: track("a", "c"), params: {} },
          ),
        ),
    ],
    [
      "PUBLISH_DONE from a subscriber",
      ProtocolViolation,
      (raw) => {
        const id = raw.send("bi", subscribeBytes(0));
        raw.more(id, encode({ type: "publish_done", status: 0, streamCount: 0, reason: "" }));
      },
    ],
    [
      "update of TRACK_STATUS",
      ProtocolViolation,
      (raw) => {
        const id = raw.send(
          "bi",
          encode({ type: "track_status", requestId: 0, track: track("a", "b"), params: {} }),
        );
        raw.more(id, encode({ type: "request_update", requestId: 2, params: {} }));
      },
    ],
    [
      "foreign parameter in an update",
      ProtocolViolation,
      (raw) => {
        const id = raw.send(
          "bi",
          encode({ type: "publish_namespace", requestId: 0, namespace: [bytes("a")], params: {} }),
        );
        raw.more(id, encode({ type: "request_update", requestId: 2, params: { forward: true } }));
      },
    ],
    ["wrong parity", InvalidRequestId, (raw) => raw.send("bi", subscribeBytes(1))],
    [
      "id used twice",
      InvalidRequestId,
      (raw) => {
        raw.send("bi", subscribeBytes(4));
        raw.send("bi", subscribeBytes(4, "x"));
      },
    ],
    [
      "id of an update used before",
      InvalidRequestId,
      (raw) => {
        const id = raw.send("bi", subscribeBytes(0));
        raw.more(id, encode({ type: "request_update", requestId: 0, params: {} }));
      },
    ],
    ["id far ahead", InvalidRequestId, (raw) => raw.send("bi", subscribeBytes(2 ** 40))],
    ["GOAWAY without id", ProtocolViolation, (raw) => raw.more(1, goaway())],
    ["GOAWAY with the wrong parity", InvalidRequestId, (raw) => raw.more(1, goaway(0))],
    ["GOAWAY with a URI from a client", ProtocolViolation, (raw) => raw.more(1, goaway(1, "x:"))],
    [
      "two GOAWAYs",
      ProtocolViolation,
      (raw) => {
        raw.more(1, goaway(1));
        raw.more(1, goaway(1));
      },
    ],
    [
      "control stream reset",
      ProtocolViolation,
      (raw) => {
        raw.peer.reset(1, 0);
        raw.run();
      },
    ],
    [
      "control stream finished",
      ProtocolViolation,
      (raw) => {
        raw.peer.finish(1);
        raw.run();
      },
    ],
    [
      "alias of two tracks",
      DuplicateTrackAlias,
      (raw) => {
        for (const requestId of [0, 2]) {
          const name = track("a", `${requestId}`);
          raw.send(
            "bi",
            encode({
              type: "publish",
              requestId,
              track: name,
              trackAlias: 1,
              params: {},
              properties: [],
            }),
          );
        }
      },
    ],
  ];

  it.each(cases)("%s", (_, code, act) => {
    const raw = new Raw();
    expect(raw.side.names()).toEqual(["ready"]);
    act(raw);
    expect(raw.side.last("closed")[0]).toMatchObject({ kind: "error", code });
    expect(raw.closeCode).toBe(code);
  });

  it("something else than SETUP first on the control stream", () => {
    // The type says SETUP; what follows does not decode as one.
    const raw = new Raw({}, Uint8Array.from([0xaf, 0x00, 0x00, 0x01, 0x05]));
    expect(raw.side.session.isClosed).toBe(true);
  });

  it("answers that do not belong", () => {
    const wrong: Message[] = [
      { type: "subscribe_ok", trackAlias: 1, params: {}, properties: [] },
      {
        type: "fetch_ok",
        endOfTrack: false,
        end: { group: 0, object: 0 },
        params: {},
        properties: [],
      },
      { type: "namespace", suffix: [] },
      { type: "request_ok", params: { expires: 1 }, properties: [] },
      { type: "request_ok", params: {}, properties: [{ type: 2, value: 1 }] },
      { type: "publish_done", status: 0, streamCount: 0, reason: "" },
      {
        type: "request_error",
        code: 0x34,
        reason: "",
        redirect: { uri: "", track: track("a", "b") },
      },
    ];
    for (const message of wrong) {
      const raw = new Raw({ role: "client" });
      raw.side.session.request({ type: "publish_namespace", namespace: [bytes("a")], params: {} });
      raw.run();
      const [stream] = raw.received[raw.received.length - 1]!;
      raw.more(stream, encode(message));
      expect(raw.side.last("closed")[0], message.type).toMatchObject({ code: ProtocolViolation });
    }
  });

  it("a FETCH_OK that ends before its FETCH", () => {
    const raw = new Raw({ role: "client" });
    const range = {
      kind: "standalone",
      track: track("a", "b"),
      start: { group: 5, object: 2 },
      end: { group: 9, object: 0 },
    } as const;
    raw.side.session.request({ type: "fetch", range, params: {} });
    raw.run();
    const [stream] = raw.received[raw.received.length - 1]!;
    raw.more(
      stream,
      encode({
        type: "fetch_ok",
        endOfTrack: false,
        end: { group: 5, object: 1 },
        params: {},
        properties: [],
      }),
    );
    expect(raw.closeCode).toBe(ProtocolViolation);
  });
});

describe("malformed data closes the session", () => {
  it.each([
    ["an unknown status", Uint8Array.from([0x30, 7, 0, 0, 0, 1])],
    ["FIN in an object", Uint8Array.from([0x30, 7, 0, 0, 4, 1])],
    ["a cut-off property", Uint8Array.from([0x31, 7, 0, 0, 1, 2, 1, 0])],
  ])("%s", (_, data) => {
    const pair = sessionPair();
    subscribed(pair, 7);
    const id = pair.memory.b.open("uni")!;
    pair.memory.b.write(id, data);
    pair.memory.b.finish(id);
    pair.run();
    const code = data[0] === 0x31 ? SessionCode.KeyValueFormattingError : ProtocolViolation;
    expect(pair.client.last("closed")[0]).toMatchObject({ kind: "error", code });
  });

  it.each([
    ["empty", []],
    ["unknown type", [0x10, 0, 0, 0]],
    ["status and end of group", [0x22, 0, 0, 0, 0, 0]],
    ["too short", [0x00, 7]],
  ])("datagram: %s", (_, list) => {
    const pair = sessionPair();
    pair.memory.b.sendDatagram(Uint8Array.from(list));
    pair.run();
    expect(pair.client.last("closed")[0]).toMatchObject({ kind: "error", code: ProtocolViolation });
  });
});

it("random bytes on every kind of stream never throw and never hang", () => {
  const chunk = fc.uint8Array({ maxLength: 30 });
  const prefix = fc.constantFrom(
    [],
    [0x05, 0x00],
    [0x30, 7, 0, 0],
    [0x71, 7, 0],
    [0x14, 9, 0, 0, 0],
    Array.from(padding(PADDING_STREAM, 4)),
    Array.from(SETUP),
    Array.from(subscribeBytes(0)),
    [0x02, 0x00, 0x02],
    [0x03, 0x00],
  );
  const stream = fc.record({
    dir: fc.constantFrom<Dir>("uni", "bi"),
    prefix,
    chunks: fc.array(chunk, { maxLength: 3 }),
    end: fc.constantFrom("open" as const, "fin" as const, "reset" as const),
  });
  fc.assert(
    fc.property(
      fc.array(stream, { maxLength: 4 }),
      fc.array(chunk, { maxLength: 2 }),
      (streams, datagrams) => {
        const raw = new Raw();
        for (const { dir, prefix: start, chunks, end } of streams) {
          const id = raw.send(dir, Uint8Array.from(start));
          for (const each of chunks) raw.more(id, each);
          if (end === "fin") raw.peer.finish(id);
          if (end === "reset") raw.peer.reset(id, 3);
          raw.run();
        }
        for (const each of datagrams) {
          raw.peer.sendDatagram(each);
          raw.run();
        }
        raw.now += 60_000;
        raw.side.session.onTimeout(raw.now);
        raw.run();
        expect(raw.side.all("closed").length).toBe(raw.side.session.isClosed ? 1 : 0);
        const end = raw.side.all("closed")[0]?.[0];
        if (end !== undefined) expect(end.kind).toBe("error");
      },
    ),
    { numRuns: 1500 },
  );
});

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
