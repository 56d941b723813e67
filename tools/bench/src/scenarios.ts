import { ATTACKS } from "./contenders/attacked.js";
import type { Load, Times } from "./load.js";

/** A contender in a scenario. */
export interface Entry {
  readonly contender: string;
  /** What is different for it. */
  readonly load?: Partial<Load>;
}

/** What contenders are compared in. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly load: Load;
  readonly entries: readonly Entry[];
  readonly times: Times;
  readonly passes: number;
  /** Share of packets lost, both ways. */
  readonly loss: number;
  /** Ratios are taken to this contender. */
  readonly baseline: string;
  /** Whether --quick runs it: one of each kind. */
  readonly quick: boolean;
}

const all = (...contenders: string[]): Entry[] => contenders.map((contender) => ({ contender }));

const OURS = ["node-datagram", "node-latest", "node-reliable"];
const RUST = ["rust-datagram", "rust-latest", "rust-reliable"];

/** In flight; fewer with more subscribers, so that what is in flight fits into everybody's buffers. */
const WINDOWS: Readonly<Record<number, number>> = { 0: 128, 1: 128, 50: 64, 500: 32 };

const SATURATED = { warmup: 0.4, seconds: 1.2 };

function oneWay(size: number): Scenario {
  return {
    id: `one-way-${size}`,
    title: `One way, ${size} bytes, saturated: a client publishes, a script in the server reads`,
    load: { size, rate: 0, window: WINDOWS[0] ?? 128, group: 60, subscribers: 0 },
    entries: [
      ...all("dgram", "ws", "uws", "web-transport"),
      // More in flight only makes it skip.
      { contender: "moq-net", load: { window: 1 } },
      ...all(...OURS),
      { contender: "node-groups" },
    ],
    times: SATURATED,
    passes: size > 100 ? 2 : 3,
    loss: 0,
    baseline: "ws",
    quick: size === 100,
  };
}

/** The whole run is to stay below 25 minutes: most where goals are judged. */
function fanOutPasses(subscribers: number, size: number): number {
  if (subscribers === 50) return size > 100 ? 2 : 3;
  return size > 100 ? 1 : 2;
}

function fanOut(subscribers: number, size: number): Scenario {
  return {
    id: `fan-out-${subscribers}-${size}`,
    title: `Fan-out ×${subscribers}, ${size} bytes, saturated: publisher → server → ${subscribers} subscriber${subscribers > 1 ? "s" : ""}`,
    load: { size, rate: 0, window: WINDOWS[subscribers] ?? 32, group: 60, subscribers },
    entries: [
      ...all("dgram", "ws", "uws"),
      // Connecting 500 of them takes longer than everything else here.
      ...(subscribers > 50 ? [] : [{ contender: "moq-net", load: { window: 1 } }]),
      ...all(...OURS, ...RUST),
      // A script and a Rust program that read the same.
      ...(subscribers === 50 && size === 100 ? all("binding-datagram", "binding-reliable") : []),
    ],
    times: SATURATED,
    passes: fanOutPasses(subscribers, size),
    loss: 0,
    baseline: "ws",
    quick: subscribers === 50 && size === 100,
  };
}

function paced(subscribers: number): Scenario {
  return {
    ...fanOut(subscribers, 100),
    id: `paced-${subscribers}`,
    title: `Fan-out ×${subscribers}, 100 bytes, 60 Hz`,
    load: { ...AT_60_HZ, subscribers },
    // @moq/net delivers fewer a second than this asks for.
    entries: all("dgram", "ws", "uws", ...OURS, ...RUST),
    times: { warmup: 0.6, seconds: 2.5 },
    quick: false,
  };
}

const AT_60_HZ: Load = { size: 100, rate: 60, window: 64, group: 60, subscribers: 50 };

/** The same Rust clients through our relay and others'. */
function relays(delivery: string, rate: number): Scenario {
  const pace = rate === 0 ? "saturated" : `${rate} Hz`;
  return {
    id: `relays-${rate === 0 ? "saturated" : "paced"}-${delivery}`,
    title: `Relays under the same Rust clients, \`${delivery}\` ×50, 100 bytes, ${pace}`,
    load: { size: 100, rate, window: WINDOWS[50] ?? 64, group: 60, subscribers: 50 },
    entries: all("rust", "moq-relay-ietf", "moq-relay").map(({ contender }) => ({
      contender: `${contender}-${delivery}`,
    })),
    times: rate === 0 ? SATURATED : { warmup: 0.6, seconds: 2.5 },
    passes: 2,
    loss: 0,
    baseline: `moq-relay-ietf-${delivery}`,
    quick: rate > 0,
  };
}

