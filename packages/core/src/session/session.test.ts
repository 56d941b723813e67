import { describe, expect, it } from "vitest";
import {
  bytes,
  datagramOf,
  headerOf,
  namespace,
  objectOf,
  type Pair,
  sessionPair,
  subscribed,
  track,
} from "../../test/session-pair.js";
import type { RequestMessage, ResponseMessage } from "../wire/index.js";
import {
  EMPTY,
  ObjectStatus,
  RequestErrorCode,
  SessionCode,
  STREAM_COUNT_UNKNOWN,
  StreamCode,
} from "../wire/index.js";
import { type OutgoingRequest, SessionError } from "./types.js";

const kindOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof SessionError) return error.kind;
    throw error;
  }
};

const params = {};
const properties = [{ type: 0x3800, value: 1 }];

/** Every request with an answer that accepts it. */
const REQUESTS: [OutgoingRequest, ResponseMessage][] = [
  [
    { type: "subscribe", track: track("a", "t"), params },
    { type: "subscribe_ok", trackAlias: 1, params, properties },
  ],
  [
    { type: "publish", track: track("a", "t"), trackAlias: 2, params, properties },
    { type: "request_ok", params: { forward: true }, properties: [] },
  ],
  [
    {
      type: "fetch",
      range: {
        kind: "standalone",
        track: track("a", "t"),
        start: { group: 1, object: 0 },
        end: { group: 2, object: 0 },
      },
      params,
    },
    { type: "fetch_ok", endOfTrack: false, end: { group: 2, object: 0 }, params, properties },
  ],
  [
    { type: "track_status", track: track("a", "t"), params },
    { type: "request_ok", params: { largestObject: { group: 4, object: 1 } }, properties },
  ],
  [
    { type: "publish_namespace", namespace: namespace("a"), params },
    { type: "request_ok", params, properties: [] },
  ],
  [
    { type: "subscribe_namespace", namespace: namespace(), params },
    { type: "request_ok", params, properties: [] },
  ],
  [
    { type: "subscribe_tracks", namespace: namespace("a", "b"), params },
    { type: "request_ok", params, properties: [] },
  ],
];
const CASES = REQUESTS.map(([request, ok]) => [request.type, request, ok] as const);

/** Whether a request stays open after it was accepted. */
const stays = (type: RequestMessage["type"]) => type !== "track_status";

function closedWith(pair: Pair, side: "client" | "server"): number | undefined {
  const [end] = pair[side].last("closed");
  return end.kind === "transport" ? undefined : end.code;
}

describe("set-up", () => {
  it("exchanges SETUP", () => {
    const pair = sessionPair({ client: { setup: { implementation: "one" } } });
    expect(pair.client.names()).toEqual(["ready"]);
    expect(pair.server.last("ready")[0].options).toMatchObject({ implementation: "one" });
    expect(pair.server.session.peer).toBeDefined();
  });

  it("resolves tokens and refuses references to tokens never registered", () => {
    const value = bytes("secret");
    const token = { kind: "use_value", tokenType: 0, value } as const;
    const pair = sessionPair({ client: { setup: { tokens: [token] } } });
    expect(pair.server.last("ready")[0].tokens).toEqual([token]);
    const bad = sessionPair({ client: { setup: { tokens: [{ kind: "use_alias", alias: 1 }] } } });
    expect(closedWith(bad, "server")).toBe(SessionCode.ProtocolViolation);
  });

  it("takes PATH and AUTHORITY from a client over native QUIC only", () => {
    const setup = { path: "/match?x=1", authority: "relay.example:4443" };
    const quic = sessionPair({ client: { setup }, server: { nativeQuic: true } });
    expect(quic.server.last("ready")[0].options).toMatchObject(setup);
    expect(closedWith(sessionPair({ client: { setup } }), "server")).toBe(SessionCode.InvalidPath);
    const fromServer = sessionPair({ server: { setup: { authority: "a" } } });
    expect(closedWith(fromServer, "client")).toBe(SessionCode.InvalidAuthority);
    for (const [path, authority, code] of [
      ["no slash", "a", SessionCode.MalformedPath],
      ["/a%2", "a", SessionCode.MalformedPath],
      ["/", "a b", SessionCode.MalformedAuthority],
      ["", "", SessionCode.MalformedAuthority],
    ] as const) {
      const options = { client: { setup: { path, authority } }, server: { nativeQuic: true } };
      expect(closedWith(sessionPair(options), "server")).toBe(code);
    }
  });

  it("gives up on a peer that sends no SETUP", () => {
    const pair = sessionPair({ raw: true });
    pair.client.session.start();
    pair.run();
    expect(pair.client.session.nextTimeout()).toBe(11_000);
    pair.advance(9_999);
    expect(pair.client.session.isClosed).toBe(false);
    pair.advance(1);
    expect(closedWith(pair, "client")).toBe(SessionCode.ControlMessageTimeout);
    expect(pair.client.session.nextTimeout()).toBeUndefined();
  });

  it("requests and data that overtake SETUP wait for it", () => {
    const pair = sessionPair({ raw: true });
    pair.client.session.start();
    const id = pair.client.session.request({ type: "subscribe", track: track("a", "t"), params });
    pair.run();
    // The server starts late: everything of the client is there already, in the order of sending.
    pair.server.session.start();
    pair.run();
    expect(pair.server.names().slice(0, 2)).toEqual(["ready", "request"]);
    expect(pair.server.last("request")[0]).toBe(id);
  });
});

