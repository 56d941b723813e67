import { describe, expect, it } from "vitest";
import { TestNetwork } from "../../test/network.js";
import type { Gap, MoqObject, Subscription } from "../api.js";

function collect(subscription: Subscription) {
  const seen = { values: [] as number[], objects: [] as MoqObject[], gaps: [] as Gap[], end: "" };
  const read = (): void => {
    subscription.drain((object) => {
      seen.values.push(object.bytes[0] ?? -1);
      seen.objects.push(object);
    });
  };
  subscription.onReadable(read);
  subscription.onGap((gap) => seen.gaps.push(gap));
  subscription.onEnd((reason) => {
    read();
    seen.end = reason.error?.code ?? reason.kind;
  });
  return seen;
}

const bytes = (n: number): Uint8Array => Uint8Array.of(n);

describe("a client that lost its connection", () => {
  it("says so, connects again, and goes on in a reliable group without loss or repetition", async () => {
    const network = new TestNetwork();
    const { reader, writer, states } = await network.connect();
    const track = writer.publish(["m", "log"]);
    track.keyframe(bytes(0));
    const seen = collect(reader.subscribe(["m", "log"]));
    track.send(bytes(1));
    await network.settle();
    expect(seen.values).toEqual([0, 1]);
    await network.lose();
    expect(reader.state).toBe("reconnecting");
    // Accepted between the connections: the group that is kept brings them.
    expect(track.send(bytes(2))).toBe(true);
    expect(track.send(bytes(3))).toBe(true);
    await network.until(() => seen.values.length === 4, "all four");
    track.send(bytes(4));
    await network.settle();
    expect(seen.values).toEqual([0, 1, 2, 3, 4]);
    expect(seen.gaps).toEqual([]);
    expect(states).toEqual(["reconnecting connection_failed", "open"]);
    expect(reader.stats()).toMatchObject({ state: "open", reconnects: 1 });
  });

  it("reports the groups that went by meanwhile as one gap", async () => {
    const network = new TestNetwork();
    const { reader, writer } = await network.connect();
    const track = writer.publish(["m", "world"]);
    track.keyframe(bytes(0));
    const seen = collect(reader.subscribe(["m", "world"]));
    await network.settle();
    await network.lose();
    for (let n = 1; n <= 5; n++) track.keyframe(bytes(n));
    await network.until(() => seen.values.includes(5), "the newest group");
    const first = seen.objects[0]?.group ?? 0;
    expect(seen.values).toEqual([0, 5]);
    expect(seen.gaps).toHaveLength(1);
    expect(seen.gaps[0]).toMatchObject({ reason: "reconnected", toGroup: first + 4 });
  });

  it("owes a reader that had no object yet all from where it began", async () => {
    const network = new TestNetwork();
    const { reader, writer } = await network.connect();
    const track = writer.publish(["m", "log"]);
    track.keyframe(bytes(0));
    const now = collect(reader.subscribe(["m", "log"], { start: "now" }));
    const early = writer.publish(["m", "early"]);
    const first = collect(reader.subscribe(["m", "early"]));
    await network.settle();
    await network.lose();
    track.send(bytes(1));
    track.send(bytes(2));
    early.keyframe(bytes(7));
    early.keyframe(bytes(8));
    await network.until(() => now.values.length === 2 && first.values.length === 1, "the objects");
    expect([now.values, now.gaps]).toEqual([[1, 2], []]);
    expect(first.values).toEqual([8]);
    expect(first.gaps).toMatchObject([{ reason: "reconnected" }]);
  });

  it("tells of what is lost although no object follows", async () => {
    const network = new TestNetwork();
    const { reader, writer } = await network.connect();
    const track = writer.publish(["m", "log"], { retainBytes: 0 });
    track.keyframe(bytes(0));
    const seen = collect(reader.subscribe(["m", "log"], { start: "now" }));
    await network.settle();
    track.send(bytes(1));
    await network.settle();
    await network.lose();
    track.send(bytes(2));
    await network.until(() => seen.gaps.length === 1, "the gap");
    expect(seen.gaps).toMatchObject([{ reason: "reconnected" }]);
    track.send(bytes(3));
    await network.settle();
    expect(seen.values).toEqual([1, 3]);
    expect(seen.gaps).toHaveLength(1);
  });

  it("drops what it held for a missing object, and has it all again", async () => {
    const network = new TestNetwork();
    const { reader, writer } = await network.connect();
    const track = writer.publish(["m", "log"]);
    track.keyframe(bytes(0));
    const seen = collect(reader.subscribe(["m", "log"], { gapTimeout: 100 }));
    await network.settle();
    for (let n = 1; n < 20; n++) track.send(bytes(n));
    await network.run(7);
    network.down = true;
    await network.lose();
    await network.advance(2_000);
    network.down = false;
    await network.until(() => seen.values.length === 20, "all");
    expect(seen.values).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(seen.gaps).toEqual([]);
  });

  it.each(["latest", "datagram", "deadline"] as const)(
    "%s: ends on the newest, never goes back",
    async (delivery) => {
      const network = new TestNetwork();
      const { reader, writer } = await network.connect();
      const track = writer.publish(["m", "pose"], { delivery });
      const seen = collect(reader.subscribe(["m", "pose"]));
      await network.settle();
      track.send(bytes(1));
      await network.settle();
      await network.lose();
      track.send(bytes(2));
      track.send(bytes(3));
      await network.until(() => seen.values.includes(3), "the newest update");
      expect(seen.values).toEqual([1, 3]);
      expect(seen.gaps).toEqual([
        expect.objectContaining({ reason: "reconnected", objects: undefined }),
      ]);
      await network.lose();
      await network.until(() => track.subscribers === 1, "the second time");
      track.send(bytes(4));
      await network.settle();
      expect(reader.stats().reconnects).toBe(2);
      expect(seen.values).toEqual([1, 3, 4]);
      expect(seen.gaps).toHaveLength(1);
    },
  );

  it("takes publish, subscribe and discover meanwhile, and refuses what needs an answer now", async () => {
    const network = new TestNetwork();
    const { reader, writer } = await network.connect();
    network.down = true;
    await network.lose();
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
    await network.until(() => seen.values.length === 1, "the object");
    expect((await found.next()).value).toEqual({ kind: "added", namespace: ["late"] });
  });

  it("tells of namespaces only what changed, and gives others time to come back", async () => {
    const network = new TestNetwork();
    const { reader, writer } = await network.connect();
    writer.publish(["m/stays", "t"]);
    const goes = writer.publish(["m/goes", "t"]);
    const changes: string[] = [];
    const watch = (async () => {
      for await (const { kind, namespace } of reader.discover("m"))
        changes.push(`${kind} ${namespace[1]}`);
    })();
    await network.settle();
    expect(changes).toEqual(["added stays", "added goes"]);
    network.down = true;
    await network.lose();
    await goes.end();
    writer.publish(["m/comes", "t"]);
    network.down = false;
    await network.until(() => changes.length === 3, "the new one");
    await network.advance(4_900);
    expect(changes.slice(2)).toEqual(["added comes"]);
    await network.advance(200);
    expect(changes.slice(3)).toEqual(["removed goes"]);
    await reader.close();
    await watch;
  });

  it("asks for a token before every connection", async () => {
    const network = new TestNetwork();
    const tokens: number[] = [];
    const token = async () => {
      tokens.push(tokens.length);
      if (tokens.length === 2) throw new Error("no service");
      return `token ${tokens.length}`;
    };
    const { reader, states } = await network.connect({ token });
    await network.lose();
    await network.until(() => reader.stats().reconnects === 1, "the connection");
    expect(tokens).toEqual([0, 1, 2]);
    expect(states).toEqual(["reconnecting connection_failed", "open"]);
  });

  it("gives a token that never comes the time of one attempt", async () => {
    const network = new TestNetwork();
    let asked = 0;
    const token = (): string | Promise<string> => (asked++ === 0 ? "t" : new Promise(() => {}));
    const reconnect = { timeout: 1_000 };
    const { reader, states } = await network.connect({ token, connectTimeout: 300, reconnect });
    await network.lose();
    await network.until(() => reader.state === "closed", "the end", 2_000);
    expect(states).toEqual(["reconnecting connection_failed", "closed unauthorized"]);
    expect(asked).toBeGreaterThan(2);
  });

  it("gives up after its time, and every handle ends once with the last reason", async () => {
    const network = new TestNetwork();
    const reconnect = { initialDelay: 40, maxDelay: 200, timeout: 1_000 };
    const { reader, writer, states } = await network.connect({ reconnect });
    writer.publish(["m", "t"]).keyframe(bytes(1));
    const seen = collect(reader.subscribe(["m", "t"]));
    await network.settle();
    network.down = true;
    const before = network.host.time;
    await network.lose();
    await network.until(() => reader.state === "closed", "the end");
    expect(network.host.time - before).toBeLessThanOrEqual(1_050);
    expect(seen.end).toBe("connection_failed");
    expect(states).toEqual(["reconnecting connection_failed", "closed connection_failed"]);
    expect(network.dialled.length).toBeGreaterThan(5);
    expect(() => reader.subscribe(["m", "t"])).toThrow(/closed/);
  });

  it("closes at once when told not to reconnect, or when it is closed meanwhile", async () => {
    const network = new TestNetwork();
    const { reader, writer, states } = await network.connect({ reconnect: false });
    await network.lose();
    expect(reader.state).toBe("closed");
    expect(states).toEqual(["closed connection_failed"]);
    await writer.close();
    expect(network.host.timers).toBe(0);

    const second = new TestNetwork();
    const other = await second.connect();
    second.down = true;
    await second.lose();
    expect(other.reader.state).toBe("reconnecting");
    const dialled = second.dialled.length;
    await other.reader.close();
    await other.writer.close();
    expect(other.states.at(-1)).toBe("closed");
    expect(second.host.timers).toBe(0);
    await second.advance(5_000);
    expect(second.dialled.length).toBe(dialled);
  });

  it("ends at its signal in every state", async () => {
    const network = new TestNetwork();
    const abort = new AbortController();
    const one = new AbortController();
    const { reader, writer, states } = await network.connect({ signal: abort.signal });
    writer.publish(["m", "t"]).keyframe(bytes(1));
    const seen = collect(reader.subscribe(["m", "t"], { signal: one.signal }));
    await network.settle();
    network.down = true;
    await network.lose();
    one.abort();
    expect(seen.end).toBe("closed");
    abort.abort();
    await network.settle();
    expect(states).toEqual(["reconnecting connection_failed", "closed"]);
    await writer.close();
    expect(network.host.timers).toBe(0);
  });
});

