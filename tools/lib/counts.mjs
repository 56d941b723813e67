// How many tests ran: read from what each test runner reports.

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @returns {Counts} */
export function noCounts() {
  return { passed: 0, failed: 0, skipped: 0 };
}

/** @param {Counts[]} list @returns {Counts} */
export function sum(list) {
  const total = noCounts();
  for (const counts of list) for (const key of Object.keys(total)) total[key] += counts[key];
  return total;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes start with the escape character.
const COLOUR = /\u001b\[[0-9;]*m/g;

/** Adds up the "test result:" lines of `cargo test`: one for each test program and for each crate's documentation. */
export function cargoCounts(output) {
  const pattern = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm;
  const found = [...output.replace(COLOUR, "").matchAll(pattern)];
  return sum(
    found.map(([, passed, failed, skipped]) => ({
      passed: Number(passed),
      failed: Number(failed),
      skipped: Number(skipped),
    })),
  );
}

/** Reads the last "x% tests passed, y tests failed out of z" of ctest. */
export function ctestCounts(output) {
  const pattern = /^\d+% tests passed, (\d+) tests? failed out of (\d+)/gm;
  const last = [...output.replace(COLOUR, "").matchAll(pattern)].at(-1);
  if (!last) return noCounts();
  const [failed, total] = [Number(last[1]), Number(last[2])];
  return { passed: total - failed, failed, skipped: 0 };
}

/** Reads the report of Vitest's JSON reporter; a text that is no report counts nothing. */
export function vitestCounts(json) {
  let report;
  try {
    report = JSON.parse(json);
  } catch {
    return noCounts();
  }
  const number = (key) => (Number.isInteger(report[key]) ? report[key] : 0);
  return {
    passed: number("numPassedTests"),
    failed: number("numFailedTests"),
    skipped: number("numPendingTests") + number("numTodoTests"),
  };
}
