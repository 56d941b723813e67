// How many tests ran: read from what each test runner reports.

/**
 * @typedef {{ passed: number, failed: number, skipped: number, outcomes?: Map<string, boolean> }} Counts
 * `outcomes`: whether each test that was named in the output passed.
 */

/** @returns {Counts} */
export function noCounts() {
  return { passed: 0, failed: 0, skipped: 0 };
}

/** @param {Counts[]} list @returns {Counts} */
export function sum(list) {
  const total = noCounts();
  for (const key of Object.keys(total)) for (const counts of list) total[key] += counts[key];
  const outcomes = list.flatMap((counts) => [...(counts.outcomes ?? [])]);
  if (outcomes.length > 0) total.outcomes = merged(outcomes);
  return total;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes start with the escape character.
const COLOUR = /\u001b\[[0-9;]*m/g;

/** One failure of a name counts, however often it passed. */
function merged(outcomes) {
  const all = new Map();
  for (const [name, ok] of outcomes) all.set(name, ok && all.get(name) !== false);
  return all;
}

const OUTCOMES = [
  // cargo test: "test name ... ok"
  [/^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED)$/gm, "ok"],
  // ctest: " 1/90 Test  #1: Suite.Name ....   Passed    0.01 sec"
  [/^ *\d+\/\d+ Test +#\d+: (\S+) \.* *(Passed|\*\*\*\w+)/gm, "Passed"],
  // GoogleTest: "[       OK ] Suite.Name (5 ms)"
  [/^\[ +(OK|FAILED) +\] (\w+\.\w+)/gm, "OK"],
];

/** The names of the tests in an output of cargo test, ctest or GoogleTest, and whether they passed. */
export function outcomesOf(output) {
  const plain = output.replace(COLOUR, "");
  const found = OUTCOMES.flatMap(([pattern, good]) =>
    [...plain.matchAll(pattern)].map(([, a, b]) =>
      good === "OK" ? [b, a === good] : [a, b === good],
    ),
  );
  return merged(found);
}

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

/** Reads the totals of a GoogleTest program. */
export function gtestCounts(output) {
  const number = (pattern) => Number(pattern.exec(output)?.[1] ?? 0);
  return {
    ...noCounts(),
    passed: number(/\[ {2}PASSED {2}\] (\d+) test/),
    failed: number(/(\d+) FAILED TEST/),
  };
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
