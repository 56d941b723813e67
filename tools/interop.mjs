// npm run test:interop: other people's implementations, installed and asked; the outcome is docs/interop.md.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAll } from "./build.mjs";
import { ensureChromium } from "./chromium.mjs";
import { vitestCounts } from "./lib/counts.mjs";
import { differences, interopPage } from "./lib/interop-page.mjs";
import { green, red, say, seconds } from "./lib/log.mjs";
import { bin, root } from "./lib/paths.mjs";
import { ensurePeers, PEERS } from "./lib/peers.mjs";
import { run } from "./lib/run.mjs";
import { main, SetupError, setUp } from "./lib/setup.mjs";

const LIMIT_MS = 20 * 60_000;
const PAGE = join(root, "docs", "interop.md");

function help() {
  say("npm run test:interop\n");
  say(
    "Builds what changed, installs other people's relays and test client at pinned versions (a quarter of an",
  );
  say(
    "hour once, on two cores; kept in the cache), plays our relay and our clients against them and writes",
  );
  say("docs/interop.md. With CI set, the page is compared and not written.");
  say("Fails when an implementation does more or less than test/interop/src/expectations.ts says.");
}

/** The peer that comes as an npm package: a dependency of the tests. */
function moqNet() {
  const manifest = JSON.parse(readFileSync(join(root, "test", "interop", "package.json"), "utf8"));
  const version = manifest.devDependencies["@moq/net"];
  return { crate: "@moq/net", version, about: "the TypeScript client of moq-dev, run in Chromium" };
}

/** Writes the page, or with CI set compares it. Whether it is as it should be. */
function settlePage(results, env) {
  const page = interopPage(results, [...PEERS, moqNet()], new Date());
  const before = existsSync(PAGE) ? readFileSync(PAGE, "utf8") : "";
  const changed = differences(before, page);
  if (changed.length === 0) {
    say("docs/interop.md is as measured");
    return true;
  }
  for (const line of changed) say(line);
  if (env.CI) {
    say(red("docs/interop.md is not what was measured: run npm run test:interop and commit it."));
    return false;
  }
  writeFileSync(PAGE, page);
  say("docs/interop.md is written");
  return true;
}

main(async () => {
  if (process.argv.slice(2).some((arg) => ["--help", "-h"].includes(arg))) return help();
  const started = Date.now();
  const env = await setUp();
  await buildAll(env);
  const chromium = await ensureChromium(env);
  const peers = await ensurePeers(env);

  const folder = mkdtempSync(join(tmpdir(), "moq-game-"));
  const results = join(folder, "results.jsonl");
  const report = join(folder, "report.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const { code } = await run(bin("vitest"), ["run", ...reporters], {
      cwd: join(root, "test", "interop"),
      env: {
        ...env,
        MOQ_CHROMIUM: chromium,
        MOQ_INTEROP_PEERS: peers,
        MOQ_INTEROP_RESULTS: results,
      },
      timeoutMs: LIMIT_MS,
    });
    const counts = vitestCounts(existsSync(report) ? readFileSync(report, "utf8") : "");
    // A runner that breaks down before it counts has still failed.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    let ok = code === 0;
    if (!ok) {
      say(red("An implementation behaves differently from what is known of it; see above."));
    } else {
      if (!existsSync(results)) throw new SetupError("the tests have written no results");
      const lines = readFileSync(results, "utf8").trim().split("\n");
      ok = settlePage(
        lines.map((line) => JSON.parse(line)),
        env,
      );
    }
    if (!ok) process.exitCode = 1;
    say(`\ninterop  ${seconds(Date.now() - started)}`);
    say(`\n${(ok ? green : red)(`${counts.passed} passed, ${counts.failed} failed`)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