describe("requests", () => {
  it.each(CASES)("%s is accepted", (type, request, ok) => {
    const pair = sessionPair();
    const id = pair.client.session.request(request);
    pair.run();
    expect(pair.server.last("request")).toMatchObject([id, request, []]);
    pair.server.session.respond(id, ok);
    pair.run();
    expect(pair.client.last("response")).toMatchObject([id, ok]);
    expect(pair.client.all("requestClosed").length).toBe(stays(type) ? 0 : 1);
    expect(pair.server.all("requestClosed").length).toBe(stays(type) ? 0 : 1);
    expect(kindOf(() => pair.server.session.respond(id, ok))).toBe("unknown_request");
  });

  it.each(CASES)("%s is refused", (_, request) => {
    const pair = sessionPair();
    const id = pair.client.session.request(request);
    pair.run();
    pair.server.session.reject(id, RequestErrorCode.Unauthorized, "no", 500);
    expect(pair.server.last("requestClosed")).toEqual([id, { by: "finished" }]);
    pair.run();
    expect(pair.client.last("response")).toMatchObject([
      id,
      { type: "request_error", code: 1, reason: "no", retryAfter: 500 },
    ]);
    expect(pair.client.last("requestClosed")).toEqual([id, { by: "finished" }]);
    expect(kindOf(() => pair.server.session.reject(id, 0, ""))).toBe("unknown_request");
    expect(pair.client.session.isClosed || pair.server.session.isClosed).toBe(false);
  });

  it.each(CASES)("%s is cancelled by its maker", (_, request) => {
    const pair = sessionPair();
    const id = pair.client.session.request(request);
    pair.run();
    pair.client.session.cancel(id, StreamCode.Cancelled);
    expect(pair.client.last("requestClosed")).toEqual([id, { by: "local", code: 1 }]);
    pair.run();
    expect(pair.server.last("requestClosed")).toEqual([id, { by: "peer", code: 1 }]);
    expect(pair.client.all("requestClosed").length).toBe(1);
  });

  it.each(CASES)("%s is cancelled by the other side", (type, request, ok) => {
    const pair = sessionPair();
    const id = pair.client.session.request(request);
    pair.run();
    if (stays(type)) pair.server.session.respond(id, ok);
    pair.run();
    pair.server.session.cancel(id, StreamCode.GoingAway);
    pair.run();
    expect(pair.client.last("requestClosed")).toEqual([id, { by: "peer", code: 4 }]);
    expect(pair.server.all("requestClosed").length).toBe(1);
  });

  it.each(CASES.filter(([type]) => stays(type)))("%s is updated", (type, request, ok) => {
    const pair = sessionPair();
    const id = pair.client.session.request(request);
    pair.run();
    const value = bytes("t");
    const tokens = [{ kind: "use_value", tokenType: 3, value } as const];
    pair.client.session.update(id, { tokens });
    pair.run();
    // The first answer on the stream is that to the request: the update waits for it.
    expect(pair.server.all("update").length).toBe(0);
    pair.server.session.respond(id, ok);
    expect(pair.server.last("update")).toMatchObject([id, { params: { tokens } }, tokens]);
    pair.server.session.respondUpdate(id, { type: "request_ok", params, properties: [] });
    pair.run();
    expect(pair.client.last("updateResponse")).toMatchObject([id, { type: "request_ok" }]);
    expect(type === "fetch" || pair.client.all("response").length === 1).toBe(true);
    expect(kindOf(() => pair.server.session.respondUpdate(id, ok as never))).toBe(
      "unknown_request",
    );
  });

  it("the subscriber updates a subscription that the publisher made", () => {
    const pair = sessionPair();
    const id = pair.client.session.request(REQUESTS[1]![0]);
    pair.run();
    pair.server.session.respond(id, REQUESTS[1]![1]);
    pair.server.session.update(id, { forward: false });
    pair.run();
    expect(pair.client.last("update")).toMatchObject([id, { params: { forward: false } }, []]);
    pair.client.session.respondUpdate(id, { type: "request_error", code: 0, reason: "no" });
    pair.run();
    expect(pair.server.last("updateResponse")).toMatchObject([id, { type: "request_error" }]);
  });

  it("ids count up by two from the side's parity, updates included", () => {
    const pair = sessionPair();
    const ids = [0, 1, 2].map((n) =>
      pair.client.session.request({ type: "subscribe", track: track("a", `${n}`), params }),
    );
    pair.client.session.update(ids[0]!, { forward: false });
    ids.push(pair.client.session.request(REQUESTS[4]![0]));
    expect(ids).toEqual([0, 2, 4, 8]);
    expect(pair.server.session.request(REQUESTS[4]![0])).toBe(1);
    pair.run();
    expect(pair.server.all("request").length).toBe(4);
  });

  it("wait for stream credit, within a limit", () => {
    const pair = sessionPair({
      memory: { maxBidiStreams: 2 },
      client: { limits: { maxOwnRequests: 4 } },
    });
    const ids = [0, 1, 2, 3].map((n) =>
      pair.client.session.request({ type: "subscribe", track: track("a", `${n}`), params }),
    );
    expect(kindOf(() => pair.client.session.request(REQUESTS[4]![0]))).toBe("limit");
    pair.run();
    expect(pair.server.all("request").map(([id]) => id)).toEqual(ids.slice(0, 2));
    // One that waits can be cancelled, and a stream that ends lets the next one out.
    pair.client.session.cancel(ids[2]!, StreamCode.Cancelled);
    pair.server.session.reject(ids[0]!, 0, "");
    pair.run();
    expect(pair.server.all("request").map(([id]) => id)).toEqual([ids[0], ids[1], ids[3]]);
    expect(pair.client.all("requestClosed").map(([id]) => id)).toEqual([ids[2], ids[0]]);
  });

  it("time out without an answer", () => {
    const pair = sessionPair();
    const id = pair.client.session.request({
      type: "subscribe",
      track: track("a", "t"),
      params: { rendezvousTimeout: 5000 },
    });
    pair.run();
    pair.advance(34_999);
    expect(pair.client.all("requestClosed").length).toBe(0);
    expect(pair.client.session.nextTimeout()).toBe(36_000);
    pair.advance(1);
    expect(pair.client.last("requestClosed")).toEqual([id, { by: "timed_out" }]);
    expect(pair.server.last("requestClosed")).toMatchObject([id, { by: "peer" }]);
  });

  it("of the peer are bounded", () => {
    const pair = sessionPair({ server: { limits: { maxRequests: 2 } } });
    for (const n of [0, 1, 2]) {
      pair.client.session.request({ type: "subscribe", track: track("a", `${n}`), params });
    }
    pair.run();
    expect(pair.server.all("request").length).toBe(2);
    expect(pair.server.session.stats().refusedRequests).toBe(1);
    expect(pair.client.last("response")[1]).toMatchObject({ code: RequestErrorCode.ExcessiveLoad });
  });

  it("for reserved namespaces, second subscriptions and overlapping prefixes are refused", () => {
    const pair = sessionPair();
    const refused = (request: OutgoingRequest): number | bigint | undefined => {
      const before = pair.client.all("response").length;
      pair.client.session.request(request);
      pair.run();
      const response = pair.client.all("response")[before]?.[1];
      return response?.type === "request_error" ? response.code : undefined;
    };
    const { DoesNotExist, DuplicateSubscription, PrefixOverlap } = RequestErrorCode;
    expect(refused({ type: "subscribe", track: track(".session", "x"), params })).toBe(
      DoesNotExist,
    );
    expect(refused({ type: "subscribe", track: track(".", "x"), params })).toBe(DoesNotExist);
    expect(refused({ type: "subscribe", track: track(".x", "x"), params })).toBeUndefined();
    expect(refused({ type: "subscribe", track: track(".x", "x"), params })).toBe(
      DuplicateSubscription,
    );
    expect(refused({ ...REQUESTS[1]![0], track: track(".x", "x") } as never)).toBeUndefined();
    const discover = (...fields: string[]) =>
      refused({ type: "subscribe_namespace", namespace: namespace(...fields), params });
    expect(discover("a", "b")).toBeUndefined();
    expect(discover("a", "c")).toBeUndefined();
    expect(discover("a")).toBe(PrefixOverlap);
    expect(discover("a", "b", "c")).toBe(PrefixOverlap);
    expect(
      refused({ type: "subscribe_tracks", namespace: namespace("a"), params }),
    ).toBeUndefined();
  });

  it("for tracks with unknown mandatory properties are refused", () => {
    const pair = sessionPair();
    const needs = [{ type: 0x4000, value: 1 }];
    pair.client.session.request({ ...REQUESTS[1]![0], properties: needs } as OutgoingRequest);
    pair.run();
    expect(pair.client.last("response")[1]).toMatchObject({
      code: RequestErrorCode.UnsupportedExtension,
    });
    expect(pair.server.all("request").length).toBe(0);
    const id = pair.client.session.request({ type: "subscribe", track: track("a", "t"), params });
    pair.run();
    pair.server.session.respond(id, {
      type: "subscribe_ok",
      trackAlias: 1,
      params,
      properties: needs,
    });
    pair.run();
    expect(pair.client.last("response")).toMatchObject([
      id,
      { code: RequestErrorCode.UnsupportedExtension },
    ]);
    expect(pair.client.last("requestClosed")[0]).toBe(id);
    expect(pair.server.last("requestClosed")).toMatchObject([id, { by: "peer" }]);
  });

  it("list namespaces and blocked tracks", () => {
    const pair = sessionPair();
    const id = pair.client.session.request(REQUESTS[5]![0]);
    const tracks = pair.client.session.request(REQUESTS[6]![0]);
    pair.run();
    const suffix = namespace("x");
    expect(kindOf(() => pair.server.session.respond(id, { type: "namespace", suffix }))).toBe(
      "unknown_request",
    );
    pair.server.session.respond(id, REQUESTS[5]![1]);
    pair.server.session.respond(id, { type: "namespace", suffix });
    pair.server.session.respond(id, { type: "namespace_done", suffix });
    pair.server.session.respond(tracks, REQUESTS[6]![1]);
    pair.server.session.respond(tracks, { type: "publish_blocked", suffix, name: bytes("t") });
    pair.run();
    expect(pair.client.all("response").map(([, { type }]) => type)).toEqual([
      "request_ok",
      "namespace",
      "namespace_done",
      "request_ok",
      "publish_blocked",
    ]);
    // NAMESPACE_DONE without NAMESPACE ends the session.
    pair.server.session.respond(id, { type: "namespace_done", suffix });
    pair.run();
    expect(closedWith(pair, "client")).toBe(SessionCode.ProtocolViolation);
  });

  it("withdrawn by FIN end on both sides", () => {
    const pair = sessionPair();
    const id = pair.client.session.request(REQUESTS[4]![0]);
    pair.run();
    pair.server.session.respond(id, REQUESTS[4]![1]);
    pair.client.session.finishRequest(id);
    pair.run();
    expect(pair.server.last("requestClosed")).toEqual([id, { by: "finished" }]);
    expect(pair.client.last("requestClosed")).toEqual([id, { by: "finished" }]);
  });

  it("that cannot be encoded throw and change nothing", () => {
    const pair = sessionPair();
    const bad = { type: "subscribe", track: track("", "t"), params } as const;
    expect(kindOf(() => pair.client.session.request(bad))).toBe("invalid");
    expect(pair.client.session.request(REQUESTS[0]![0])).toBe(0);
    pair.client.session.close(0, "");
    expect(kindOf(() => pair.client.session.request(REQUESTS[0]![0]))).toBe("closed");
  });
});

