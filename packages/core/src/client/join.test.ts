import { describe, expect, it } from "vitest";
import { drainNumbers, numbered, numberOf, TestHost } from "../../test/client-pair.js";
import { memoryPair } from "../memory.js";
import { Session } from "../session/session.js";
import { connectOverTransport } from "./connect.js";

describe("a joining FETCH that overtakes its SUBSCRIBE", () => {
  it("is sent again when the subscription stands", async () => {
    const memory = memoryPair({ schedule: "manual" });
    const host = new TestHost();
    const requests: string[] = [];
    const never = (): void => {};
    // A relay that sees the FETCH first, as happens when streams are flushed in another order.
    const relay = new Session(
      memory.b,
      { role: "server", now: () => host.now() },
      {
        ready: never,
        request: (id, request) => {
          requests.push(request.type);
          if (request.type === "subscribe") {
            relay.respond(id, {
              type: "subscribe_ok",
              trackAlias: 1,
              params: { largestObject: { group: 7, object: 1 } },
              properties: [{ type: 0x3800, value: 1 }],
            });
          } else if (requests.filter((type) => type === "fetch").length === 1) {
            relay.reject(id, 0x32, "no such subscription");
          } else {
            relay.respond(id, {
              type: "fetch_ok",
              endOfTrack: false,
              end: { group: 7, object: 2 },
              params: {},
              properties: [],
            });
            const stream = relay.openFetch(id, 0) ?? -1;
            for (const object of [0, 1]) {
              relay.writeFetchItem(stream, {
                kind: "object",
                group: 7,
                subgroup: 0,
                object,
                priority: 128,
                properties: new Uint8Array(0),
                payload: numbered(object),
              });
            }
            relay.finishStream(stream);
          }
        },
        response: never,
        update: never,
        updateResponse: never,
        requestClosed: never,
        subgroupOpened: never,
        object: never,
        fetchOpened: never,
        fetchItem: never,
        streamEnded: never,
        datagram: never,
        stopped: never,
        acked: never,
        writable: never,
        streamsAvailable: never,
        datagramsAvailable: never,
        goaway: never,
        closed: never,
      },
    );
    relay.start();
    const connecting = connectOverTransport(memory.a, undefined, host);
    memory.run();
    const client = await connecting;
    const reader = client.subscribe(["m", "w"]);
    memory.run();
    await reader.ready;
    expect(requests).toEqual(["subscribe", "fetch", "fetch"]);
    expect(drainNumbers(reader)).toEqual([0, 1]);
    expect(reader.stats.gaps).toBe(0);
  });
});

describe("a publisher", () => {
  it("keeps a joining FETCH that came before its SUBSCRIBE, for a while", async () => {
    const host = new TestHost();
    const relayed = memoryPair({ schedule: "manual" });
    const answers: string[] = [];
    const fetched: number[] = [];
    const never = (): void => {};
    const relay = new Session(
      relayed.b,
      { role: "server", now: () => host.now() },
      {
        ready: never,
        request: (id) => relay.respond(id, { type: "request_ok", params: {}, properties: [] }),
        response: (_, response) => answers.push(response.type),
        update: never,
        updateResponse: never,
        requestClosed: never,
        subgroupOpened: never,
        object: never,
        fetchOpened: never,
        fetchItem: (_, item) => {
          if (item.kind === "object") fetched.push(numberOf(item.payload));
        },
        streamEnded: never,
        datagram: never,
        stopped: never,
        acked: never,
        writable: never,
        streamsAvailable: never,
        datagramsAvailable: never,
        goaway: never,
        closed: never,
      },
    );
    relay.start();
    const connecting = connectOverTransport(relayed.a, undefined, host);
    relayed.run();
    const client = await connecting;
    const publication = client.publish(["m", "w"]);
    publication.keyframe(numbered(7));
    relayed.run();
    const range = { kind: "relative_joining", requestId: 3, groups: 0 } as const;
    relay.request({ type: "fetch", range, params: {} });
    relayed.run();
    expect(answers).toEqual([]);
    const wire = { namespace: [new Uint8Array([0x6d])], name: new Uint8Array([0x77]) };
    relay.request({
      type: "subscribe",
      track: wire,
      params: { filter: { kind: "largest_object" } },
    });
    relayed.run();
    expect(answers).toEqual(["subscribe_ok", "fetch_ok"]);
    expect(fetched).toEqual([7]);
    relay.request({ type: "fetch", range: { ...range, requestId: 77 }, params: {} });
    relayed.run();
    host.advance(1_500);
    relayed.run();
    expect(answers).toEqual(["subscribe_ok", "fetch_ok", "request_error"]);
  });
});
