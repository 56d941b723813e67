import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { LaneStats } from "./lane.js";
import type { Impairment, ImpairOptions, Step } from "./options.js";
import { type ImpairStats, startImpair } from "./proxy.js";

/** What `moq-game impair --help` prints. */
export const IMPAIR_HELP = `moq-game impair: a bad network on one machine (a seeded UDP proxy)

Usage: moq-game impair --target HOST:PORT [OPTIONS]    then connect to the address it prints

  --target HOST:PORT   the relay, for example 127.0.0.1:4443
  --listen HOST:PORT   where clients connect instead [default: 127.0.0.1:0, any free port]
  --seed N             the same seed, script and packets give the same fates [default: drawn]

Impairments, both directions
  --delay MS           one-way delay
  --jitter MS          up to this much more for each packet; packets overtake each other
  --keep-order         jitter without overtaking
  --loss SHARE         3% or 0.03
  --reorder SHARE      packets held back by --reorder-delay MS [default: 10]
  --duplicate SHARE    packets delivered twice
  --rate RATE          64kbit, 2mbit, 250kB … a second, for each client
  --queue BYTES        what may wait for the rate, 64k … [default: 64k]
One direction: --up NAME=VALUE, --down NAME=VALUE with the names above; may be repeated

Times
  --outage AT+LENGTH   nothing passes for LENGTH from AT: 5s+3s; may be repeated
  --rebind AT          clients show another port from then on; may be repeated
  --script FILE        JSON: [{"at": 1000, "both": {"loss": 0.05}}, {"at": 5000, "outage": 3000}]
  --seconds N          ends by itself

  --json               statistics at the end as JSON
  -h, --help           this text
`;

/** A wrong command line. */
export class ImpairUsageError extends Error {}

const TEXT = { type: "string" } as const;
const LIST = { type: "string", multiple: true } as const;
const FLAG = { type: "boolean" } as const;
const OPTIONS = {
  target: TEXT,
  listen: TEXT,
  seed: TEXT,
  delay: TEXT,
  jitter: TEXT,
  "keep-order": FLAG,
  loss: TEXT,
  reorder: TEXT,
  "reorder-delay": TEXT,
  duplicate: TEXT,
  rate: TEXT,
  queue: TEXT,
  up: LIST,
  down: LIST,
  outage: LIST,
  rebind: LIST,
  script: TEXT,
  seconds: TEXT,
  json: FLAG,
  help: { type: "boolean", short: "h" },
} as const;

/** Flags of one value each, and what they set. */
const IMPAIRMENTS = {
  delay: ["delay", time],
  jitter: ["jitter", time],
  loss: ["loss", share],
  reorder: ["reorder", share],
  "reorder-delay": ["reorderDelay", time],
  duplicate: ["duplicate", share],
  rate: ["rate", rate],
  queue: ["queue", bytes],
} as const;

type ImpairmentFlag = keyof typeof IMPAIRMENTS;

/** What a command line asks for. */
export interface ImpairCommand {
  readonly help: boolean;
  readonly options: ImpairOptions;
  /** In ms; undefined: until a signal. */
  readonly duration: number | undefined;
  readonly json: boolean;
}

/** Reads the arguments behind `moq-game impair`. Throws {@link ImpairUsageError}. */
export function parseImpair(args: string[]): ImpairCommand {
  let flags: ReturnType<typeof parseFlags>;
  try {
    flags = parseFlags(args);
  } catch (error) {
    throw new ImpairUsageError(error instanceof Error ? error.message : String(error));
  }
  if (flags.help) return { help: true, options: { target: "" }, duration: undefined, json: false };
  if (flags.target === undefined) {
    throw new ImpairUsageError("--target is missing: the relay's address, --target 127.0.0.1:4443");
  }
  const both: { -readonly [K in keyof Impairment]: Impairment[K] } = {};
  for (const flag of Object.keys(IMPAIRMENTS) as ImpairmentFlag[]) {
    const text = flags[flag];
    if (text !== undefined) set(both, flag, text);
  }
  if (flags["keep-order"]) both.keepOrder = true;
  const options: ImpairOptions = {
    target: flags.target,
    ...(flags.listen === undefined ? {} : { listen: flags.listen }),
    ...(flags.seed === undefined ? {} : { seed: number("--seed", flags.seed) }),
    both,
    up: direction("--up", flags.up),
    down: direction("--down", flags.down),
    script: [...script(flags.script), ...outages(flags.outage), ...rebinds(flags.rebind)],
  };
  const seconds = flags.seconds === undefined ? undefined : number("--seconds", flags.seconds);
  return {
    help: false,
    options,
    duration: seconds === undefined ? undefined : seconds * 1_000,
    json: flags.json === true,
  };
}

/** Runs `moq-game impair`; resolves when it is over. `signalled` resolves on the first signal. */
export async function runImpair(args: string[], signalled: () => Promise<void>): Promise<void> {
  const command = parseImpair(args);
  if (command.help) {
    process.stdout.write(IMPAIR_HELP);
    return;
  }
  let proxy: Awaited<ReturnType<typeof startImpair>>;
  try {
    proxy = await startImpair(command.options);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new ImpairUsageError(error.message);
    }
    const code = (error as { code?: string }).code;
    if (code === "EADDRINUSE") {
      const port = `${command.options.listen} is in use: choose another with --listen`;
      throw new ImpairUsageError(port);
    }
    throw error;
  }
  const say = command.json ? process.stderr : process.stdout;
  say.write(
    `moq-game impair is ready\n  connect to   ${proxy.host}:${proxy.port}\n` +
      `  target       ${command.options.target}\n  seed         ${proxy.seed}\n`,
  );
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    if (command.duration !== undefined) timer = setTimeout(resolve, command.duration);
  });
  await Promise.race([signalled(), over]);
  clearTimeout(timer);
  const stats = proxy.stats();
  await proxy.close();
  if (command.json) {
    process.stdout.write(`${JSON.stringify({ seed: proxy.seed, ...stats })}\n`);
  } else process.stdout.write(describe(stats));
}

