/** docs/performance.md and its plots, from the results. */
import { contender } from "../contenders/index.js";
import { isMeasured, type Measured, type Results, type ScenarioResult } from "../results.js";
import { goals } from "./goals.js";
import { barChart, type Chart } from "./svg.js";
import { count, rows } from "./table.js";

/** Scenarios under one heading. */
interface Chapter {
  readonly title: string;
  readonly text: string;
  /** How their names begin. */
  readonly scenarios: readonly string[];
  readonly plots?: readonly string[];
}

const CHAPTERS: readonly Chapter[] = [
  {
    title: "One way",
    text: "A client publishes as fast as the reader takes it; a script in the server process reads. `latest` replaces what it has not sent yet, so under saturation most updates are passed over by design.",
    scenarios: ["one-way"],
  },
  {
    title: "Fan-out",
    text: "One publisher, one server, 1, 50 or 500 subscribers in one process. WebSocket subscribers are a bare TCP socket with the framing and nothing else, and nothing of theirs is encrypted: the comparison leans their way.",
    scenarios: ["fan-out", "paced"],
    plots: ["fan-out-rate", "fan-out-cpu"],
  },
  {
    title: "Beside other relays",
    text: "The same Rust clients over raw QUIC; only the relay differs.",
    scenarios: ["relays"],
    plots: ["relays-cpu"],
  },
  {
    title: "On a lossy network",
    text: "3 % of all packets are dropped at random in both directions on every hop, TCP and UDP alike, without added delay.",
    scenarios: ["loss"],
    plots: ["loss-age"],
  },
  {
    title: "In the browser",
    text: "A page in headless Chromium subscribes; server and publisher are processes beside it. Its CPU is that of all its processes. Ages there are good to about half a millisecond. The time to the first state is of twenty joins to a track that somebody else reads already.",
    scenarios: ["browser"],
  },
  {
    title: "Presets",
    text: "Shapes of real games. In the arena, age is from a player's input to the state that has it in; with ticks of 64 Hz it cannot be below half a tick on the average.",
    scenarios: ["spectate", "arena", "mocap"],
    plots: ["spectators"],
  },
  {
    title: "Inside Unreal's scripts",
    text: "A script in a Puerts host, without the engine, ticks and takes what has arrived; timed is its thread alone, per object and per tick. The other binding calls a script function for each object and lends it the bytes. Where it publishes, timed is from the first update of a tick until the last is handed over. What the thread waits for a processor, for the other programs of the run share the same two, is not counted. More is in [unreal.md](performance/unreal.md).",
    scenarios: ["script"],
  },
  {
    title: "Under attack",
    text: "Well-behaved sessions with and without somebody who floods the relay, in the same run. The attacker runs at the lowest priority: on a machine of its own it would take nothing from the processors here.",
    scenarios: ["attack"],
  },
];

function isOurs(id: string): boolean {
  return !/^(dgram|ws|uws|web-transport|moq-|page-ws|arena-ws|mocap-ws|puerts-callback)/.test(id);
}

type Field = (measured: Measured) => number | undefined;

function bars(result: ScenarioResult | undefined, field: Field, text: (value: number) => string) {
  return Object.entries(result?.outcomes ?? {}).flatMap(([id, outcome]) => {
    const value = isMeasured(outcome) ? field(outcome) : undefined;
    if (value === undefined) return [];
    return [{ label: contender(id).label, value, text: text(value), ours: isOurs(id) }];
  });
}

/** The plots by name; those without results are left out. */
export function charts(results: Results): ReadonlyMap<string, Chart> {
  const { scenarios } = results;
  const micros = (value: number): string => `${value.toFixed(2)} µs`;
  const all: Readonly<Record<string, Chart>> = {
    "fan-out-rate": {
      title: "Fan-out, 100 bytes, saturated: objects delivered a second",
      note: "More is better. Two cores for publisher, server and all subscribers.",
      groups: [50, 500].map((many) => ({
        name: `× ${many}`,
        bars: bars(scenarios[`fan-out-${many}-100`], (each) => each.rate, count),
      })),
    },
    "fan-out-cpu": {
      title: "Server CPU per object delivered, × 50, 100 bytes",
      note: "Less is better; logarithmic.",
      logarithmic: true,
      groups: [
        {
          name: "saturated",
          bars: bars(scenarios["fan-out-50-100"], (each) => each.serverCpu, micros),
        },
        { name: "60 Hz", bars: bars(scenarios["paced-50"], (each) => each.serverCpu, micros) },
      ],
    },
    "relays-cpu": {
      title: "Relays under the same clients, × 50: server CPU per object delivered",
      note: "Less is better; logarithmic.",
      logarithmic: true,
      groups: ["saturated", "paced"].flatMap((pace) =>
        ["datagram", "latest", "reliable"].map((delivery) => ({
          name: `${delivery}, ${pace === "paced" ? "60 Hz" : pace}`,
          bars: bars(scenarios[`relays-${pace}-${delivery}`], (each) => each.serverCpu, micros),
        })),
      ),
    },
    "loss-age": {
      title: "Age of updates with 3 % of packets lost, 60 Hz × 10",
      note: "Less is better; logarithmic.",
      logarithmic: true,
      groups: (["p50", "p99", "max"] as const).map((part) => ({
        name: part === "max" ? "worst" : part,
        bars: bars(
          scenarios.loss,
          (each) => each.age[part],
          (value) => `${(value / 1000).toFixed(value < 10_000 ? 2 : 0)} ms`,
        ),
      })),
    },
    spectators: {
      title: "Spectators of one 60 Hz match: share of one core that the server uses",
      note: "Less is better; 100 % is one core.",
      groups: [50, 500, 2_000].map((many) => ({
        name: `${many.toLocaleString("en")} spectators`,
        bars: bars(
          scenarios[`spectate-${many}`],
          (each) => each.serverCpu && (each.serverCpu * each.rate) / 10_000,
          (value) => `${value.toFixed(1)} %`,
        ),
      })),
    },
  };
  const drawn = Object.entries(all).map(([name, chart]): [string, Chart] => {
    const groups = chart.groups.filter((group) => group.bars.length > 0);
    return [name, { ...chart, groups }];
  });
  return new Map(drawn.filter(([, chart]) => chart.groups.length > 0));
}

