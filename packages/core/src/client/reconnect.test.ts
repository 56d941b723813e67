import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Client, ClientOptions, Gap, MoqObject, Subscription } from "../api.js";
import { MoqError } from "../errors.js";
import { type MemoryPair, memoryPair } from "../memory.js";
import { resolveClientOptions } from "../options.js";
import type { Role } from "../session/types.js";
import type { Transport } from "../transport.js";
import { startClient } from "./connect.js";
import type { Dial, DialTo } from "./connector.js";
import type { Host } from "./host.js";
import { Backoff, canReconnect, Effort } from "./reconnect.js";

const REAL: Host = {
  now: () => performance.now(),
  setTimer: (run, ms) => setTimeout(run, ms),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
};
const LOST = { kind: "transport", reason: "the cable was pulled" } as const;

/** A network between two clients: each connection is a new pair, once both have dialled. */
class Network {
  readonly dialled: DialTo[] = [];
  pair: MemoryPair | undefined;
  down = false;
  #waiting: { role: Role; resolve: (transport: Transport) => void }[] = [];

  dial(role: Role): Dial {
    return (to) => {
      if (role === "client") this.dialled.push(to);
      if (this.down)
        return Promise.reject(new MoqError("connection_failed", "the network is down"));
      return new Promise((resolve) => {
        // What an attempt that was given up left behind.
        this.#waiting = this.#waiting.filter((other) => other.role !== role);
        this.#waiting.push({ role, resolve });
        const [a, b] = this.#waiting;
        if (a === undefined || b === undefined) return;
        this.#waiting = [];
        this.pair = memoryPair();
        a.resolve(a.role === "client" ? this.pair.a : this.pair.b);
        b.resolve(b.role === "client" ? this.pair.a : this.pair.b);
      });
    };
  }

