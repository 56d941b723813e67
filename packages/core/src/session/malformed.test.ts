import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encode, RawPeer, SETUP } from "../../test/raw-peer.js";
import { bytes, sessionPair, subscribed, track } from "../../test/session-pair.js";
import type { Dir } from "../transport.js";
import { type Message, PADDING_STREAM, padding, SessionCode } from "../wire/index.js";

const subscribeBytes = (requestId: number, name = `${requestId}`): Uint8Array =>
  encode({ type: "subscribe", requestId, track: track("a", name), params: {} });

const { ProtocolViolation, InvalidRequestId, DuplicateTrackAlias } = SessionCode;

describe("malformed streams close the session", () => {
  const goaway = (requestId?: number, uri = ""): Uint8Array =>
    encode({ type: "goaway", uri, timeout: 0, requestId });
  const cases: [string, number, (raw: RawPeer) => void][] = [
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
    const raw = new RawPeer();
    expect(raw.side.names()).toEqual(["ready"]);
    act(raw);
    expect(raw.side.last("closed")[0]).toMatchObject({ kind: "error", code });
    expect(raw.closeCode).toBe(code);
  });

  it("something else than SETUP first on the control stream", () => {
    // The type says SETUP; what follows does not decode as one.
    const raw = new RawPeer({}, Uint8Array.from([0xaf, 0x00, 0x00, 0x01, 0x05]));
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
      const raw = new RawPeer({ role: "client" });
      raw.side.session.request({ type: "publish_namespace", namespace: [bytes("a")], params: {} });
      raw.run();
      const [stream] = raw.received[raw.received.length - 1]!;
      raw.more(stream, encode(message));
      expect(raw.side.last("closed")[0], message.type).toMatchObject({ code: ProtocolViolation });
    }
  });

  it("a FETCH_OK that ends before its FETCH", () => {
    const raw = new RawPeer({ role: "client" });
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

it("random bytes on every kind of stream never throw and never hang", { timeout: 30_000 }, () => {
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
        const raw = new RawPeer();
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
    { numRuns: 1000 },
  );
});
