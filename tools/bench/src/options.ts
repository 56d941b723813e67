import { parseArgs } from "node:util";
import { SCENARIOS } from "./scenarios.js";

export const HELP = `npm run bench -- [OPTIONS]: this library beside others, each in processes of its own, in turns

  --only NAME        scenarios whose name begins so (fan-out, one-way-100 …); may be repeated
  --contender NAME   contenders whose name begins so (node-, ws …); may be repeated
  --passes N         rounds in which every contender has its turn; medians are kept [default: by scenario]
  --seconds N        measured in each turn [default: by scenario]
  --quick            one short pass of everything: does it work at all? Writes nothing
  --check            compares ratios with the committed ones, says what got worse; writes nothing
  --json FILE        results go there instead of docs/performance/results.json, and no page is written
  --page             runs nothing, writes the page again from the results
  --list             the scenarios
  -h, --help         this text

Results of scenarios that did not run are kept. docs/performance.md and its plots are written from all of them.
`;

export interface Options {
  readonly only: readonly string[];
  readonly contenders: readonly string[];
  readonly passes: number | undefined;
  readonly seconds: number | undefined;
  readonly quick: boolean;
  readonly check: boolean;
  readonly json: string | undefined;
  readonly page: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

/** A wrong command line. */
export class UsageError extends Error {}

const LIST = { type: "string", multiple: true } as const;
const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean" } as const;

function number(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0) || value > most) {
    throw new UsageError(`--${name} takes a number above 0 and up to ${most}, not "${text}"`);
  }
  return value;
}

export function parse(args: readonly string[]): Options {
  let values: ReturnType<typeof read>;
  try {
    values = read(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  for (const name of values.only ?? []) {
    if (!SCENARIOS.some(({ id }) => id.startsWith(name))) {
      const names = SCENARIOS.map(({ id }) => id).join(", ");
      throw new UsageError(`no scenario begins with "${name}"; there are ${names}`);
    }
  }
  const passes = number("passes", values.passes, 100);
  return {
    only: values.only ?? [],
    contenders: values.contender ?? [],
    passes: passes === undefined ? undefined : Math.ceil(passes),
    seconds: number("seconds", values.seconds, 600),
    quick: values.quick ?? false,
    check: values.check ?? false,
    json: values.json,
    page: values.page ?? false,
    list: values.list ?? false,
    help: values.help ?? false,
  };
}

function read(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      only: LIST,
      contender: LIST,
      passes: TEXT,
      seconds: TEXT,
      quick: FLAG,
      check: FLAG,
      json: TEXT,
      page: FLAG,
      list: FLAG,
      help: { ...FLAG, short: "h" },
    },
  }).values;
}