function parseFlags(args: string[]) {
  return parseArgs({ args, options: OPTIONS }).values;
}

function set(
  into: { -readonly [K in keyof Impairment]: Impairment[K] },
  flag: ImpairmentFlag,
  text: string,
): void {
  const [name, read] = IMPAIRMENTS[flag];
  into[name] = read(`--${flag}`, text);
}

function direction(flag: string, settings: readonly string[] | undefined): Impairment {
  const into: { -readonly [K in keyof Impairment]: Impairment[K] } = {};
  for (const setting of settings ?? []) {
    const [name = "", value] = setting.split("=", 2);
    if (name === "keep-order" && value === undefined) into.keepOrder = true;
    else if (value === undefined || !Object.hasOwn(IMPAIRMENTS, name)) {
      const names = Object.keys(IMPAIRMENTS).join(", ");
      throw new ImpairUsageError(`${flag} takes NAME=VALUE with ${names}; not "${setting}"`);
    } else set(into, name as ImpairmentFlag, value);
  }
  return into;
}

function script(file: string | undefined): readonly Step[] {
  if (file === undefined) return [];
  let steps: unknown;
  try {
    steps = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ImpairUsageError(`--script ${file}: ${(error as Error).message}`);
  }
  if (!Array.isArray(steps) || steps.some((step) => typeof step !== "object" || step === null)) {
    throw new ImpairUsageError(
      `--script ${file}: a list of steps such as {"at": 1000, "outage": 3000}`,
    );
  }
  const known = ["at", "both", "up", "down", "outage", "rebind"];
  for (const name of steps.flatMap((step: object) => Object.keys(step))) {
    if (!known.includes(name)) {
      throw new ImpairUsageError(`--script ${file}: a step has ${known.join(", ")}; not "${name}"`);
    }
  }
  return steps as Step[];
}

function outages(texts: readonly string[] | undefined): Step[] {
  return (texts ?? []).map((text) => {
    const [at, length] = text.split("+", 2);
    if (at === undefined || length === undefined) {
      throw new ImpairUsageError(`--outage takes AT+LENGTH, for example 5s+3s; not "${text}"`);
    }
    return { at: time("--outage", at), outage: time("--outage", length) };
  });
}

function rebinds(texts: readonly string[] | undefined): Step[] {
  return (texts ?? []).map((text) => ({ at: time("--rebind", text), rebind: true }));
}

function number(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0) || value === Infinity) {
    throw new ImpairUsageError(`${flag} takes a number from 0, not "${text}"`);
  }
  return value;
}

/** `40`, `40ms` or `1.5s` in ms. */
function time(flag: string, text: string): number {
  const match = /^([\d.]+)(ms|s)?$/.exec(text);
  if (match === null) throw new ImpairUsageError(`${flag} takes a time, 40ms or 3s; not "${text}"`);
  return number(flag, match[1] ?? "") * (match[2] === "s" ? 1_000 : 1);
}

function share(flag: string, text: string): number {
  const percent = text.endsWith("%");
  const value = number(flag, percent ? text.slice(0, -1) : text) / (percent ? 100 : 1);
  if (value > 1) {
    throw new ImpairUsageError(`${flag} takes a share, 3% or 0.03; "${text}" is above everything`);
  }
  return value;
}

/** `2mbit`, `64kbit`, `250kB`, `1MB` or plain bytes; a second. */
function rate(flag: string, text: string): number {
  const match = /^([\d.]+)(k|m|g)?(bit|B)?$/i.exec(text);
  if (match === null) throw new ImpairUsageError(`${flag} takes 2mbit or 250kB; not "${text}"`);
  const scale = { k: 1e3, m: 1e6, g: 1e9 }[(match[2] ?? "").toLowerCase()] ?? 1;
  return (number(flag, match[1] ?? "") * scale) / (match[3]?.toLowerCase() === "bit" ? 8 : 1);
}

function bytes(flag: string, text: string): number {
  const match = /^([\d.]+)(k|m)?$/i.exec(text);
  if (match === null)
    throw new ImpairUsageError(`${flag} takes bytes, 65536 or 64k; not "${text}"`);
  const scale = { k: 1024, m: 1024 * 1024 }[(match[2] ?? "").toLowerCase()] ?? 1;
  return number(flag, match[1] ?? "") * scale;
}

function describe(stats: ImpairStats): string {
  const lines = (["up", "down"] as const).map((name) => {
    const s: LaneStats = stats[name];
    return (
      `  ${name.padEnd(5)} ${s.packetsIn} packets in, ${s.packetsOut} out (${s.bytesOut} bytes); ` +
      `lost ${s.lost}, in outages ${s.outage}, queue full ${s.overflow}, ` +
      `held back ${s.reordered}, twice ${s.duplicated}; longest queue ${s.maxQueuedBytes} bytes\n`
    );
  });
  return `statistics\n${lines.join("")}  flows ${stats.flows}, refused packets ${stats.refused}, rebinds ${stats.rebinds}\n`;
}