describe("a subscription whose publisher is not there", () => {
  it("is refused at once, unless the track stood before", async () => {
    const network = new TestNetwork();
    const { reader, writer } = await network.connect();
    const missing = reader.subscribe(["m", "missing"]);
    await network.settle();
    await expect(missing.ready).rejects.toMatchObject({ code: "not_found" });

    const track = writer.publish(["m", "t"]);
    track.keyframe(bytes(1));
    const seen = collect(reader.subscribe(["m", "t"]));
    await network.settle();
    network.down = true;
    await network.lose();
    await track.end();
    network.down = false;
    // A publisher that comes back later than its subscribers.
    await network.advance(10_000);
    expect([reader.state, seen.end]).toEqual(["open", ""]);
    writer.publish(["m", "t"]).keyframe(bytes(2));
    await network.until(() => seen.values.length === 2, "the track");
    expect(seen.values).toEqual([1, 2]);
    expect(seen.gaps).toMatchObject([{ reason: "reconnected" }]);
  });

  it("is given up when the time for reconnecting is over", async () => {
    const network = new TestNetwork();
    const { reader, writer } = await network.connect({ reconnect: { timeout: 20_000 } });
    const track = writer.publish(["m", "t"]);
    track.keyframe(bytes(1));
    const seen = collect(reader.subscribe(["m", "t"]));
    const waits = collect(reader.subscribe(["m", "never"], { wait: 1 }));
    await network.settle();
    network.down = true;
    await network.lose();
    await track.end();
    network.down = false;
    await network.advance(19_000);
    expect([seen.end, waits.end]).toEqual(["", "not_found"]);
    await network.advance(3_000);
    expect([reader.state, seen.end]).toEqual(["open", "not_found"]);
  });
});

