// Interoperability with other people's implementations: installs them, runs test/interop, writes docs/interop.md.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAll } from "./build.mjs";
import { ensureChromium } from "./chromium.mjs";
import { interopPage } from "./lib/interop-page.mjs";
import { say, seconds } from "./lib/log.mjs";
import { bin, root } from "./lib/paths.mjs";
import { ensurePeers, PEERS } from "./lib/peers.mjs";
import { run } from "./lib/run.mjs";
import { main, SetupError, setUp } from "./lib/setup.mjs";

const LIMIT_MS = 15 * 60_000;

main(async () => {
  const started = Date.now();
  const env = await setUp();
  await buildAll(env);
  const chromium = await ensureChromium(env);
  const peers = await ensurePeers(env);

  const folder = mkdtempSync(join(tmpdir(), "moq-game-"));
  const results = join(folder, "results.jsonl");
  try {
    const { code } = await run(bin("vitest"), ["run"], {
      cwd: join(root, "test", "interop"),
      env: {
        ...env,
        MOQ_CHROMIUM: chromium,
        MOQ_INTEROP_PEERS: peers,
        MOQ_INTEROP_RESULTS: results,
      },
      timeoutMs: LIMIT_MS,
    });
    if (code !== 0)
      throw new SetupError(
        "an implementation behaves differently from what is known of it; see above",
      );
    if (!existsSync(results))
      throw new SetupError("the interoperability tests have written no results");
    const lines = readFileSync(results, "utf8").trim().split("\n");
    const page = interopPage(
      lines.map((line) => JSON.parse(line)),
      PEERS,
      new Date(),
    );
    writeFileSync(join(root, "docs", "interop.md"), page);
    say(`docs/interop.md is written (${seconds(Date.now() - started)} in all)`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
