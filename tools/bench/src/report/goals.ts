/** What this project set out to reach, and whether the results reach it. Each is a ratio within one run. */
import { ATTACKS } from "../contenders/attacked.js";
import { isMeasured, type Measured, type Results } from "../results.js";

export interface Goal {
  readonly id: string;
  readonly what: string;
  readonly target: string;
  /** Undefined: not measured. */
  readonly measured: string | undefined;
  readonly met: boolean;
}

type Look = (scenario: string, contender: string) => Measured | undefined;

interface Rule {
  readonly id: string;
  readonly what: string;
  readonly target: string;
  /** The value, and whether it is good enough; undefined when something was not measured. */
  readonly judge: (look: Look) => readonly [text: string, met: boolean] | undefined;
}

const ratio = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined || b === 0 ? undefined : a / b;

const times = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ×`;

function atLeast(value: number | undefined, least: number): readonly [string, boolean] | undefined {
  return value === undefined ? undefined : [times(value), value >= least];
}

function atMost(
  value: number | undefined,
  most: number,
  show: (value: number) => string = times,
): readonly [string, boolean] | undefined {
  return value === undefined ? undefined : [show(value), value <= most];
}

/** A number's quotient of one field of two contenders in a scenario. */
function compare(
  look: Look,
  scenario: string,
  a: string,
  b: string,
  field: (measured: Measured) => number | undefined,
): number | undefined {
  const [one, other] = [look(scenario, a), look(scenario, b)];
  return one && other ? ratio(field(one), field(other)) : undefined;
}

const rate = (each: Measured): number => each.rate;
const serverCpu = (each: Measured): number | undefined => each.serverCpu;
const bytes = (value: number): string => `${value.toFixed(0)} bytes`;
const micros = (value: number): string => `${value.toFixed(2)} µs`;
const millis = (value: number): string => `${(value / 1000).toFixed(1)} ms`;
const percent = (value: number): string => `${value >= 0 ? "+" : ""}${(value * 100).toFixed(0)} %`;

/** What a whole cell costs in processes of ours, per object delivered. */
function clientCpu(each: Measured | undefined): number | undefined {
  return each?.subscriberCpu;
}

function relayRule(id: string, pace: string, delivery: string): Rule {
  const scenario = `relays-${pace}-${delivery}`;
  return {
    id,
    what: `Server CPU per delivery ×50, \`${delivery}\`, ${pace === "paced" ? "60 Hz" : pace}, to the better of other relays`,
    target: "≤ 0.5 ×",
    judge: (look) => {
      const ours = look(scenario, `rust-${delivery}`)?.serverCpu;
      const others = [`moq-relay-ietf-${delivery}`, `moq-relay-${delivery}`]
        .map((name) => look(scenario, name)?.serverCpu)
        .filter((value) => value !== undefined);
      return others.length === 0 ? undefined : atMost(ratio(ours, Math.min(...others)), 0.5);
    },
  };
}

const TICK_US = 1_000_000 / 60;