export function plots(results: Results): ReadonlyMap<string, string> {
  return new Map([...charts(results)].map(([name, chart]) => [name, barChart(chart)]));
}

function markdownTable(lines: readonly (readonly string[])[]): string {
  const [head = [], ...body] = lines;
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const ruler = head.map((_, at) => (at === 0 ? "---" : "---:"));
  const filled = body.map((cells) => [...cells, ...head.slice(cells.length).map(() => "")]);
  return [line(head), line(ruler), ...filled.map(line)].join("\n");
}

function passesOf(result: ScenarioResult): string {
  const passes = Math.max(
    ...Object.values(result.outcomes)
      .filter(isMeasured)
      .map((each) => each.passes),
  );
  return passes === 1 ? "one pass" : `${passes} passes`;
}

function chapter({ title, text, scenarios, plots: names }: Chapter, results: Results): string {
  const drawn = charts(results);
  const own = Object.entries(results.scenarios).filter(([id]) =>
    scenarios.some((name) => id.startsWith(name)),
  );
  if (own.length === 0) return "";
  const pictures = (names ?? [])
    .filter((name) => drawn.has(name))
    .map((name) => `![${drawn.get(name)?.title}](performance/${name}.svg)`);
  const tables = own.map(
    ([id, result]) =>
      `### ${result.title}\n\n\`${id}\`, ${result.date}, ${result.commit}, ${passesOf(result)}\n\n${markdownTable(rows(result))}`,
  );
  return [`## ${title}`, text, ...pictures, ...tables].join("\n\n");
}

const MEANINGS = `| column | meaning |
|---|---|
| delivered/s | objects received, over all subscribers |
| server µs | processor time (user and system) of the server process per object delivered; publisher µs: per update sent; subscriber µs: per object received |
| game thread µs | time that a script's thread spends in its ticks per object received, or published; tick: time of each |
| bytes | IP bytes that an update costs on one hop, headers and acknowledgements included: all traffic of the cell's network namespace over updates sent plus objects delivered |
| age | from sending to the reader's callback; in a saturated run it says only how much was in flight |
| first | from subscribing (to a track that is being published already, or that begins then) to the first object, median, ms |
| worst gap | longest time between two objects of one subscriber |
| missed | numbers that a subscriber did not get: lost, replaced by newer, or dropped |
| server MiB | resident memory of the server process at the end |`;

const METHOD = `Every contender runs in processes of its own (server, publisher, subscribers), which speak the same lines on their
standard streams; they take turns in one run, and the medians of the passes are given. Each pass has a network namespace
to itself, with the loopback's MTU set to 1,500: what it carries is counted by the kernel, as packets would be on a
cable. A saturated publisher keeps a fixed number of updates in flight, counted by the subscribers and told over a local
socket beside the network, the same number for every contender of a scenario (@moq/net: one, with which it is fastest).
Every update carries its number and time on the clock that all processes share. Readers of ours look at that clock once for
what they are handed together. Processor time comes from the
scheduler's accounting of each process.

Nothing here is encrypted but QUIC: \`ws\`, uWebSockets.js and raw UDP run in the clear, everything of ours with TLS 1.3.
Rates vary by a tenth and more from run to run on a virtual machine; look at ratios within a table.`;

export function performancePage(results: Results): string {
  const list = goals(results);
  const met = list.filter((goal) => goal.met).length;
  const measured = list.filter((goal) => goal.measured !== undefined).length;
  const rowsOfGoals = list.map(({ id, what, target, measured: value, met: good }) => [
    id,
    what,
    target,
    value ?? "not measured",
    value === undefined ? "–" : good ? "yes" : "**no**",
  ]);
  return `${[
    "# Performance",
    `Generated by \`npm run bench\`; do not edit. Machine: ${results.machine}. Where the
time goes is in [profile.md](performance/profile.md); how far one relay reaches in [scaling.md](scaling.md); how old
poses at 60 Hz get by delivery class, without and with loss, in [poses.md](performance/poses.md) (\`npm run poses\`).

Contenders: ${results.versions.join(", ")}.`,
    `## Goals\n\n${met} of ${measured} measured are met.\n\n${markdownTable([["", "goal", "target", "measured", "met"], ...rowsOfGoals]).replace("---: | ---: | ---: | ---: |", "--- | --- | ---: | --- |")}`,
    `## How it is measured\n\n${METHOD}\n\n${MEANINGS}`,
    ...CHAPTERS.map((each) => chapter(each, results)),
    `## Run it\n\n\`npm run bench\` (up to 25 minutes on two cores, it says how long; \`-- --help\` lists the options, \`-- --only fan-out\`
runs a part), \`npm run bench -- --check\` compares with what is committed here. Bytes on the wire and loss need root on
Linux.`,
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}
