// npm run poses: how old poses and updates are when they arrive, by delivery class and loss; writes the page.

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { buildAll, scriptedPeer } from "./build.mjs";
import { say } from "./lib/log.mjs";
import { root } from "./lib/paths.mjs";
import { posesPage } from "./lib/poses-page.mjs";
import { must } from "./lib/run.mjs";
import { configureAbi, cppTests } from "./lib/runners.mjs";
import { main, SetupError, setUp } from "./lib/setup.mjs";

const PAGE = join(root, "docs", "performance", "poses.md");
/** Seconds with 0, 2 and 5 % loss. */
const SECONDS = [45, 120, 45];
const HELP = `npm run poses [-- --seconds A,B,C --no-page]

Publishes 17 kB poses and 100-byte updates at 60 Hz in every delivery class through the relay, over a network that
loses 0, 2 and 5 % of the packets, and writes docs/performance/poses.md.

  --seconds A,B,C   how long with each loss [default: ${SECONDS}]
  --no-page         prints the page instead
`;

main(async () => {
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) return say(HELP);
  const at = args.indexOf("--seconds");
  const seconds = at < 0 ? SECONDS : (args[at + 1] ?? "").split(",").map(Number);
  if (seconds.length !== 3 || seconds.some((value) => !(value >= 1))) {
    throw new SetupError("--seconds takes three numbers from 1, such as 45,120,45.");
  }
  const env = await setUp();
  await buildAll(env);
  const build = join(cppTests, "build");
  await configureAbi(build, env, await scriptedPeer(env));
  const target = ["--build", build, "--parallel", "--target", "moq_ffi_poses"];
  await must("cmake", target, { env, quiet: true });
  say(`measuring for ${seconds.reduce((a, b) => a + b)} s`);
  const measured = await must(join(build, "moq_ffi_poses"), seconds.map(String), {
    env,
    quiet: true,
    timeoutMs: (seconds.reduce((a, b) => a + b) + 120) * 1_000,
  });
  const machine = `${cpus().length} processors, ${cpus()[0]?.model.trim() ?? "unknown"}, ${process.platform}`;
  const page = posesPage(JSON.parse(measured.output), machine);
  if (args.includes("--no-page")) return say(page);
  writeFileSync(PAGE, page);
  say(`wrote ${PAGE}`);
});