const RULES: readonly Rule[] = [
  {
    id: "G1",
    what: "Datagrams delivered to a script in Node, to `ws`",
    target: "≥ 1.8 ×",
    judge: (look) => atLeast(compare(look, "one-way-100", "node-datagram", "ws", rate), 1.8),
  },
  {
    id: "G1",
    what: "The same, to @moq/web-transport",
    target: "≥ 8 ×",
    judge: (look) =>
      atLeast(compare(look, "one-way-100", "node-datagram", "web-transport", rate), 8),
  },
  {
    id: "G2",
    what: "Fan-out ×50 through the relay, saturated, delivered to Rust clients, to `ws`",
    target: "≥ 3 ×",
    judge: (look) => atLeast(compare(look, "fan-out-50-100", "rust-datagram", "ws", rate), 3),
  },
  {
    id: "G2",
    what: "The same, to uWebSockets.js",
    target: "≥ 0.9 ×",
    judge: (look) => atLeast(compare(look, "fan-out-50-100", "rust-datagram", "uws", rate), 0.9),
  },
  {
    id: "G2",
    what: "Server CPU per delivery, fan-out ×50, saturated, `datagram`",
    target: "≤ 3 µs",
    judge: (look) => atMost(look("fan-out-50-100", "rust-datagram")?.serverCpu, 3, micros),
  },
  {
    id: "G3",
    what: "One group per update, delivered to a script in Node, to @moq/net",
    target: "≥ 40 ×",
    judge: (look) => atLeast(compare(look, "one-way-100", "node-groups", "moq-net", rate), 40),
  },
  {
    id: "G3",
    what: "CPU of the reading process for each, to @moq/net",
    target: "≤ 0.025 ×",
    judge: (look) =>
      atMost(compare(look, "one-way-100", "node-groups", "moq-net", serverCpu), 0.025, (value) =>
        value.toFixed(4),
      ),
  },
  {
    id: "G4",
    what: "CPU of subscribers in Node over those in Rust, same relay and publisher, ×50, saturated, `reliable`",
    target: "≤ +15 %",
    judge: (look) => {
      const value = ratio(
        clientCpu(look("fan-out-50-100", "binding-reliable")),
        clientCpu(look("fan-out-50-100", "rust-reliable")),
      );
      return value === undefined ? undefined : atMost(value - 1, 0.15, percent);
    },
  },
  {
    id: "G4",
    what: "The same for `datagram`",
    target: "≤ +15 %",
    judge: (look) => {
      const value = ratio(
        clientCpu(look("fan-out-50-100", "binding-datagram")),
        clientCpu(look("fan-out-50-100", "rust-datagram")),
      );
      return value === undefined ? undefined : atMost(value - 1, 0.15, percent);
    },
  },
  {
    id: "G5",
    what: "3 % loss, 60 Hz × 10: p99 age of `latest`, to `ws`",
    target: "≤ 0.3 ×",
    judge: (look) =>
      atMost(
        compare(look, "loss", "node-latest", "ws", (each) => each.age.p99),
        0.3,
      ),
  },
  {
    id: "G5",
    what: "Worst gap of `latest`, to `ws`",
    target: "≤ 0.3 ×",
    judge: (look) =>
      atMost(
        compare(look, "loss", "node-latest", "ws", (each) => each.gap.max),
        0.3,
      ),
  },
  {
    id: "G5",
    what: "p99 age of `latest`",
    target: "≤ 2 ticks (33.3 ms)",
    judge: (look) => atMost(look("loss", "node-latest")?.age.p99, 2 * TICK_US, millis),
  },
  {
    id: "G6",
    what: "IP bytes of a 100-byte datagram update at 60 Hz, per hop, acknowledgements included",
    target: "≤ 170 bytes",
    judge: (look) => atMost(look("relays-paced-datagram", "rust-datagram")?.wireBytes, 170, bytes),
  },
  {
    id: "G6",
    what: "The same for a group of one object (`latest`)",
    target: "≤ 260 bytes",
    judge: (look) => atMost(look("relays-paced-latest", "rust-latest")?.wireBytes, 260, bytes),
  },
  ...["datagram", "reliable"].map(
    (delivery): Rule => ({
      id: "G7",
      what: `Chromium: objects a second, \`${delivery}\`, to a WebSocket page`,
      target: "≥ 1.3 ×",
      judge: (look) =>
        atLeast(compare(look, "browser-saturated", `page-${delivery}`, "page-ws", rate), 1.3),
    }),
  ),
  {
    id: "G7",
    what: "Chromium: first state after `subscribe`, track warm in the relay, 60 Hz, p99",
    target: "≤ a round trip and a tick (≈ 18 ms)",
    judge: (look) => atMost(look("browser-paced", "page-reliable")?.first.p99, 18_000, millis),
  },
  ...["reliable", "datagram"].map(
    (delivery): Rule => ({
      id: "G9",
      what: `2,000 spectators of one 60 Hz match, \`${delivery}\`: delivered of 120,000 objects a second`,
      target: "≥ 99 %, p99 age ≤ 2 ticks",
      judge: (look) => {
        const found = look("spectate-2000", `rust-${delivery}`);
        if (found === undefined) return undefined;
        const share = found.rate / 120_000;
        const text = `${(share * 100).toFixed(1)} %, p99 ${millis(found.age.p99)}`;
        return [text, share >= 0.99 && found.age.p99 <= 2 * TICK_US];
      },
    }),
  ),
  {
    id: "G10",
    what: "Objects of 64 bytes a second into a script in a Puerts host, by its thread alone",
    target: "≥ 1 M",
    judge: (look) => {
      const each = look("script-saturated", "puerts-reliable")?.gameThread;
      return each === undefined ? undefined : [`${(1 / each).toFixed(2)} M`, each <= 1];
    },
  },
  {
    id: "G10",
    what: "200 tracks × 60 Hz × 100 bytes there: time of a tick, p99",
    target: "≤ 1 ms",
    judge: (look) =>
      atMost(
        look("script-tracks", "puerts-latest")?.tick?.p99,
        1_000,
        (value) => `${(value / 1000).toFixed(2)} ms`,
      ),
  },
  {
    id: "G10",
    what: "An update of 100 bytes published by a script there, of 200 in a tick: native function with the copy, and all of it",
    target: "≤ 1 µs native",
    judge: (look) => {
      const native = look("script-publish", "puerts-publish-native")?.gameThread;
      const whole = look("script-publish", "puerts-publish")?.gameThread;
      if (native === undefined || whole === undefined) return undefined;
      return [`${micros(native)}, ${micros(whole)}`, native <= 1];
    },
  },
  ...["saturated", "paced"].flatMap((pace) =>
    ["datagram", "latest", "reliable"].map((delivery) => relayRule("G11", pace, delivery)),
  ),
];

/** The worst kind of attack. */
const ATTACK: Rule = {
  id: "–",
  what: "p99 age of well-behaved sessions under the worst of the attacks, to without",
  target: "≤ 2 ×",
  judge: (look) => {
    const calm = look("attack", "rust-reliable")?.age.p99;
    const under = ATTACKS.flatMap((kind) => {
      const found = look("attack", `attacked-${kind}`);
      return found === undefined ? [] : [{ kind, p99: found.age.p99 }];
    }).sort((a, b) => b.p99 - a.p99)[0];
    const value = ratio(under?.p99, calm);
    return value === undefined ? undefined : [`${times(value)} (${under?.kind})`, value <= 2];
  },
};

export function goals(results: Results): Goal[] {
  const look: Look = (scenario, contender) => {
    const outcome = results.scenarios[scenario]?.outcomes[contender];
    return isMeasured(outcome) ? outcome : undefined;
  };
  return [...RULES, ATTACK].map(({ id, what, target, judge }) => {
    const judged = judge(look);
    return { id, what, target, measured: judged?.[0], met: judged?.[1] ?? false };
  });
}