  lose(): void {
    this.pair?.disconnect(LOST);
  }
}

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function connected(network: Network, options: ClientOptions = {}) {
  const reconnect = { initialDelay: 4, maxDelay: 20, timeout: 5_000 };
  const start = (role: Role, extra: ClientOptions): Promise<Client> => {
    const resolved = resolveClientOptions({ reconnect, connectTimeout: 300, ...extra });
    return startClient(network.dial(role), resolved, REAL, { role });
  };
  const [reader, writer] = await Promise.all([start("client", options), start("server", {})]);
  clients.push(reader, writer);
  const states: string[] = [];
  reader.onState((state, reason) =>
    states.push(reason === undefined ? state : `${state} ${reason.code}`),
  );
  return { reader, writer, states };
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 8_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function collect(subscription: Subscription) {
  const seen = { values: [] as number[], objects: [] as MoqObject[], gaps: [] as Gap[], end: "" };
  subscription.onReadable(() => {
    subscription.drain((object) => {
      seen.values.push(object.bytes[0] ?? -1);
      seen.objects.push(object);
    });
  });
  subscription.onGap((gap) => seen.gaps.push(gap));
  subscription.onEnd((reason) => {
    seen.end = reason.error?.code ?? reason.kind;
  });
  return seen;
}

const bytes = (n: number): Uint8Array => Uint8Array.of(n);

describe("a client that lost its connection", () => {
  it("says so, connects again, and goes on in a reliable group without loss or repetition", async () => {
    const network = new Network();
    const { reader, writer, states } = await connected(network);
    const track = writer.publish(["m", "log"]);
    track.keyframe(bytes(0));
    const seen = collect(reader.subscribe(["m", "log"]));
    track.send(bytes(1));
    await until(() => seen.values.length === 2, "two objects");
    network.lose();
    await until(() => reader.state === "reconnecting", "the loss");
    // Accepted between the connections: the group that is kept brings them.
    expect(track.send(bytes(2))).toBe(true);
    expect(track.send(bytes(3))).toBe(true);
    await until(() => seen.values.length === 4, "all four");
    track.send(bytes(4));
    await until(() => seen.values.length === 5, "what follows");
    expect(seen.values).toEqual([0, 1, 2, 3, 4]);
    expect(seen.gaps).toEqual([]);
    expect(states).toEqual(["reconnecting connection_failed", "open"]);
    expect(reader.stats().reconnects).toBe(1);
    expect(reader.state).toBe("open");
  });

  it("reports the groups that went by meanwhile as one gap", async () => {
    const network = new Network();
    const { reader, writer } = await connected(network);
    const track = writer.publish(["m", "world"]);
    track.keyframe(bytes(0));
    const seen = collect(reader.subscribe(["m", "world"]));
    await until(() => seen.values.length === 1, "the first object");
    network.lose();
    for (let n = 1; n <= 5; n++) track.keyframe(bytes(n));
    await until(() => seen.values.includes(5), "the newest group");
    const first = seen.objects[0]?.group ?? 0;
    expect(seen.values).toEqual([0, 5]);
    expect(seen.gaps).toHaveLength(1);
    expect(seen.gaps[0]).toMatchObject({ reason: "reconnected", toGroup: first + 4 });
  });

  it.each(["latest", "datagram", "deadline"] as const)(
    "%s: ends on the newest, never goes back",
    async (delivery) => {
      const network = new Network();
      const { reader, writer } = await connected(network);
      const track = writer.publish(["m", "pose"], { delivery });
      const seen = collect(reader.subscribe(["m", "pose"]));
      await until(() => track.subscribers === 1, "the subscription");
      track.send(bytes(1));
      await until(() => seen.values.length === 1, "the first update");
      network.lose();
      track.send(bytes(2));
      track.send(bytes(3));
      await until(() => reader.state === "open" && seen.values.includes(3), "the newest update");
      expect(seen.values).toEqual([1, 3]);
      expect(seen.gaps).toEqual([
        expect.objectContaining({ reason: "reconnected", objects: undefined }),
      ]);
      network.lose();
      await until(
        () => reader.stats().reconnects === 2 && track.subscribers === 1,
        "the second time",
      );
      track.send(bytes(4));
      await until(() => seen.values.includes(4), "what follows");
      expect(seen.values).toEqual([1, 3, 4]);
      expect(seen.gaps).toHaveLength(1);
    },
  );

  it("takes publish, subscribe and discover meanwhile, and refuses what needs an answer now", async () => {
    const network = new Network();
    const { reader, writer } = await connected(network);
    network.down = true;
    network.lose();
    const track = writer.publish(["late", "t"]);
    track.keyframe(bytes(7));
    const seen = collect(reader.subscribe(["late", "t"]));
    const found = reader.discover("late")[Symbol.asyncIterator]();
    await expect(reader.status(["late", "t"])).rejects.toMatchObject({
      code: "not_connected",
      retryable: true,
    });
    const fetched = reader.fetch(["late", "t"], { fromGroup: 0, toGroup: 1 });
    expect(() => fetched[Symbol.asyncIterator]()).toThrow(/Wait for the state "open"/);
    network.down = false;
    await until(() => seen.values.length === 1, "the object");
    expect((await found.next()).value).toEqual({ kind: "added", namespace: ["late"] });
  });

  it("tells of namespaces only what changed", async () => {
    const network = new Network();
    const { reader, writer } = await connected(network);
    await writer.publish(["m/stays", "t"]).ready;
    const goes = writer.publish(["m/goes", "t"]);
    await goes.ready;
    const changes: string[] = [];
    const watch = (async () => {
      for await (const { kind, namespace } of reader.discover("m"))
        changes.push(`${kind} ${namespace[1]}`);
    })();
    await until(() => changes.length === 2, "both");
    network.down = true;
    network.lose();
    await goes.end();
    writer.publish(["m/comes", "t"]);
    network.down = false;
    await until(() => changes.length === 4, "the changes");
    expect(changes.slice(2)).toEqual(["added comes", "removed goes"]);
    await reader.close();
    await watch;
  });

  it("asks for a token before every connection", async () => {
    const network = new Network();
    const tokens: number[] = [];
    const token = async () => {
      tokens.push(tokens.length);
      if (tokens.length === 2) throw new Error("no service");
      return `token ${tokens.length}`;
    };
    const { reader, states } = await connected(network, { token });
    network.lose();
    await until(() => reader.stats().reconnects === 1, "the connection");
    expect(tokens).toEqual([0, 1, 2]);
    expect(states).toEqual(["reconnecting connection_failed", "open"]);
  });

  it("gives up after its time, and every handle ends once with the last reason", async () => {
    const network = new Network();
    const reconnect = { initialDelay: 4, maxDelay: 20, timeout: 100 };
    const { reader, writer, states } = await connected(network, { reconnect });
    writer.publish(["m", "t"]).keyframe(bytes(1));
    const seen = collect(reader.subscribe(["m", "t"]));
    await until(() => seen.values.length === 1, "an object");
    network.down = true;
    network.lose();
    await until(() => reader.state === "closed", "the end");
    expect(seen.end).toBe("connection_failed");
    expect(states).toEqual(["reconnecting connection_failed", "closed connection_failed"]);
    expect(network.dialled.length).toBeGreaterThan(2);
    expect(() => reader.subscribe(["m", "t"])).toThrow(/closed/);
  });

  it("closes at once when told not to reconnect, or when it is closed meanwhile", async () => {
    const network = new Network();
    const { reader, states } = await connected(network, { reconnect: false });
    network.lose();
    await until(() => reader.state === "closed", "the end");
    expect(states).toEqual(["closed connection_failed"]);

    const second = new Network();
    const other = await connected(second);
    second.down = true;
    second.lose();
    await until(() => other.reader.state === "reconnecting", "the loss");
    const dialled = second.dialled.length;
    await other.reader.close();
    expect(other.states.at(-1)).toBe("closed");
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(second.dialled.length).toBe(dialled);
  });
});

describe("the backoff", () => {
  it("doubles to its limit, between half and all of it", () => {
    const delays = (random: number): number[] => {
      const backoff = new Backoff({ initialDelay: 200, maxDelay: 1_000 }, () => random);
      return Array.from({ length: 6 }, () => backoff.next());
    };
    expect(delays(0)).toEqual([0, 100, 200, 400, 500, 500]);
    expect(delays(0.999).map(Math.round)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it("never exceeds its limit", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 60_000, max: 600_000 }),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 60 }),
        (initialDelay, maxDelay, dice) => {
          const backoff = new Backoff({ initialDelay, maxDelay }, () => dice.pop() ?? 0);
          for (let i = 0; i < 60; i++) {
            const delay = backoff.next();
            expect(delay).toBeGreaterThanOrEqual(0);
            expect(delay).toBeLessThanOrEqual(maxDelay);
          }
        },
      ),
    );
  });

  it("ends for what no attempt can mend, and for a renewed token after three refusals", () => {
    const options = { initialDelay: 1, maxDelay: 1, timeout: 1_000 };
    const refused = new MoqError("unauthorized", "no");
    const lost = new MoqError("connection_failed", "lost");
    const fixed = new Effort(options, false, 0);
    expect(fixed.failed(lost)).toBeUndefined();
    expect(fixed.failed(refused)).toBe(refused);
    expect(fixed.failed(new MoqError("certificate", "wrong"))).toMatchObject({
      code: "certificate",
    });
    const renewed = new Effort(options, true, 0);
    expect([1, 2, 3].map(() => renewed.failed(refused)?.code)).toEqual([
      undefined,
      undefined,
      "unauthorized",
    ]);
    expect(fixed.left(400)).toBe(600);
    expect(fixed.gaveUp(lost, 2_000)).toMatchObject({ code: "connection_failed", retryable: true });
    expect(canReconnect(refused, false)).toBe(false);
    expect(canReconnect(refused, true)).toBe(true);
    expect(canReconnect(new MoqError("closed", "bye"), false)).toBe(true);
    expect(canReconnect(new MoqError("protocol_violation", "bad"), false)).toBe(false);
  });
});
