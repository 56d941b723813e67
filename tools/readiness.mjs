// npm run readiness: what the native library claims, the tests that prove it, and how they ended; writes the page.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAll } from "./build.mjs";
import { format } from "./format.mjs";
import { cpp, lint, longAttacks, sdkArchive, soak } from "./lib/checks.mjs";
import { coverage } from "./lib/coverage.mjs";
import { deny } from "./lib/deny.mjs";
import { fuzzRust } from "./lib/fuzz.mjs";
import { dim, green, red, say } from "./lib/log.mjs";
import { root } from "./lib/paths.mjs";
import { judge, readinessPage } from "./lib/readiness-page.mjs";
import { vitest } from "./lib/runners.mjs";
import { asanAbi, miri, panics, tsan, valgrindAbi } from "./lib/sanitizers.mjs";
import { crossArchives } from "./lib/sdk/cross-test.mjs";
import { main, setUp } from "./lib/setup.mjs";
import { filesUnder, hashOf } from "./lib/stamp.mjs";
import { chooseSteps, runSteps, withBuild } from "./lib/steps.mjs";

export const CLAIMS = join(root, "docs", "readiness.json");
const PAGE = join(root, "docs", "readiness.md");
const KEPT = join(root, "node_modules", ".cache", "moq-game", "readiness.json");

const tests = true;
const build = true;
const optional = true;
export const steps = [
  { name: "format", about: "formatting", run: format },
  { name: "lint", about: "linters", run: lint },
  {
    name: "documents",
    about: "what documents promise to tell, and workflows to run",
    tests,
    run: vitest(["tools"], undefined, ["documents", "workflows"]),
  },
  { name: "cpp", about: "users of the C ABI as it ships", tests, build, run: cpp },
  { name: "panics", about: "a panic at every border", tests, build, run: panics },
  { name: "sdk", about: "the archive of this machine", tests, build, run: sdkArchive },
  { name: "deny", about: "dependencies", tests, optional, run: deny },
  { name: "hostile", about: "attacks on a relay", tests, run: longAttacks(3) },
  { name: "soak", about: "a match that goes on", tests, build, run: soak(60) },
  { name: "fuzz-rust", about: "decoders", tests, run: (env) => fuzzRust(env, 5) },
  { name: "miri", about: "the interpreter", tests, optional, run: miri },
  {
    name: "asan-abi",
    about: "address, leak and UB sanitizers",
    tests,
    build,
    optional,
    run: asanAbi,
  },
  { name: "valgrind", about: "errors and leaks", tests, build, optional, run: valgrindAbi },
  { name: "tsan", about: "races", tests, build, optional, run: tsan },
  { name: "coverage", about: "lines that tests run", tests, build, optional, run: coverage },
  {
    name: "cross",
    about: "the SDK for other platforms",
    onRequest: true,
    tests,
    optional,
    run: crossArchives,
  },
];
const buildStep = { name: "build", about: "native library, addon, packages", run: buildAll };

const HELP = `npm run readiness [-- STEP … --resume --stop]

Runs the steps that prove what docs/readiness.json claims, all of them though one fails, prints a table of claims and
results, and after a run of all steps writes docs/readiness.md. A claim without a passing test shows as open.

  --resume   steps that passed with these sources before are not run again
  --stop     stops at the first failure

Steps: ${steps.map((step) => step.name).join(", ")}. About 25 minutes on two cores.
cross runs only when it is named (20 minutes); the page is written without it too. Its result is on the page when it ran
before with the same sources and --resume is given: "npm run readiness -- cross", then "npm run readiness -- --resume".
`;

/** What a result depends on. */
function sources() {
  return hashOf(filesUnder(["native", "tools", "package.json"].map((name) => join(root, name))), [
    process.version,
    process.platform,
  ]);
}

function readKept(hash) {
  const kept = existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, "utf8")) : {};
  return kept.hash === hash ? kept.results : {};
}

/** The part of a step's result that the table needs, as JSON holds it. */
function plain({ ok, counts, reason }) {
  const { passed, failed, skipped, outcomes, facts, why } = counts;
  return { ok, passed, failed, skipped, reason, why, facts, outcomes: [...(outcomes ?? [])] };
}

function print(areas) {
  for (const { area, claims } of areas) {
    say(`\n${area}`);
    for (const { id, claim, state, notes, open } of claims) {
      const mark = { proved: green("proved"), open: dim("open  "), failed: red("FAILED") }[state];
      say(`  ${mark}  ${(id ?? "").padEnd(4)}${claim}`);
      for (const note of open ? [open] : notes) say(dim(`              ${note}`));
    }
  }
}

async function readiness() {
  const args = process.argv.slice(2);
  const take = (flag) => {
    const at = args.indexOf(flag);
    if (at >= 0) args.splice(at, 1);
    return at >= 0;
  };
  const resume = take("--resume");
  const stop = take("--stop");
  const options = chooseSteps(steps, args);
  if (options.help) return say(HELP);
  const env = await setUp();
  const hash = sources();
  const results = resume ? readKept(hash) : {};
  const isDone = (step) => results[step.name]?.ok === true && results[step.name].skipped === 0;
  const chosen = withBuild(
    options.chosen.filter((step) => !isDone(step)),
    buildStep,
  );
  const keep = ({ step, ...result }) => {
    if (step === buildStep) return;
    results[step.name] = plain(result);
    mkdirSync(dirname(KEPT), { recursive: true });
    writeFileSync(KEPT, JSON.stringify({ hash, results }));
  };
  await runSteps(chosen, env, { keepGoing: !stop, after: keep });
  const areas = judge(JSON.parse(readFileSync(CLAIMS, "utf8")), results);
  print(areas);
  const all = steps.every((step) => step.onRequest || results[step.name] !== undefined);
  if (all) {
    writeFileSync(PAGE, readinessPage(areas, results));
    say(`\nwrote ${PAGE}`);
  } else say("\nNot all steps have run: docs/readiness.md stays as it is.");
  const failed = areas.some(({ claims }) => claims.some(({ state }) => state === "failed"));
  if (failed || Object.values(results).some((result) => !result.ok)) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(readiness);
