import { type Impair, startImpair } from "@moq-game/impair";
import { afterEach, describe, expect, test } from "vitest";
import {
  type Client,
  type ConnectOptions,
  connect,
  type Gap,
  type Publication,
  type Relay,
  type RelayOptions,
  type Subscription,
  startRelay,
} from "../src/index.js";
import { join, sleep, until, urlOf } from "./support.js";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function relay(options: RelayOptions = {}): Promise<Relay> {
  const started = await startRelay(options);
  open.push(started);
  return started;
}

async function client(url: string, options: ConnectOptions = {}): Promise<Client> {
  // A relay that is started again has another certificate.
  const made = await connect(url, { insecure: true, ...options });
  open.push(made);
  return made;
}

async function impair(target: Relay, seed: number): Promise<Impair> {
  const made = await startImpair({ target: `127.0.0.1:${target.port}`, seed });
  open.push(made);
  return made;
}

function statesOf(of: Client): string[] {
  const states: string[] = [];
  of.onState((state, reason) => states.push(`${state} ${reason?.code ?? ""}`.trim()));
  return states;
}

/** Losses and returns in turn; a slow machine may lose a new connection once more. */
function expectRounds(of: Client, states: readonly string[]): void {
  const rounds = of.stats().reconnects;
  expect(rounds, states.join(", ")).toBeGreaterThan(0);
  expect(rounds, states.join(", ")).toBeLessThan(4);
  const told = states.map((state) => state.replace(/ .*/, ""));
  expect(told).toEqual(Array(rounds).fill(["reconnecting", "open"]).flat());
}

/** Sends a number every few ms; with `group` a keyframe every so many. */
function count(track: Publication, every = 5, group = Infinity) {
  let sent = 0;
  const timer = setInterval(() => {
    const bytes = new Uint8Array(new Uint32Array([sent]).buffer);
    const accepted = sent % group === 0 ? track.keyframe(bytes) : track.send(bytes);
    if (accepted) sent += 1;
  }, every);
  return {
    get sent() {
      return sent;
    },
    stop: () => clearInterval(timer),
  };
}

/** What a subscription gave. */
function collect(subscription: Subscription) {
  const seen = {
    values: [] as number[],
    gaps: [] as Gap[],
    ends: [] as string[],
    /** Numbers that did not come in order. */
    backward: 0,
    /** Numbers that are missing between others. */
    missing: 0,
    /** When the last one was received. */
    newest: 0,
  };
  subscription.onReadable(() => {
    subscription.drain(({ bytes, receivedAt }) => {
      seen.newest = receivedAt;
      const value = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      const last = seen.values.at(-1);
      if (last !== undefined && value <= last) seen.backward += 1;
      if (last !== undefined && value > last) seen.missing += value - last - 1;
      seen.values.push(value);
    });
  });
  subscription.onGap((gap) => seen.gaps.push(gap));
  subscription.onEnd((reason) => seen.ends.push(reason.error?.code ?? reason.kind));
  return seen;
}

const QUICK = { initialDelay: 40, maxDelay: 400 } as const;
const SOON_LOST = { keepAlive: 200, idleTimeout: 800, reconnect: QUICK } as const;

