import { expect, test } from "vitest";
import { parseTap } from "./tap.js";

test("results, messages and skipped cases", () => {
  const report = [
    "TAP version 14",
    "# a remark",
    "1..3",
    "ok 1 - setup-only",
    "  ---",
    "  duration_ms: 4",
    "  ...",
    "not ok 2 - subscribe-error",
    "  ---",
    '  message: "test timed out"',
    "  ...",
    "ok 3 - forward-zero # SKIP no relay",
  ].join("\n");
  expect(parseTap(report)).toEqual([
    { number: 1, name: "setup-only", ok: true, message: undefined },
    { number: 2, name: "subscribe-error", ok: false, message: '"test timed out"' },
    { number: 3, name: "forward-zero", ok: false, message: undefined },
  ]);
});

test("a report that ends early is no report", () => {
  expect(() => parseTap("TAP version 14\n1..2\nok 1 - a\n")).toThrow(
    "promises 2 results and has 1",
  );
  expect(() => parseTap("ok 1 - a\n")).toThrow("no plan");
  expect(() => parseTap("1..1\nBail out! no relay\n")).toThrow("no relay");
});
