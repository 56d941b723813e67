import { contender } from "../contenders/index.js";
import { isMeasured, type Measured, type ScenarioResult } from "../results.js";

interface Column {
  readonly head: string;
  readonly cell: (measured: Measured) => string;
  /** A column that only tables have in which somebody has this. */
  readonly only?: (measured: Measured) => unknown;
}

export function count(value: number | undefined): string {
  if (value === undefined) return "–";
  if (value >= 100_000) return `${Math.round(value / 1000)} k`;
  if (value >= 1_000) return `${(value / 1000).toFixed(1)} k`;
  return value >= 100 ? `${Math.round(value)}` : value.toFixed(value >= 10 ? 1 : 2);
}

/** µs as ms. */
const ms = (value: number): string => {
  if (value === 0) return "–";
  const number = value / 1000;
  return number >= 100 ? number.toFixed(0) : number.toFixed(number >= 10 ? 1 : 2);
};

const mebibytes = (value: number | undefined): string =>
  value === undefined ? "–" : (value / 2 ** 20).toFixed(0);

const COLUMNS: readonly Column[] = [
  { head: "delivered/s", cell: (each) => count(each.rate) },
  { head: "server µs", cell: (each) => count(each.serverCpu) },
  { head: "publisher µs", cell: (each) => count(each.publisherCpu) },
  { head: "subscriber µs", cell: (each) => count(each.subscriberCpu) },
  {
    head: "game thread µs",
    cell: (each) => count(each.gameThread),
    only: (each) => each.gameThread,
  },
  { head: "tick p50 ms", cell: (each) => ms(each.tick?.p50 ?? 0), only: (each) => each.tick },
  { head: "tick p99", cell: (each) => ms(each.tick?.p99 ?? 0), only: (each) => each.tick },
  { head: "bytes", cell: (each) => count(each.wireBytes) },
  { head: "age p50 ms", cell: (each) => ms(each.age.p50) },
  { head: "p99", cell: (each) => ms(each.age.p99) },
  { head: "first", cell: (each) => ms(each.first.p50) },
  { head: "worst gap", cell: (each) => ms(each.gap.max) },
  { head: "missed", cell: (each) => `${(each.missed * 100).toFixed(1)} %` },
  { head: "server MiB", cell: (each) => mebibytes(each.serverMemory) },
];

/** Head, and a row for each contender. */
export function rows(result: ScenarioResult): string[][] {
  const measured = Object.values(result.outcomes).filter(isMeasured);
  const columns = COLUMNS.filter(
    ({ only }) => only === undefined || measured.some((each) => only(each) !== undefined),
  );
  const head = ["contender", ...columns.map((column) => column.head)];
  const body = Object.entries(result.outcomes).map(([id, outcome]) => {
    const { label } = contender(id);
    if (!isMeasured(outcome)) return [label, `absent: ${outcome.absent}`];
    return [label, ...columns.map((column) => column.cell(outcome))];
  });
  return [head, ...body];
}

/** For a terminal. */
export function textTable(result: ScenarioResult): string {
  const lines = rows(result).map((line) => line.map((text) => text.replaceAll("`", "")));
  const whole = lines.filter((line) => line.length === lines[0]?.length);
  const widths = (lines[0] ?? []).map((_, at) =>
    Math.max(...whole.map((line) => line[at]?.length ?? 0), at === 0 ? 24 : 0),
  );
  return lines
    .map((line) =>
      line
        .map((text, at) => {
          const width = line.length < widths.length && at > 0 ? 0 : (widths[at] ?? 0);
          return at === 0 ? text.padEnd(width) : text.padStart(width);
        })
        .join("  "),
    )
    .join("\n");
}
