import { describe, expect, it } from "vitest";
import { cargoCounts, ctestCounts, noCounts, outcomesOf, sum, vitestCounts } from "./counts.mjs";

describe("cargoCounts", () => {
  it("adds up every test program, coloured or not", () => {
    const output = [
      "running 2 tests",
      "test result: \u001b[32mok\u001b[0m. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
      "test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out",
      "a line that quotes test result: ok. 9 passed; 9 failed; 9 ignored;",
    ].join("\n");
    expect(cargoCounts(output)).toEqual({ passed: 5, failed: 4, skipped: 1 });
  });

  it("counts nothing when the compiler stopped it", () => {
    expect(cargoCounts("error: could not compile `moqt`")).toEqual(noCounts());
  });
});

describe("outcomesOf", () => {
  it("reads the names that cargo test, ctest and GoogleTest print", () => {
    const output = [
      "test session::ids ... ok",
      "test session::broken ... FAILED",
      "test left_out ... ignored",
      " 1/90 Test  #1: T1_Burst.Arrives .........   Passed    0.05 sec",
      "12/90 Test #12: T2_GroupOrder.Stays ......***Failed    0.05 sec",
      "13/90 Test #13: T3_Datagrams.Up ..........***Timeout 120.00 sec",
      "[       OK ] T4_Limit.IsTold (5 ms)",
      "[  FAILED  ] T5_Cut.IsAGap (5 ms)",
      "[  PASSED  ] 1 test.",
    ].join("\n");
    expect(Object.fromEntries(outcomesOf(output))).toEqual({
      "session::ids": true,
      "session::broken": false,
      "T1_Burst.Arrives": true,
      "T2_GroupOrder.Stays": false,
      "T3_Datagrams.Up": false,
      "T4_Limit.IsTold": true,
      "T5_Cut.IsAGap": false,
    });
  });

  it("takes a name that failed once for failed", () => {
    const both = sum([
      { ...noCounts(), outcomes: new Map([["a", false]]) },
      { ...noCounts(), outcomes: new Map([["a", true]]) },
    ]);
    expect([...both.outcomes]).toEqual([["a", false]]);
  });
});

describe("ctestCounts", () => {
  it("reads the last total", () => {
    const output =
      "100% tests passed, 0 tests failed out of 3\n75% tests passed, 1 tests failed out of 4\n";
    expect(ctestCounts(output)).toEqual({ passed: 3, failed: 1, skipped: 0 });
  });

  it("counts nothing when there were no tests", () => {
    expect(ctestCounts("No tests were found!!!")).toEqual(noCounts());
  });
});

describe("vitestCounts", () => {
  it("reads the JSON report", () => {
    const report = { numPassedTests: 7, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 };
    expect(vitestCounts(JSON.stringify(report))).toEqual({ passed: 7, failed: 1, skipped: 3 });
  });

  it("counts nothing when the runner died before it wrote one", () => {
    expect(vitestCounts("")).toEqual(noCounts());
    expect(vitestCounts('{"numPassedTests":"many"}')).toEqual(noCounts());
  });
});

it("sums", () => {
  const one = { passed: 1, failed: 2, skipped: 3 };
  expect(sum([one, one])).toEqual({ passed: 2, failed: 4, skipped: 6 });
  expect(sum([])).toEqual(noCounts());
});
