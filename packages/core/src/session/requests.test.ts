import { describe, expect, it } from "vitest";
import { CASES, closedWith, kindOf, params, REQUESTS, stays } from "../../test/session-cases.js";
import { bytes, namespace, type Pair, sessionPair, track } from "../../test/session-pair.js";
import { RequestErrorCode, SessionCode, StreamCode } from "../wire/index.js";
import type { OutgoingRequest } from "./types.js";

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