describe.each(["quic", "webtransport"] as const)("over %s", (way) => {
  test("a relay that is started again on its port is found again, with everything", async () => {
    const first = await relay();
    const url = urlOf(first, way);
    const publisher = await client(url, { reconnect: QUICK });
    const reader = await client(url, { reconnect: QUICK });
    const [wrote, read] = [statesOf(publisher), statesOf(reader)];
    const world = publisher.publish(["restart", "world"]);
    const poses = publisher.publish(["restart", "poses"], { delivery: "latest" });
    await Promise.all([world.ready, poses.ready]);
    const [sentWorld, sentPoses] = [count(world), count(poses)];
    const seenWorld = collect(reader.subscribe(["restart", "world"]));
    const seenPoses = collect(reader.subscribe(["restart", "poses"]));
    await until(() => seenWorld.values.length > 20 && seenPoses.values.length > 20);
    await first.close();
    await until(() => publisher.state === "reconnecting" && reader.state === "reconnecting");
    // Nobody is there; publishing goes on.
    await sleep(300);
    await relay({ listen: `127.0.0.1:${first.port}` });
    await until(() => publisher.state === "open" && reader.state === "open");
    await until(() => world.subscribers === 1 && poses.subscribers === 1);
    sentWorld.stop();
    sentPoses.stop();
    await until(
      () =>
        seenWorld.values.at(-1) === sentWorld.sent - 1 &&
        seenPoses.values.at(-1) === sentPoses.sent - 1,
      () => `${sentWorld.sent} ${sentPoses.sent} ${seenWorld.values} ${seenPoses.values}`,
    );
    // One group, which the publisher keeps: nothing is lost.
    expect(seenWorld).toMatchObject({ backward: 0, missing: 0, gaps: [], ends: [] });
    expect(seenPoses).toMatchObject({ backward: 0, ends: [] });
    expect(new Set(seenPoses.gaps.map((gap) => gap.reason))).toEqual(new Set(["reconnected"]));
    expectRounds(publisher, wrote);
    expectRounds(reader, read);
  });

  test("a loss is noticed by silence, and repaired when the network is back", async () => {
    const there = await relay();
    const proxy = await impair(there, 1);
    const url = urlOf(there, way).replace(`:${there.port}`, `:${proxy.port}`);
    const publisher = await client(url, SOON_LOST);
    const reader = await client(url, SOON_LOST);
    const [wrote, states] = [statesOf(publisher), statesOf(reader)];
    const log = publisher.publish(["outage", "log"]);
    await log.ready;
    const sent = count(log, 10, 50);
    const seen = collect(reader.subscribe(["outage", "log"]));
    await until(() => seen.values.length > 20);
    let heard = 0;
    reader.onState((state) => {
      if (state === "reconnecting") heard ||= performance.now() - seen.newest;
    });
    proxy.outage(3_000);
    await until(() => [wrote, states].every((told) => told.includes("reconnecting timeout")));
    // The idle timeout, counted from the last packet heard, which may have come after the last object.
    expect(heard).toBeGreaterThan(750);
    await until(() => reader.state === "open" && publisher.state === "open");
    const before = seen.values.length;
    await until(() => seen.values.length > before + 50);
    sent.stop();
    await until(
      () => seen.values.at(-1) === sent.sent - 1,
      () => `${sent.sent} ${seen.values.slice(-5)}`,
    );
    expect(seen).toMatchObject({ backward: 0, ends: [] });
    // Groups went by: what is missing was told.
    if (seen.missing > 0) expect(seen.gaps.map((gap) => gap.reason)).toContain("reconnected");
    else expect(seen.gaps).toEqual([]);
    expect(states[0]).toBe("reconnecting timeout");
    expect(states.at(-1)).toBe("open");
  }, 60_000);

  test("a change of the local port is no loss", async () => {
    const there = await relay();
    const proxy = await impair(there, 2);
    const url = urlOf(there, way).replace(`:${there.port}`, `:${proxy.port}`);
    const publisher = await client(url);
    const reader = await client(url);
    const states = [...[publisher, reader].map(statesOf)];
    const log = publisher.publish(["rebind", "log"]);
    const poses = publisher.publish(["rebind", "poses"], { delivery: "datagram" });
    await Promise.all([log.ready, poses.ready]);
    const sent = [count(log), count(poses)] as const;
    const seen = collect(reader.subscribe(["rebind", "log"]));
    const seenPoses = collect(reader.subscribe(["rebind", "poses"]));
    for (let round = 0; round < 5; round++) {
      const before = [seen.values.length, seenPoses.values.length] as const;
      await until(
        () => seen.values.length > before[0] + 20 && seenPoses.values.length > before[1] + 20,
        () => `round ${round}: ${before} ${seen.values.length} ${seenPoses.values.length}`,
      );
      await proxy.rebind();
    }
    const before = seen.values.length;
    await until(() => seen.values.length > before + 20);
    for (const one of sent) one.stop();
    await until(() => seen.values.length === sent[0].sent);
    expect(seen).toMatchObject({ backward: 0, missing: 0, gaps: [], ends: [] });
    expect(seenPoses).toMatchObject({ backward: 0, ends: [] });
    expect(states).toEqual([[], []]);
    expect(publisher.stats().reconnects + reader.stats().reconnects).toBe(0);
    expect(proxy.stats().rebinds).toBe(5);
  }, 60_000);

  test("a relay that goes away sends its clients to the one that it names", async () => {
    const second = await relay();
    const first = await relay({ goawayUri: urlOf(second, way) });
    const publisher = await client(urlOf(first, way), { reconnect: QUICK });
    const reader = await client(urlOf(first, way), { reconnect: QUICK });
    const states = statesOf(reader);
    const log = publisher.publish(["moved", "log"]);
    await log.ready;
    const sent = count(log, 5);
    const seen = collect(reader.subscribe(["moved", "log"]));
    await until(() => seen.values.length > 20);
    // Nobody has to be closed: both leave by themselves. This test ends before the time is up.
    await first.close({ grace: 120_000 });
    await until(() => publisher.state === "open" && reader.state === "open");
    await until(() => log.subscribers === 1);
    sent.stop();
    await until(
      () => seen.values.at(-1) === sent.sent - 1,
      () => `${sent.sent} ${seen.values.slice(-5)} ${JSON.stringify(seen.ends)}`,
    );
    expect(seen).toMatchObject({ backward: 0, missing: 0, ends: [] });
    // Who leaves after the publisher has seen its stream cut; what that held came all the same.
    expect(seen.gaps.filter((gap) => gap.reason !== "reset")).toEqual([]);
    expect(states[0]).toBe("reconnecting going_away");
    expectRounds(reader, states);
  }, 60_000);
});

