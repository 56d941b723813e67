import { expect, it } from "vitest";
import { TestHost } from "../../test/client-pair.js";
import { Side } from "../../test/session-pair.js";
import type { Client, ClientOptions } from "../api.js";
import { MoqError } from "../errors.js";
import { type MemoryPair, memoryPair } from "../memory.js";
import { resolveClientOptions } from "../options.js";
import { Session } from "../session/index.js";
import { ObjectStatus } from "../wire/object.js";
import { startClient } from "./connect.js";
import type { Dial } from "./connector.js";

const NEXT = "https://next.example/";
const NO_BYTES = new Uint8Array(0);

/** Relays of which the test plays the session, at any address. */
class Relays {
  readonly host: TestHost & { random?: () => number } = new TestHost();
  /** Addresses in the order in which they were dialled; the one given to `connect` is empty. */
  readonly dialled: string[] = [];
  readonly sides: Side[] = [];
  /** Addresses that cannot be reached. */
  readonly down = new Set<string>();
  #pairs: MemoryPair[] = [];

  constructor() {
    this.host.random = () => 0.5;
  }

  async client(options: ClientOptions = {}): Promise<Client> {
    const started = startClient(this.#dial, resolveClientOptions(options), this.host);
    await this.settle();
    return started;
  }

  async settle(): Promise<void> {
    for (let idle = 0; idle < 8; ) {
      let moved = 0;
      for (const pair of this.#pairs) moved += pair.run();
      idle = moved === 0 ? idle + 1 : 0;
      await Promise.resolve();
      await Promise.resolve();
    }
  }

  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      this.host.advance(Math.min(50, left));
      await this.settle();
    }
  }

  readonly #dial: Dial = ({ url = "" }) => {
    this.dialled.push(url);
    if (this.down.has(url)) return Promise.reject(new MoqError("connection_failed", "down"));
    const pair = memoryPair({ schedule: "manual" });
    const side = new Side();
    side.session = new Session(
      pair.b,
      { role: "server", now: () => this.host.now() },
      side.recorder(),
    );
    side.session.start();
    this.#pairs.push(pair);
    this.sides.push(side);
    return Promise.resolve(pair.a);
  };
}

function requests(side: Side): string[] {
  return side.all("request").map(([, request]) => request.type);
}

it("GOAWAY: the old session carries on, and what is asked for meanwhile waits for the next", async () => {
  const relays = new Relays();
  const client = await relays.client();
  const states: string[] = [];
  client.onState((state, reason) => states.push(`${state} ${reason?.code ?? ""}`.trim()));
  const [first] = relays.sides as [Side];
  const got: number[] = [];
  const early = client.subscribe(["m", "early"], { start: "now" });
  early.onReadable(() => early.drain(({ bytes }) => got.push(bytes[0] ?? -1)));
  await relays.settle();
  const [id] = first.last("request");
  first.session.respond(id, { type: "subscribe_ok", trackAlias: 1, params: {}, properties: [] });
  relays.down.add(NEXT);
  first.session.goaway({ uri: NEXT, timeout: 60_000 });
  await relays.settle();
  expect(states).toEqual(["reconnecting going_away"]);

  const header = {
    trackAlias: 1,
    group: 5,
    subgroup: 0,
    hasProperties: false,
    endOfGroup: false,
    firstObject: true,
  };
  const stream = first.session.openSubgroup(header, 1) ?? -1;
  const object = { object: 0, status: ObjectStatus.Normal, properties: NO_BYTES };
  first.session.writeObject(stream, { ...object, payload: Uint8Array.of(7) });
  const late = client.subscribe(["m", "late"], { start: "now" });
  const publication = client.publish(["m", "mine"]);
  const found = client.discover("m")[Symbol.asyncIterator]().next();
  await expect(client.status(["m", "late"])).rejects.toMatchObject({ code: "not_connected" });
  await relays.settle();
  expect(got).toEqual([7]);
  expect(requests(first)).toEqual(["subscribe"]);

  relays.down.clear();
  await relays.advance(1_000);
  expect(states).toEqual(["reconnecting going_away", "open"]);
  const [, second] = relays.sides as [Side, Side];
  expect(first.names()).toContain("closed");
  expect(requests(second).sort()).toEqual([
    "fetch",
    "publish_namespace",
    "subscribe",
    "subscribe",
    "subscribe_namespace",
  ]);
  expect(relays.dialled[0]).toBe("");
  expect(new Set(relays.dialled.slice(1))).toEqual(new Set([NEXT]));
  await client.close();
  await Promise.all([
    expect(late.ready).rejects.toThrow(),
    expect(publication.ready).rejects.toThrow(),
  ]);
  expect((await found).done).toBe(true);
  await relays.settle();
  expect(relays.host.timers).toBe(0);
});

it("GOAWAY: a track that ends while the relay leaves may go on at the next one", async () => {
  const relays = new Relays();
  const client = await relays.client({ reconnect: { initialDelay: 1_000 } });
  const [first] = relays.sides as [Side];
  const ends: string[] = [];
  for (const name of ["moves", "ends"]) {
    client
      .subscribe(["m", name], { start: "now" })
      .onEnd(({ kind }) => ends.push(`${name} ${kind}`));
    await relays.settle();
    const [id] = first.last("request");
    const trackAlias = id + 1;
    first.session.respond(id, { type: "subscribe_ok", trackAlias, params: {}, properties: [] });
  }
  await relays.settle();
  first.session.goaway({ uri: NEXT, timeout: 60_000 });
  for (const [id] of first.all("request")) first.session.publishDone(id, 2, 0, "it has left");
  await relays.settle();
  expect(ends).toEqual([]);
  await relays.advance(2_000);
  const [, second] = relays.sides as [Side, Side];
  for (let i = 0; i < 8; i++) {
    for (const [id, request] of second.all("request").splice(0)) {
      if (request.type !== "subscribe") continue;
      const moves = String.fromCharCode(...request.track.name) === "moves";
      try {
        if (moves) {
          second.session.respond(id, {
            type: "subscribe_ok",
            trackAlias: 1,
            params: {},
            properties: [],
          });
        } else second.session.reject(id, 0x10, "nobody publishes it");
      } catch {
        // Answered in a round before.
      }
    }
    await relays.advance(1_000);
  }
  expect(ends).toEqual(["ends ended"]);
  await client.close();
});

it("GOAWAY: an address that does not answer has three attempts, then the first one again", async () => {
  const relays = new Relays();
  const client = await relays.client({ reconnect: { initialDelay: 10 } });
  relays.down.add(NEXT);
  relays.sides[0]?.session.goaway({ uri: NEXT, timeout: 60_000 });
  await relays.settle();
  await relays.advance(1_000);
  expect(relays.dialled).toEqual(["", NEXT, NEXT, NEXT, ""]);
  expect(client.state).toBe("open");
  await client.close();
});

it("GOAWAY: a client that does not reconnect says that the relay takes no more requests", async () => {
  const relays = new Relays();
  const client = await relays.client({ reconnect: false });
  relays.sides[0]?.session.goaway({ uri: NEXT, timeout: 60_000 });
  await relays.settle();
  expect(client.state).toBe("open");
  await expect(client.subscribe(["m", "t"]).ready).rejects.toMatchObject({ code: "going_away" });
  await client.close();
});