describe("authorization tokens", () => {
  const value = bytes("secret");
  const subscribe = (pair: Pair, name: string, tokens: readonly never[] | readonly object[]) => {
    const id = pair.client.session.request({
      type: "subscribe",
      track: track("a", name),
      params: { tokens: tokens as never },
    });
    pair.run();
    return id;
  };
  const register = { kind: "register", alias: 5, tokenType: 1, value } as const;

  it("register, resolve and retire", () => {
    const pair = sessionPair();
    const plain = { kind: "use_value", tokenType: 1, value };
    subscribe(pair, "1", [register]);
    expect(pair.server.last("request")[2]).toEqual([plain]);
    subscribe(pair, "2", [{ kind: "use_alias", alias: 5 }]);
    expect(pair.server.last("request")[2]).toEqual([plain]);
    subscribe(pair, "3", [{ kind: "delete", alias: 5 }]);
    expect(pair.server.last("request")[2]).toEqual([]);
    subscribe(pair, "4", [register]);
    subscribe(pair, "5", [{ kind: "use_alias", alias: 5 }, plain]);
    expect(pair.client.last("response")[1]).toMatchObject({
      code: RequestErrorCode.MalformedAuthToken,
    });
    subscribe(pair, "6", [{ kind: "use_alias", alias: 6 }]);
    expect(closedWith(pair, "server")).toBe(SessionCode.UnknownAuthTokenAlias);
  });

  it("count against a limit, and aliases are unique", () => {
    const twice = sessionPair();
    subscribe(twice, "1", [register]);
    subscribe(twice, "2", [register]);
    expect(closedWith(twice, "server")).toBe(SessionCode.DuplicateAuthTokenAlias);
    const small = sessionPair({ server: { limits: { maxAuthTokenCacheSize: 21 } } });
    subscribe(small, "1", [register]);
    expect(closedWith(small, "server")).toBe(SessionCode.AuthTokenCacheOverflow);
  });
});