test("subscribers of a publisher that was lost alone get all that it kept", async () => {
  const there = await relay();
  const proxy = await impair(there, 4);
  const url = urlOf(there, "quic").replace(`:${there.port}`, `:${proxy.port}`);
  const publisher = await client(url, SOON_LOST);
  const reader = await client(urlOf(there, "quic"));
  const states = statesOf(publisher);
  const log = publisher.publish(["alone", "log"]);
  await log.ready;
  const sent = count(log, 10);
  const seen = collect(reader.subscribe(["alone", "log"]));
  await until(() => seen.values.length > 20);
  proxy.outage(2_500);
  await until(() => states.includes("open"));
  await until(() => log.subscribers === 1);
  sent.stop();
  await until(
    () => seen.values.at(-1) === sent.sent - 1,
    () => `${sent.sent} ${seen.values.at(-1)} ${JSON.stringify(seen.gaps)}`,
  );
  expect(seen).toMatchObject({ backward: 0, missing: 0, gaps: [], ends: [] });
  expect(states).toContain("reconnecting timeout");
  expect(reader.stats().reconnects).toBe(0);
}, 60_000);

test("30 s of total loss, with the options that everybody has", async () => {
  const there = await relay();
  const proxy = await impair(there, 3);
  const url = urlOf(there, "quic").replace(`:${there.port}`, `:${proxy.port}`);
  const publisher = await client(url);
  const reader = await client(url);
  const states = statesOf(reader);
  const log = publisher.publish(["long", "log"]);
  const poses = publisher.publish(["long", "poses"], { delivery: "latest" });
  await Promise.all([log.ready, poses.ready]);
  const sent = [count(log, 20), count(poses, 20)] as const;
  const seen = collect(reader.subscribe(["long", "log"]));
  const seenPoses = collect(reader.subscribe(["long", "poses"]));
  await until(() => seen.values.length > 20 && seenPoses.values.length > 20);
  proxy.outage(30_000);
  await until(() => reader.state === "reconnecting");
  await until(() => publisher.state === "open" && reader.state === "open", undefined, 45_000);
  const before = seenPoses.values.length;
  await until(() => seenPoses.values.length > before + 20);
  for (const one of sent) one.stop();
  await until(
    () => seen.values.at(-1) === sent[0].sent - 1 && seenPoses.values.at(-1) === sent[1].sent - 1,
    () => `${sent.map((one) => one.sent)} ${seen.values.at(-1)} ${seenPoses.values.at(-1)}`,
  );
  expect(seen).toMatchObject({ backward: 0, missing: 0, gaps: [], ends: [] });
  expect(seenPoses).toMatchObject({ backward: 0, ends: [] });
  expect(states[0]).toBe("reconnecting timeout");
  expect(states.at(-1)).toBe("open");
}, 120_000);

test("an expired token is renewed through the callback; a fixed one ends the client", async () => {
  const grant = { publish: ["*"], subscribe: ["*"] };
  const first = await relay({ tokens: { tokens: { one: grant } } });
  const given: string[] = [];
  const token = async (): Promise<string> => {
    given.push(given.length === 0 ? "one" : "two");
    return given.at(-1) as string;
  };
  const renewed = await client(urlOf(first, "quic"), { token, reconnect: QUICK });
  const fixed = await client(urlOf(first, "quic"), { token: "one", reconnect: QUICK });
  const [states, ends] = [statesOf(renewed), statesOf(fixed)];
  const track = renewed.publish(["token", "t"]);
  await track.ready;
  await first.close();
  await relay({ listen: `127.0.0.1:${first.port}`, tokens: { tokens: { two: grant } } });
  await until(() => renewed.state === "open" && fixed.state === "closed");
  expect(given.slice(0, 2)).toEqual(["one", "two"]);
  expect(states.at(-1)).toBe("open");
  expect(ends.at(-1)).toBe("closed unauthorized");
  expectRounds(renewed, states);
});

test("a token comes from a callback in this process too, and its failure rejects connect", async () => {
  const grant = { publish: ["*"], subscribe: ["*"] };
  const there = await relay({ tokens: { tokens: { secret: grant } } });
  const made = await join(there, "memory", { token: () => "secret" });
  open.push(made);
  expect(made.state).toBe("open");
  const failing = join(there, "memory", {
    token: () => {
      throw new Error("no service");
    },
  });
  await expect(failing).rejects.toMatchObject({
    code: "unauthorized",
    message: expect.stringContaining("no service"),
  });
  const wrong = join(there, "memory", { token: () => 7 as never });
  await expect(wrong).rejects.toMatchObject({ code: "invalid_argument" });
});

test("a client on a memory URL ends with its relay", async () => {
  const there = await startRelay();
  const made = await join(there, "memory");
  open.push(made);
  const states = statesOf(made);
  const seen = collect(made.subscribe(["none", "t"], { wait: 60_000 }));
  await there.close();
  await until(() => made.state === "closed");
  expect(states.at(-1)).toMatch(/^closed \w+/);
  expect(seen.ends).toHaveLength(1);
});
