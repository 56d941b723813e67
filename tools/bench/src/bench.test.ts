/** That the benchmark works: every contender delivers what it should. Nothing here looks at a time. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { isMeasured, type Results } from "./results.js";
import { SCENARIOS } from "./scenarios.js";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** Those that pass nothing over and keep the order, whatever is lost on the way. */
const COMPLETE =
  /^(ws|uws|node-reliable|node-groups|rust-reliable|page-ws|page-reliable|arena-ws|mocap-ws|puerts-reliable|puerts-callback-reliable)/;

/** Packages and programs of others, which may not be there; ours must be. */
const OPTIONAL = /^(uws|web-transport|moq-net|moq-relay)/;

let results: Results;
let output: string;

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), "moq-bench-test-"));
  try {
    const file = join(folder, "results.json");
    const run = spawnSync(process.execPath, [main, "--quick", "--json", file], {
      encoding: "utf8",
      timeout: 290_000,
    });
    output = `${run.stdout}${run.stderr}`;
    expect(run.status, output).toBe(0);
    results = JSON.parse(readFileSync(file, "utf8")) as Results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 300_000);

describe("npm run bench -- --quick", () => {
  it("runs every scenario, or says what hinders it", () => {
    for (const { id } of SCENARIOS.filter((scenario) => scenario.quick)) {
      if (results.scenarios[id] === undefined) expect(output).toContain(`${id} is left out: `);
    }
    expect(Object.keys(results.scenarios)).toContain("fan-out-50-100");
  });

  it("has every contender deliver", () => {
    for (const [scenario, { outcomes }] of Object.entries(results.scenarios)) {
      for (const [contender, outcome] of Object.entries(outcomes)) {
        const what = `${contender} in ${scenario}`;
        if (!isMeasured(outcome)) {
          expect(contender, `${what}: ${outcome.absent}`).toMatch(OPTIONAL);
          expect(outcome.absent, what).not.toMatch(/^failed/);
          console.log(`left out: ${what}: ${outcome.absent}`);
          continue;
        }
        expect(outcome.rate, what).toBeGreaterThan(0);
        if (!COMPLETE.test(contender)) continue;
        expect(outcome.missed, `missed by ${what}`).toBe(0);
        expect(outcome.outOfOrder, `out of order with ${what}`).toBe(0);
      }
    }
  });
});
