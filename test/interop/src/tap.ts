/** One line of a TAP 14 report. */
export interface TapResult {
  readonly number: number;
  readonly name: string;
  readonly ok: boolean;
  /** What the diagnostic block says under `message`. */
  readonly message: string | undefined;
}

/** The results of a TAP 14 report. Throws when the plan is missing or not kept, or the peer bailed out. */
export function parseTap(report: string): TapResult[] {
  const bail = /^Bail out!.*$/m.exec(report);
  if (bail !== null) throw new Error(bail[0]);
  const results: { number: number; name: string; ok: boolean; message: string | undefined }[] = [];
  let planned: number | undefined;
  for (const line of report.split("\n")) {
    const plan = /^1\.\.(\d+)/.exec(line);
    if (plan !== null) planned = Number(plan[1]);
    const point = /^(not )?ok (\d+)(?: -)? (.*)$/.exec(line);
    if (point !== null) {
      results.push({
        number: Number(point[2]),
        name: (point[3] ?? "").replace(/ *#.*$/, "").trim(),
        // A skipped or unfinished case has not passed.
        ok: point[1] === undefined && !/# *(skip|todo)/i.test(point[3] ?? ""),
        message: undefined,
      });
    }
    const message = /^\s+message: (.*)$/.exec(line);
    const last = results[results.length - 1];
    if (message !== null && last !== undefined) last.message = message[1];
  }
  if (planned === undefined) throw new Error("the TAP report has no plan");
  if (planned !== results.length) {
    throw new Error(`the TAP report promises ${planned} results and has ${results.length}`);
  }
  return results;
}
