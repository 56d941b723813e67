import { expect, it } from "vitest";
import { HELP, parse, UsageError } from "./options.js";

it("reads what the help says", () => {
  const options = parse(["--only", "fan-out", "--passes", "2", "--seconds", "0.5", "--check"]);
  expect(options).toMatchObject({ only: ["fan-out"], passes: 2, seconds: 0.5, check: true });
  for (const name of [
    "only",
    "contender",
    "passes",
    "seconds",
    "quick",
    "check",
    "json",
    "page",
    "list",
  ]) {
    expect(HELP).toContain(`--${name}`);
  }
});

it("says what is wrong, and what there is", () => {
  expect(() => parse(["--only", "racing"])).toThrow(
    /no scenario begins with "racing".*one-way-100/,
  );
  expect(() => parse(["--passes", "none"])).toThrow(/--passes takes a number/);
  expect(() => parse(["--fast"])).toThrow(UsageError);
});
