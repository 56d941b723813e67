import { describe, expect, it } from "vitest";
import { REQUESTS } from "../../test/session-cases.js";
import {
  bytes,
  datagramOf,
  headerOf,
  objectOf,
  sessionPair,
  subscribed,
} from "../../test/session-pair.js";
import { EMPTY, ObjectStatus, STREAM_COUNT_UNKNOWN, StreamCode } from "../wire/index.js";

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
