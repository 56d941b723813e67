/** What got worse since the committed results: ratios to the scenario's baseline, which the machine matters less to. */
import { isMeasured, type Measured, type Results, type ScenarioResult } from "../results.js";

interface Metric {
  readonly name: string;
  /** How much worse is more than noise. */
  readonly tolerance: number;
  readonly higherIsBetter: boolean;
  readonly value: (measured: Measured) => number | undefined;
  /** Meaningful without a baseline, on any machine. */
  readonly absolute?: boolean;
  readonly only?: (result: ScenarioResult) => boolean;
}

const METRICS: readonly Metric[] = [
  {
    name: "delivered/s",
    tolerance: 0.3,
    higherIsBetter: true,
    value: (each) => each.rate,
  },
  { name: "server CPU", tolerance: 0.25, higherIsBetter: false, value: (each) => each.serverCpu },
  {
    name: "subscriber CPU",
    tolerance: 0.25,
    higherIsBetter: false,
    value: (each) => each.subscriberCpu,
  },
  {
    name: "game thread",
    tolerance: 0.25,
    higherIsBetter: false,
    value: (each) => each.gameThread,
  },
  {
    name: "bytes on the wire",
    tolerance: 0.15,
    higherIsBetter: false,
    absolute: true,
    value: (each) => each.wireBytes,
  },
  {
    name: "p99 age",
    tolerance: 0.6,
    higherIsBetter: false,
    value: (each) => each.age.p99,
    // In a saturated run it only says how large the window is.
    only: (result) => result.load.rate > 0 && result.loss > 0,
  },
];

export interface Finding {
  readonly scenario: string;
  readonly contender: string;
  readonly metric: string;
  readonly before: number;
  readonly now: number;
  /** Share by which it got worse. */
  readonly worse: number;
}

/** Contenders that are not ours change for reasons of their own. */
function isOurs(id: string): boolean {
  return (
    /^(node|rust|page|arena|mocap|attacked|puerts)-/.test(id) &&
    !/-ws$|^puerts-callback|-naive$/.test(id)
  );
}

function relative(result: ScenarioResult, id: string, metric: Metric): number | undefined {
  const [own, base] = [result.outcomes[id], result.outcomes[result.baseline]];
  if (!isMeasured(own)) return undefined;
  const value = metric.value(own);
  if (metric.absolute === true) return value;
  const other = isMeasured(base) ? metric.value(base) : undefined;
  return value === undefined || other === undefined || other === 0 ? undefined : value / other;
}

/** What is worse in `now` than in `before`, the worst first. */
export function compareResults(before: Results, now: Results): Finding[] {
  const findings: Finding[] = [];
  for (const [scenario, result] of Object.entries(now.scenarios)) {
    const committed = before.scenarios[scenario];
    if (committed === undefined) continue;
    for (const contender of Object.keys(result.outcomes).filter(isOurs)) {
      for (const metric of METRICS.filter((each) => each.only?.(result) ?? true)) {
        const [was, is] = [committed, result].map((each) => relative(each, contender, metric));
        if (was === undefined || is === undefined || was <= 0 || is <= 0) continue;
        const worse = metric.higherIsBetter ? was / is - 1 : is / was - 1;
        if (worse > metric.tolerance) {
          findings.push({ scenario, contender, metric: metric.name, before: was, now: is, worse });
        }
      }
    }
  }
  return findings.sort((a, b) => b.worse - a.worse);
}

export function describe(finding: Finding): string {
  const { scenario, contender, metric, before, now, worse } = finding;
  const percent = `${(worse * 100).toFixed(0)} %`;
  return `${scenario}: ${contender}, ${metric}: ${before.toPrecision(3)} → ${now.toPrecision(3)}, ${percent} worse`;
}