describe("data", () => {
  it("carries objects of a subscription", () => {
    const pair = sessionPair();
    const id = subscribed(pair);
    const stream = pair.server.session.openSubgroup(headerOf(7, 3), 10)!;
    expect(pair.server.session.writeObject(stream, objectOf(0, "key"))).toBe("written");
    expect(pair.server.session.writeObject(stream, objectOf(1, ""))).toBe("written");
    expect(() => pair.server.session.writeObject(stream, objectOf(1, ""))).toThrow(RangeError);
    pair.server.session.finishStream(stream);
    expect(pair.server.session.writeObject(stream, objectOf(2, ""))).toBe("closed");
    pair.run();
    const [incoming, request, opened] = pair.client.last("subgroupOpened");
    expect([request, opened]).toMatchObject([id, { group: 3, endOfGroup: true }]);
    expect(pair.client.all("object")).toEqual([
      [incoming, objectOf(0, "key")],
      [incoming, objectOf(1, "")],
    ]);
    expect(pair.client.last("streamEnded")).toEqual([incoming, { kind: "fin" }]);
    expect(pair.server.last("acked")).toEqual([stream]);
  });

  it("carries datagrams", () => {
    const pair = sessionPair();
    const id = subscribed(pair);
    expect(pair.server.session.sendDatagram(datagramOf(7, 1, "pose"))).toBe("sent");
    pair.run();
    expect(pair.client.last("datagram")).toEqual([id, datagramOf(7, 1, "pose")]);
    const large = datagramOf(7, 2, "x".repeat(2000));
    expect(pair.server.session.sendDatagram(large)).toBe("too_large");
    expect(pair.server.session.maxDatagramSize()).toBe(1200);
  });

  it("carries the items of a fetch, before and after FETCH_OK", () => {
    for (const order of ["ascending", "descending"] as const) {
      const pair = sessionPair();
      const [request, ok] = REQUESTS[2]!;
      const id = pair.client.session.request({
        ...request,
        params: { groupOrder: order },
      } as never);
      pair.run();
      const stream = pair.server.session.openFetch(id, 5)!;
      const item = (group: number, object: number) => ({
        kind: "object" as const,
        group,
        subgroup: 0,
        object,
        priority: 128,
        properties: EMPTY,
        payload: bytes(`${group}.${object}`),
      });
      const gap = {
        kind: "end_of_range" as const,
        location: { group: 4, object: 9 },
        unknown: true,
      };
      const items =
        order === "ascending"
          ? [item(2, 0), item(2, 1), gap, item(4, 10)]
          : [item(7, 0), item(6, 3), gap, item(1, 0)];
      for (const each of items) pair.server.session.writeFetchItem(stream, each);
      pair.run();
      expect(pair.client.last("fetchOpened")[1]).toBe(id);
      pair.server.session.finishStream(stream);
      pair.run();
      expect(pair.client.all("fetchItem").map(([, each]) => each)).toEqual(items);
      // The data is over and the answer is not there: the request goes on until it is.
      expect(pair.client.all("requestClosed").length).toBe(0);
      pair.server.session.respond(id, ok);
      expect(pair.server.last("requestClosed")).toEqual([id, { by: "finished" }]);
      pair.run();
      expect(pair.client.last("response")[1]).toMatchObject({ type: "fetch_ok" });
      expect(pair.client.last("requestClosed")).toEqual([id, { by: "finished" }]);
    }
  });

  it("a subscription ends when the streams that PUBLISH_DONE counts have ended", () => {
    const pair = sessionPair();
    const id = subscribed(pair);
    const streams = [1, 2].map((group) => {
      const stream = pair.server.session.openSubgroup(headerOf(7, group), 0)!;
      pair.server.session.writeObject(stream, objectOf(0, "x"));
      return stream;
    });
    pair.server.session.finishStream(streams[0]!);
    pair.server.session.publishDone(id, 2, 2, "ended");
    expect(pair.server.last("requestClosed")).toEqual([id, { by: "finished" }]);
    pair.run();
    expect(pair.client.last("response")[1]).toMatchObject({ type: "publish_done", status: 2 });
    expect(pair.client.all("requestClosed").length).toBe(0);
    pair.server.session.finishStream(streams[1]!);
    pair.run();
    expect(pair.client.all("object").length).toBe(2);
    expect(pair.client.last("requestClosed")).toEqual([id, { by: "finished" }]);
  });

  it("a subscription whose streams were not counted ends after a while", () => {
    const pair = sessionPair();
    const id = subscribed(pair);
    pair.server.session.publishDone(id, 2, STREAM_COUNT_UNKNOWN, "");
    pair.run();
    const late = pair.server.session.openSubgroup(headerOf(7, 1), 0)!;
    pair.server.session.writeObject(late, objectOf(0, "late"));
    pair.run();
    expect(pair.client.all("object").length).toBe(1);
    pair.advance(2000);
    expect(pair.client.all("requestClosed").length).toBe(0);
    pair.server.session.finishStream(late);
    pair.run();
    expect(pair.client.last("requestClosed")).toEqual([id, { by: "finished" }]);
  });

  it("resets and stops reach the other side", () => {
    const pair = sessionPair();
    subscribed(pair);
    const one = pair.server.session.openSubgroup(headerOf(7, 1), 0)!;
    pair.server.session.writeObject(one, objectOf(0, "x"));
    pair.run();
    pair.server.session.resetStream(one, StreamCode.DeliveryTimeout);
    pair.run();
    expect(pair.client.last("streamEnded")[1]).toEqual({ kind: "reset", code: 2 });
    const two = pair.server.session.openSubgroup(headerOf(7, 2), 0)!;
    pair.server.session.writeObject(two, objectOf(0, "x"));
    pair.run();
    const [incoming] = pair.client.last("object");
    pair.client.session.stopStream(incoming, StreamCode.Cancelled);
    expect(pair.client.last("streamEnded")[1]).toEqual({ kind: "stopped", reason: "caller" });
    pair.run();
    expect(pair.server.last("stopped")).toEqual([two, 1]);
    expect(pair.server.session.writeObject(two, objectOf(1, ""))).toBe("closed");
  });

  it("a cancelled subscription takes its streams along, on both sides", () => {
    const pair = sessionPair();
    const id = subscribed(pair);
    const stream = pair.server.session.openSubgroup(headerOf(7, 1), 0)!;
    pair.server.session.writeObject(stream, objectOf(0, "x"));
    pair.run();
    pair.client.session.cancel(id, StreamCode.Cancelled);
    expect(pair.client.last("streamEnded")[1]).toMatchObject({ kind: "stopped" });
    pair.server.session.writeObject(stream, objectOf(1, "y"));
    pair.server.session.sendDatagram(datagramOf(7, 9, "late"));
    pair.run();
    expect(pair.server.session.writeObject(stream, objectOf(2, "z"))).toBe("closed");
    const late = pair.server.session.openSubgroup(headerOf(7, 2), 0)!;
    pair.server.session.writeObject(late, objectOf(0, "late"));
    pair.run();
    expect(pair.server.last("stopped")).toEqual([late, StreamCode.Cancelled]);
    expect(pair.client.all("object").length).toBe(1);
    expect(pair.client.session.stats()).toMatchObject({ lateStreams: 1, lateDatagrams: 1 });
    expect(pair.client.session.isClosed || pair.server.session.isClosed).toBe(false);
  });

  it("statuses and properties arrive", () => {
    const pair = sessionPair();
    subscribed(pair);
    const header = { ...headerOf(7, 1), hasProperties: true };
    const stream = pair.server.session.openSubgroup(header, 0)!;
    const object = { ...objectOf(0, "x"), properties: Uint8Array.from([0x3c, 1]) };
    const end = { ...objectOf(1, ""), status: ObjectStatus.EndOfTrack };
    pair.server.session.writeObject(stream, object);
    pair.server.session.writeObject(stream, end);
    pair.server.session.finishStream(stream);
    pair.run();
    expect(pair.client.all("object").map(([, each]) => each)).toEqual([object, end]);
  });
});

