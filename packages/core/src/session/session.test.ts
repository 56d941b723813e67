import { describe, expect, it } from "vitest";
import { closedWith, kindOf, params, REQUESTS } from "../../test/session-cases.js";
import {
  bytes,
  datagramOf,
  headerOf,
  objectOf,
  sessionPair,
  subscribed,
  track,
} from "../../test/session-pair.js";
import { RequestErrorCode, SessionCode } from "../wire/index.js";

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