/** One match before many: 60 Hz deltas and a snapshot a second, which is where late joiners begin. */
function spectate(subscribers: number): Scenario {
  return {
    id: `spectate-${subscribers}`,
    title: `Preset spectate: one match before ${subscribers} spectators, 60 Hz × 100 bytes and 8 kB a second`,
    load: { ...AT_60_HZ, keyframe: 8_192, subscribers },
    entries: [
      ...all(...(subscribers > 1_000 ? [] : ["ws"]), "uws", "rust-reliable"),
      // A snapshot does not fit into a datagram.
      { contender: "rust-datagram", load: { keyframe: 100 } },
      { contender: "rust-latest", load: { keyframe: 100 } },
    ],
    // Thousands of handshakes come first, and what was sent meanwhile: this is about what follows.
    times: { warmup: subscribers > 1_000 ? 4 : 1, seconds: 3 },
    passes: subscribers > 50 ? 2 : 1,
    loss: 0,
    baseline: subscribers > 1_000 ? "uws" : "ws",
    quick: false,
  };
}

const browser = (rate: number): Scenario => ({
  id: `browser-${rate === 0 ? "saturated" : "paced"}`,
  title: `Chromium as the subscriber, 100 bytes, ${rate === 0 ? "saturated" : `${rate} Hz`}`,
  load: { size: 100, rate, window: 512, group: 60, subscribers: 1 },
  entries: all(
    "page-ws",
    ...["page-datagram", "page-latest", "page-reliable"],
    ...["page-datagram-worker", "page-reliable-worker"],
  ),
  times: { warmup: 0.6, seconds: 2 },
  passes: 2,
  loss: 0,
  baseline: "page-ws",
  quick: rate > 0,
});

const SIZES = [100, 1_200];
const DELIVERIES = ["datagram", "latest", "reliable"];

export const SCENARIOS: readonly Scenario[] = [
  ...SIZES.map(oneWay),
  ...[1, 50, 500].flatMap((subscribers) => SIZES.map((size) => fanOut(subscribers, size))),
  paced(50),
  ...[0, 60].flatMap((rate) => DELIVERIES.map((delivery) => relays(delivery, rate))),
  {
    id: "loss",
    title: "3 % of all packets lost, both ways: 60 Hz × 10 subscribers, 100 bytes",
    load: { ...AT_60_HZ, subscribers: 10 },
    entries: all("dgram", "ws", "uws", ...OURS),
    times: { warmup: 0.6, seconds: 8 },
    passes: 2,
    loss: 0.03,
    baseline: "ws",
    quick: false,
  },
  browser(0),
  browser(60),
  ...[50, 500, 2_000].map(spectate),
  {
    id: "arena",
    title:
      "Preset arena: 10 players, input 128 Hz × 48 bytes, a state each 64 Hz × 300–1,000 bytes",
    load: { size: 48, rate: 128, window: 1, group: 1, subscribers: 10 },
    entries: all("arena-ws", "arena-datagram", "arena-latest"),
    times: { warmup: 0.6, seconds: 4 },
    passes: 2,
    loss: 0,
    baseline: "arena-ws",
    quick: true,
  },
  {
    id: "mocap",
    title:
      "Preset mocap: 2 performers, faces 120 Hz × 300 bytes and bodies 60 Hz × 6.4 and 17 kB, 8 subscribers, 3 % lost",
    load: { size: 300, rate: 60, window: 1, group: 1, subscribers: 8 },
    entries: all("mocap-ws", "mocap-moq"),
    times: { warmup: 0.6, seconds: 8 },
    passes: 2,
    loss: 0.03,
    baseline: "mocap-ws",
    quick: true,
  },
  {
    id: "script-saturated",
    title: "Into a script of Unreal, 64 bytes, saturated, `reliable`",
    load: { size: 64, rate: 0, window: 4_096, group: 1_024, subscribers: 1 },
    entries: all("puerts-reliable", "puerts-callback-reliable"),
    times: { warmup: 0.6, seconds: 2 },
    passes: 3,
    loss: 0,
    baseline: "puerts-callback-reliable",
    quick: true,
  },
  {
    id: "script-tracks",
    title: "Into a script of Unreal: 200 tracks of class `latest`, 60 Hz × 100 bytes each",
    load: { size: 100, rate: 60, window: 64, group: 1, subscribers: 1, tracks: 200 },
    entries: all("puerts-latest", "puerts-callback-latest"),
    times: { warmup: 0.6, seconds: 3 },
    passes: 3,
    loss: 0,
    baseline: "puerts-callback-latest",
    quick: true,
  },
  {
    id: "script-publish",
    title: "Out of a script of Unreal: 200 tracks of class `latest`, 60 Hz × 100 bytes each",
    load: { size: 100, rate: 60, window: 64, group: 1, subscribers: 1, tracks: 200 },
    entries: all(
      "puerts-publish",
      "puerts-publish-native",
      "puerts-publish-naive",
      "puerts-publish-refused",
    ),
    times: { warmup: 0.6, seconds: 3 },
    passes: 3,
    loss: 0,
    baseline: "puerts-publish-naive",
    quick: true,
  },
  {
    id: "attack",
    title:
      "Under attack: 10 subscribers of a `reliable` track, 60 Hz × 100 bytes, and a flood on the same relay",
    load: { ...AT_60_HZ, subscribers: 10 },
    entries: all("rust-reliable", ...ATTACKS.map((kind) => `attacked-${kind}`)),
    times: { warmup: 0.6, seconds: 2.5 },
    passes: 3,
    loss: 0,
    baseline: "rust-reliable",
    quick: false,
  },
];
