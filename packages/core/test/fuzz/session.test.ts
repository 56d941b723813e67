/** A session, and a client on one, against a peer that sends anything in any order, cut anywhere. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connectOverTransport } from "../../src/client/connect.js";
import { type MemoryPair, memoryPair } from "../../src/memory.js";
import type { Dir, StreamId, Transport } from "../../src/transport.js";
import { type Message, SessionCode, toVarInt } from "../../src/wire/index.js";
import { TestHost } from "../client-pair.js";
import { encode, RawPeer, SETUP } from "../raw-peer.js";
import { track } from "../session-pair.js";
import {
  anyMessage,
  bent,
  check,
  cuts,
  datagramBytes,
  encoded,
  fetchBytes,
  messageBytes,
  pieces,
  subgroupBytes,
} from "./bent.js";

type Step =
  | {
      readonly kind: "stream";
      readonly dir: Dir;
      readonly bytes: Uint8Array;
      readonly cuts: readonly number[];
      readonly end: "open" | "fin" | "reset";
    }
  | { readonly kind: "more"; readonly stream: number; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly stream: number; readonly how: "finish" | "reset" | "stop" }
  | { readonly kind: "datagram"; readonly bytes: Uint8Array }
  | { readonly kind: "wait"; readonly ms: number };

/** Messages with ids and aliases that fit each other, so that some get far. */
function near(own: number): fc.Arbitrary<Message> {
  const small = fc.integer({ min: 0, max: 3 });
  const name = fc.constantFrom("a", "b").map((text) => track("game", text));
  return fc.oneof(
    anyMessage.map((message) =>
      "requestId" in message && message.type !== "goaway"
        ? ({ ...message, requestId: own } as Message)
        : message,
    ),
    fc.record({
      type: fc.constant("subscribe" as const),
      requestId: small.map((n) => toVarInt(BigInt(own + 2 * n))),
      track: name,
      params: fc.constant({}),
    }),
    fc.record({
      type: fc.constant("publish" as const),
      requestId: small.map((n) => toVarInt(BigInt(own + 2 * n))),
      track: name,
      trackAlias: small,
      params: fc.constant({}),
      properties: fc.constant([]),
    }),
    fc.record({
      type: fc.constant("subscribe_ok" as const),
      trackAlias: small,
      params: fc.constant({}),
      properties: fc.constant([]),
    }),
    fc.constant({ type: "request_ok" as const, params: {}, properties: [] }),
  );
}

function steps(own: number): fc.Arbitrary<Step[]> {
  const messagesBytes = fc.oneof(near(own).map(encoded), messageBytes);
  const dir = fc.constantFrom<Dir>("uni", "bi");
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      kind: fc.constant("stream" as const),
      dir,
      bytes: bent(fc.oneof(messagesBytes, subgroupBytes, fetchBytes)),
      cuts,
      end: fc.constantFrom("open" as const, "fin" as const, "reset" as const),
    }),
    fc.record({
      kind: fc.constant("stream" as const),
      dir: fc.constant<Dir>("bi"),
      bytes: near(own).map(encoded),
      cuts,
      end: fc.constant("open" as const),
    }),
    fc.record({ kind: fc.constant("more" as const), stream: fc.nat(), bytes: bent(messagesBytes) }),
    fc.record({
      kind: fc.constant("end" as const),
      stream: fc.nat(),
      how: fc.constantFrom("finish" as const, "reset" as const, "stop" as const),
    }),
    fc.record({ kind: fc.constant("datagram" as const), bytes: bent(datagramBytes) }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
  );
  return fc.array(step, { maxLength: 25 });
}

