import { afterEach, describe, expect, it, vi } from "vitest";
import { chooseSteps, runSteps, StepError, summarize, withBuild } from "./steps.mjs";

const counts = (passed, failed = 0) => ({ passed, failed, skipped: 0 });
const step = (name, run, more = {}) => ({ name, about: name, run, ...more });
const tests = (name, result) => step(name, async () => result, { tests: true });

let printed = "";
vi.spyOn(process.stdout, "write").mockImplementation((text) => {
  printed += text;
  return true;
});
afterEach(() => {
  printed = "";
});

describe("chooseSteps", () => {
  const steps = [step("a"), step("b"), step("c")];

  it("takes all without names, and keeps their order with names", () => {
    expect(chooseSteps(steps, []).chosen).toEqual(steps);
    const { chosen, keepGoing } = chooseSteps(steps, ["c", "a", "--keep-going"]);
    expect(chosen.map((one) => one.name)).toEqual(["a", "c"]);
    expect(keepGoing).toBe(true);
  });

  it("leaves out what runs on request only, unless it is named or all are wanted", () => {
    const slow = [...steps, step("slow", undefined, { onRequest: true })];
    const names = (...args) => chooseSteps(slow, args).chosen.map((one) => one.name);
    expect(names()).toEqual(["a", "b", "c"]);
    expect(names("slow", "b")).toEqual(["b", "slow"]);
    expect(names("--all")).toEqual(["a", "b", "c", "slow"]);
  });

  it("refuses what it does not know, naming what it does", () => {
    expect(() => chooseSteps(steps, ["d"])).toThrow(/unknown step "d"\. Steps: a, b, c/);
  });
});

it("builds once, just before the first step that needs it", () => {
  const steps = [step("a"), step("b", undefined, { build: true }), step("c")];
  const names = withBuild(steps, step("build")).map((one) => one.name);
  expect(names).toEqual(["a", "build", "b", "c"]);
  expect(withBuild([steps[0]], step("build"))).toEqual([steps[0]]);
});

describe("runSteps and summarize", () => {
  it("adds up over all runners", async () => {
    const steps = [
      step("check", async () => undefined),
      tests("x", counts(2)),
      tests("y", counts(3)),
    ];
    const results = await runSteps(steps, {});
    expect(summarize(steps, results)).toBe(true);
    expect(printed).toMatch(/\n5 passed, 0 failed\n$/);
  });

  it("fails a runner that ran nothing", async () => {
    const steps = [tests("empty", counts(0))];
    expect(summarize(steps, await runSteps(steps, {}))).toBe(false);
    expect(printed).toMatch(/ran no test at all/);
    expect(printed).toMatch(/\n0 passed, 1 failed\n$/);
  });

  it("stops at the first failure, and goes on when told to", async () => {
    const steps = [tests("bad", counts(4, 1)), tests("good", counts(2))];
    const stopped = await runSteps(steps, {});
    expect(stopped).toHaveLength(1);
    expect(summarize(steps, stopped)).toBe(false);
    expect(printed).toMatch(/good +not run/);

    printed = "";
    expect(summarize(steps, await runSteps(steps, {}, { keepGoing: true }))).toBe(false);
    expect(printed).toMatch(/\n6 passed, 1 failed\n$/);
  });

  it("stops for good when the build fails", async () => {
    const broken = step("build", async () => {
      throw new Error("no compiler");
    });
    const results = await runSteps([broken, tests("x", counts(1))], {}, { keepGoing: true });
    expect(results.map((result) => result.ok)).toEqual([false]);
  });

  it("keeps the counts of a runner that failed, and counts one that broke down", async () => {
    const failing = step(
      "failing",
      async () => {
        throw new StepError("vitest: 2 failed", counts(5, 2));
      },
      { tests: true },
    );
    const broken = step(
      "broken",
      async () => {
        throw new StepError("cargo test: exit code 101", counts(0));
      },
      { tests: true },
    );
    const results = await runSteps([failing, broken], {}, { keepGoing: true });
    expect(results.map((result) => result.counts)).toEqual([counts(5, 2), counts(0, 1)]);
  });
});
