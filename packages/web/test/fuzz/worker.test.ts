/** A page and its worker take each other's messages in any order, and for anything that is not there. */
import { type Client, type MoqObject, resolveClientOptions } from "@moq-game/core";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { PageClient } from "../../src/worker-client.js";
import {
  decodeBatch,
  encodeBatch,
  postError,
  type ToPage,
  type ToWorker,
} from "../../src/worker-protocol.js";
import { serveWorker } from "../../src/worker-server.js";

const connectHere = vi.hoisted(() => vi.fn());
vi.mock("../../src/connect.js", () => ({ connectHere }));

const id = fc.integer({ min: 0, max: 4 });
const call = id;
const number = fc.maxSafeNat();
const track = fc.record({ namespace: fc.array(fc.string(), { maxLength: 3 }), name: fc.string() });
const objects: fc.Arbitrary<MoqObject[]> = fc.array(
  fc
    .record({
      group: number,
      object: number,
      subgroup: number,
      bytes: fc.uint8Array({ maxLength: 30 }),
      receivedAt: fc.double({ noNaN: true, min: 0 }),
      publishedAt: fc.option(fc.double({ noNaN: true, min: 0 }), { nil: undefined }),
    })
    .map((object) => ({ ...object, keyframe: object.object === 0 })),
  { maxLength: 5 },
);
const error = fc.option(
  fc.string().map((message) => postError(new Error(message))),
  { nil: undefined },
);

it("objects pass the border as they are", () => {
  fc.assert(
    fc.property(objects, (list) => {
      expect(decodeBatch(encodeBatch(list), 0)).toEqual(list);
    }),
  );
});

const protocol = {
  draft: 18,
  transport: "webtransport" as const,
  peer: undefined,
  capabilities: { fetch: true, discover: true, datagrams: true, subscribeUpdate: true },
};

const toPage: fc.Arbitrary<ToPage> = fc.oneof(
  fc.record({ type: fc.constant("token" as const), call }),
  fc.constant({ type: "connected" as const, protocol, timeOrigin: 0 }),
  fc.record({
    type: fc.constant("state" as const),
    state: fc.constantFrom("connecting" as const, "open" as const, "reconnecting" as const),
    error,
  }),
  fc.record({ type: fc.constant("reply" as const), call, error }),
  fc.record({
    type: fc.constant("ready" as const),
    id,
    error,
    delivery: fc.constantFrom("reliable" as const, "latest" as const),
  }),
  fc.record({ type: fc.constant("taken" as const), id, objects: number, bytes: number }),
  fc.record({ type: fc.constant("keyframe_wanted" as const), id }),
  fc.record({ type: fc.constant("objects" as const), id, batch: objects.map(encodeBatch) }),
  fc.record({
    type: fc.constant("gap" as const),
    id,
    gap: fc.record({
      fromGroup: number,
      toGroup: number,
      objects: fc.option(number, { nil: undefined }),
      reason: fc.constantFrom("lost" as const, "reset" as const),
    }),
  }),
  fc.record({
    type: fc.constant("change" as const),
    id,
    change: fc.record({
      kind: fc.constantFrom("added" as const, "removed" as const),
      namespace: fc.array(fc.string()),
    }),
  }) as unknown as fc.Arbitrary<ToPage>,
  fc.record({
    type: fc.constant("end" as const),
    id,
    end: fc.record({ kind: fc.constantFrom("ended" as const, "closed" as const), error }),
  }),
);

/** A worker that only keeps what it is told. */
class DeafWorker {
  onmessage: ((event: { data: ToPage }) => void) | undefined;
  onerror: unknown;
  terminated = false;
  readonly told: ToWorker[] = [];
  postMessage(message: ToWorker): void {
    this.told.push(message);
  }
  terminate(): void {
    this.terminated = true;
  }
}