describe("closing with a flush", () => {
  it("waits for the connection and for what a lost one took", async () => {
    const network = new TestNetwork();
    const { reader, writer } = await network.connect();
    const track = writer.publish(["m", "log"]);
    track.keyframe(bytes(0));
    const seen = collect(reader.subscribe(["m", "log"]));
    await network.settle();
    network.down = true;
    await network.lose();
    track.send(bytes(1));
    let closed = false;
    const closing = writer.close({ flush: 10_000 }).then(() => {
      closed = true;
    });
    expect(() => writer.publish(["m", "more"])).toThrow(/closed/);
    await network.advance(1_000);
    expect(closed).toBe(false);
    network.down = false;
    await network.until(() => closed, "the end", 9_000);
    await closing;
    expect(seen.values).toEqual([0, 1]);
  });

  it("takes no longer than it was given", async () => {
    const network = new TestNetwork();
    const { reader, writer } = await network.connect();
    const track = writer.publish(["m", "log"]);
    track.keyframe(bytes(0));
    reader.subscribe(["m", "log"]);
    await network.settle();
    network.down = true;
    await network.lose();
    track.send(bytes(1));
    const ended = track.end({ flush: 500 });
    expect(() => track.send(bytes(2))).toThrow(/ended/);
    let closed = false;
    void writer.close({ flush: 1_000 }).then(() => {
      closed = true;
    });
    await network.advance(1_000);
    await ended;
    await network.settle();
    expect([closed, writer.state]).toEqual([true, "closed"]);
    await reader.close();
    expect(network.host.timers).toBe(0);
  });
});