/** Carries a step out; `run` delivers. Gives the time that it lets pass. */
function carryOut(step: Step, peer: Transport, streams: StreamId[], run: () => void): number {
  const chosen = (n: number): StreamId | undefined => streams[n % Math.max(1, streams.length)];
  switch (step.kind) {
    case "stream": {
      const id = peer.open(step.dir);
      if (id === undefined) return 0;
      streams.push(id);
      for (const piece of pieces(step.bytes, step.cuts)) {
        peer.write(id, piece);
        run();
      }
      if (step.end === "fin") peer.finish(id);
      if (step.end === "reset") peer.reset(id, 1);
      return 0;
    }
    case "more": {
      const id = chosen(step.stream);
      if (id !== undefined) peer.write(id, step.bytes);
      return 0;
    }
    case "end": {
      const id = chosen(step.stream);
      if (id !== undefined) {
        if (step.how === "finish") peer.finish(id);
        else peer[step.how](id, 1);
      }
      return 0;
    }
    case "datagram":
      peer.sendDatagram(step.bytes);
      return 0;
    case "wait":
      return step.ms;
  }
}

const CODES = new Set<number>(Object.values(SessionCode));

describe("a session lives through any peer", () => {
  for (const role of ["server", "client"] as const) {
    it(`as ${role}`, () => {
      const own = role === "server" ? 0 : 1;
      check(fc.tuple(steps(own), fc.boolean()), ([list, ready]) => {
        const raw = new RawPeer({ role }, ready ? SETUP : undefined);
        const streams: StreamId[] = [];
        // An owner that asks and answers.
        raw.side.onEvent = ([name, ...args]) => {
          if (name !== "request" || raw.side.session.isClosed) return;
          try {
            raw.side.session.respond(args[0] as number, {
              type: "request_ok",
              params: {},
              properties: [],
            });
          } catch {
            // Not every request takes this answer.
          }
        };
        for (const step of list) {
          raw.now += carryOut(step, raw.peer, streams, raw.run);
          raw.run();
          raw.side.session.onTimeout(raw.now);
          raw.run();
        }
        const closed = raw.side.names().indexOf("closed");
        if (closed >= 0) {
          expect(closed, "nothing after the end").toBe(raw.side.events.length - 1);
          const [reason] = raw.side.last("closed");
          if (reason.kind === "error") expect(CODES.has(reason.code)).toBe(true);
        }
        raw.peer.close(0, "");
        raw.run();
        expect(raw.side.names().filter((name) => name === "closed")).toHaveLength(1);
      });
    });
  }
});

describe("a client lives through any relay", () => {
  async function settle(memory: MemoryPair): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      idle = memory.run() === 0 ? idle + 1 : 0;
      await Promise.resolve();
      await Promise.resolve();
    }
  }

  it("and tells each subscription once how it ended", async () => {
    const lives = async (list: readonly Step[]): Promise<void> => {
      const host = new TestHost();
      const memory = memoryPair({ schedule: "manual" });
      const relay = memory.b;
      const streams: StreamId[] = [];
      relay.start({
        data: (id) => void (streams.includes(id) || streams.push(id)),
        reset: () => {},
        stopped: () => {},
        writable: () => {},
        acked: () => {},
        streamsAvailable: () => {},
        datagramsAvailable: () => {},
        datagram: () => {},
        closed: () => {},
      });
      const connecting = connectOverTransport(memory.a, { reconnect: false }, host);
      const control = relay.open("uni");
      if (control !== undefined) relay.write(control, encode({ type: "setup", options: {} }));
      await settle(memory);
      const client = await connecting;
      const ends: string[][] = [];
      for (const name of ["a", "b"]) {
        const subscription = client.subscribe(["game", name]);
        const told: string[] = [];
        ends.push(told);
        subscription.onEnd((reason) => told.push(reason.kind));
        subscription.ready.catch(() => {});
      }
      await settle(memory);
      for (const step of list) {
        host.advance(carryOut(step, relay, streams, () => void memory.run()));
        await settle(memory);
      }
      await client.close();
      await settle(memory);
      expect(client.state).toBe("closed");
      for (const told of ends) expect(told).toHaveLength(1);
      expect(host.timers, "timers left behind").toBe(0);
      expect(host.lines.filter((line) => line.startsWith("error"))).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(steps(1), lives));
  });
});