describe("GOAWAY", () => {
  it("stops new requests both ways", () => {
    const pair = sessionPair();
    subscribed(pair);
    pair.server.session.goaway({ uri: "https://other.example/", timeout: 500 });
    // Crosses the GOAWAY.
    const late = pair.client.session.request(REQUESTS[4]![0]);
    pair.run();
    expect(pair.client.last("goaway")).toMatchObject([
      { uri: "https://other.example/", timeout: 500, requestId: 2 },
      undefined,
    ]);
    expect(pair.client.last("response")).toMatchObject([
      late,
      { code: RequestErrorCode.GoingAway },
    ]);
    expect(kindOf(() => pair.client.session.request(REQUESTS[4]![0]))).toBe("going_away");
    expect(kindOf(() => pair.server.session.goaway({ timeout: 0 }))).toBe("invalid");
    pair.advance(500);
    expect(closedWith(pair, "server")).toBe(SessionCode.GoawayTimeout);
    expect(pair.client.last("closed")).toEqual([
      { kind: "transport", reason: expect.objectContaining({ kind: "peer", code: 0x10 }) },
    ]);
  });

  it("for one request names it", () => {
    const pair = sessionPair();
    const id = subscribed(pair);
    pair.server.session.goawayRequest(id, { timeout: 100 });
    pair.run();
    expect(pair.client.last("goaway")).toMatchObject([{ timeout: 100 }, id]);
    expect(kindOf(() => pair.client.session.goaway({ uri: "x:", timeout: 0 }))).toBe("invalid");
    pair.server.session.goawayRequest(id, { timeout: 100 });
    pair.run();
    expect(closedWith(pair, "client")).toBe(SessionCode.ProtocolViolation);
  });
});