it("a page lives through any worker, and ends each subscription once", () => {
  fc.assert(
    fc.property(fc.array(toPage, { maxLength: 30 }), (list) => {
      const worker = new DeafWorker();
      const logged: string[] = [];
      const host = {
        now: () => 0,
        setTimer: () => 0,
        clearTimer: () => {},
        log: (level: string, message: string) => void logged.push(`${level}: ${message}`),
      };
      const page = new PageClient(
        worker as unknown as Worker,
        host,
        resolveClientOptions({ reconnect: false }),
      );
      const tell = (data: ToPage): void => worker.onmessage?.({ data });
      tell({ type: "connected", protocol, timeOrigin: performance.timeOrigin });
      const subscription = page.subscribe(["a", "b"]);
      const publication = page.publish(["a", "c"]);
      subscription.ready.catch(() => {});
      publication.ready.catch(() => {});
      const ends: string[] = [];
      subscription.onEnd((reason) => ends.push(reason.kind));
      for (const message of list) tell(message);
      subscription.drain(() => {});
      tell({ type: "failed", error: postError(new Error("over")) });
      // Nothing after the end.
      for (const message of list) tell(message);
      expect(page.state).toBe("closed");
      expect(ends).toHaveLength(1);
      expect(logged.filter((line) => line.startsWith("error"))).toEqual([]);
    }),
  );
});

const toWorker: fc.Arbitrary<ToWorker> = fc.oneof(
  fc.record({
    type: fc.constant("token" as const),
    call,
    token: fc.option(fc.string(), { nil: undefined }),
    error,
  }),
  fc.record({ type: fc.constant("publish" as const), id, track, options: fc.constant({}) }),
  fc.record({
    type: fc.constant("send" as const),
    updates: fc.array(
      fc.record({
        publication: id,
        keyframe: fc.boolean(),
        bytes: fc.uint8Array({ maxLength: 9 }),
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record({ type: fc.constant("end" as const), id, call, flush: fc.nat(100) }),
  fc.record({ type: fc.constant("subscribe" as const), id, track, options: fc.constant({}) }),
  fc.record({ type: fc.constant("hold" as const), id, held: fc.boolean() }),
  fc.record({ type: fc.constant("stop" as const), id }),
  fc.record({ type: fc.constant("more" as const), id, count: fc.nat(5) }),
  fc.record({ type: fc.constant("status" as const), call, track }),
);

/** A client that refuses everything. */
function refusing(): Client {
  const no = (): never => {
    throw new Error("no");
  };
  return {
    state: "open",
    protocol,
    onState: () => () => {},
    stats: () => ({ subscriptions: [], publications: [] }),
    close: async () => {},
    publish: no,
    subscribe: no,
    discover: no,
    fetch: no,
    trackStatus: async () => no(),
  } as unknown as Client;
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

it("a worker lives through any page", async () => {
  const lives = async (list: readonly ToWorker[]): Promise<void> => {
    connectHere.mockResolvedValue(refusing());
    const posted: ToPage[] = [];
    let exits = 0;
    const receive = serveWorker(
      (message) => posted.push(message),
      () => {
        exits += 1;
      },
    );
    // Before there is a client, everything is left alone.
    for (const message of list) receive(message);
    const options = {
      token: undefined,
      reconnect: false as const,
      serverCertificateHashes: [],
      connectTimeout: 1_000,
      requestTimeout: 30_000,
      keepAlive: 0,
      idleTimeout: 1_000,
      maxObjectSize: 1_000,
    };
    receive({ type: "connect", url: "https://127.0.0.1:1", options });
    await settled();
    for (const message of list) receive(message);
    await settled();
    receive({ type: "close", call: 99, flush: 0 });
    await settled();
    expect(exits).toBe(1);
    expect(
      posted.filter((message) => message.type === "reply" && message.call === 99),
    ).toHaveLength(1);
  };
  await fc.assert(fc.asyncProperty(fc.array(toWorker, { maxLength: 20 }), lives));
});
