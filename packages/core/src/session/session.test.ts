import { describe, expect, it } from "vitest";
import { bytes, sessionPair, subscribed, track } from "../../test/session-pair.js";
import { EMPTY, ObjectStatus, type SubgroupHeader, type SubgroupObject } from "../wire/index.js";

const header = (trackAlias: number, group: number): SubgroupHeader => ({
  trackAlias,
  group,
  subgroup: 0,
  hasProperties: false,
  endOfGroup: true,
  firstObject: true,
});

const object = (id: number, payload: Uint8Array): SubgroupObject => ({
  object: id,
  status: ObjectStatus.Normal,
  properties: EMPTY,
  payload,
});

describe("a session", () => {
  it("exchanges SETUP", () => {
    const pair = sessionPair({ client: { setup: { implementation: "one" } } });
    expect(pair.client.names()).toEqual(["ready"]);
    expect(pair.server.last("ready")[0].options).toMatchObject({ implementation: "one" });
    expect(pair.server.session.peer).toBeDefined();
  });

  it("carries objects of a subscription", () => {
    const pair = sessionPair();
    const id = subscribed(pair);
    expect(pair.server.last("request")).toMatchObject([
      id,
      { type: "subscribe", track: track("match", "pose") },
      [],
    ]);
    expect(pair.client.last("response")).toMatchObject([id, { type: "subscribe_ok" }]);
    const stream = pair.server.session.openSubgroup(header(7, 3), 10)!;
    expect(pair.server.session.writeObject(stream, object(0, bytes("key")))).toBe("written");
    expect(pair.server.session.writeObject(stream, object(1, bytes("")))).toBe("written");
    pair.server.session.finishStream(stream);
    pair.run();
    const [incoming, request, opened] = pair.client.last("subgroupOpened");
    expect([request, opened]).toMatchObject([id, { group: 3, endOfGroup: true }]);
    expect(pair.client.all("object")).toEqual([
      [incoming, object(0, bytes("key"))],
      [incoming, object(1, EMPTY)],
    ]);
    expect(pair.client.last("streamEnded")).toEqual([incoming, { kind: "fin" }]);
    expect(pair.server.last("acked")).toEqual([stream]);
  });

  it("carries datagrams", () => {
    const pair = sessionPair();
    const id = subscribed(pair);
    const datagram = {
      trackAlias: 7,
      group: 1,
      object: 0,
      priority: 3,
      properties: EMPTY,
      endOfGroup: false,
      status: ObjectStatus.Normal,
      payload: bytes("pose"),
    };
    expect(pair.server.session.sendDatagram(datagram)).toBe("sent");
    pair.run();
    expect(pair.client.last("datagram")).toEqual([id, datagram]);
  });
});