describe("closing", () => {
  it("reports every open request, then the end, once", () => {
    const pair = sessionPair();
    const id = subscribed(pair);
    pair.client.session.close(0, "bye");
    pair.client.session.close(1, "again");
    pair.run();
    expect(pair.client.names().slice(-2)).toEqual(["requestClosed", "closed"]);
    expect(pair.client.last("closed")).toEqual([{ kind: "local", code: 0, reason: "bye" }]);
    expect(pair.server.last("requestClosed")[0]).toBe(id);
    expect(pair.server.last("closed")).toEqual([
      { kind: "transport", reason: { kind: "peer", code: 0, reason: "bye" } },
    ]);
  });

  it("is allowed within any callback", () => {
    for (const name of ["ready", "response", "object", "datagram", "streamEnded"]) {
      const pair = sessionPair({ raw: true });
      pair.client.onEvent = ([event]) => {
        if (event === name) pair.client.session.close(0, name);
      };
      pair.client.session.start();
      pair.server.session.start();
      pair.run();
      if (!pair.client.session.isClosed) {
        const id = pair.client.session.request(REQUESTS[0]![0]);
        pair.run();
        pair.server.session.respond(id, REQUESTS[0]![1]);
        const stream = pair.server.session.openSubgroup(headerOf(1, 1), 0)!;
        for (const n of [0, 1]) pair.server.session.writeObject(stream, objectOf(n, "x"));
        pair.server.session.finishStream(stream);
        pair.server.session.sendDatagram(datagramOf(1, 2, "x"));
        pair.run();
      }
      expect(pair.client.all("closed").length).toBe(1);
      expect(pair.client.names()[pair.client.names().length - 1]).toBe("closed");
      expect(pair.server.session.isClosed).toBe(true);
    }
  });
});
