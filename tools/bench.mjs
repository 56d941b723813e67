// npm run bench: builds what is measured, installs who it is measured against, and runs tools/bench.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAll, buildBenchPrograms, nativeOutput } from "./build.mjs";
import { ensureChromium } from "./chromium.mjs";
import { CONTENDERS, ensureContenders, ensureLibc } from "./lib/contenders.mjs";
import { ensureProgram, mayInstall } from "./lib/debian.mjs";
import { say } from "./lib/log.mjs";
import { cacheDir, root } from "./lib/paths.mjs";
import { ensurePeers, PEERS } from "./lib/peers.mjs";
import { buildUnrealHost } from "./lib/puerts.mjs";
import { main, setUp } from "./lib/setup.mjs";

const RELAYS = ["moq-relay-ietf", "moq-relay"];

/** Whether a command line asks for scenarios that begin so. */
function wants(args, scenarios) {
  const only = args.filter((_, at) => args[at - 1] === "--only");
  return only.length === 0 || only.some((name) => name.startsWith(scenarios));
}

/** What cannot be had is left out of the run, which says so; the rest is still worth it. */
async function ifPossible(work) {
  try {
    return await work;
  } catch (error) {
    say(error.message);
    return undefined;
  }
}

/** Who is measured against, for the page. */
function versions() {
  const manifest = readFileSync(join(root, "tools", "bench", "package.json"), "utf8");
  const relays = PEERS.filter(({ crate }) => RELAYS.includes(crate));
  return [
    `ws ${JSON.parse(manifest).dependencies.ws}`,
    ...CONTENDERS.map(({ name, version }) => `${name} ${version}`),
    ...relays.map(({ crate, version }) => `${crate} ${version}`),
  ];
}

/** What tools/bench is told: where programs and packages are. */
export async function benchEnvironment(env, args) {
  await buildBenchPrograms(env);
  const quick = args.includes("--quick");
  const contenders = await ensureContenders(env, !quick);
  const loader = await ensureLibc(env, !quick);
  // Loses packets on purpose.
  if (mayInstall(env)) await ifPossible(ensureProgram("nftables", ["nft"], env));
  // Takes minutes to build, so a quick look uses what is there.
  if (wants(args, "relays") && !quick) {
    const relays = PEERS.filter(({ crate }) => RELAYS.includes(crate));
    for (const relay of relays) await ifPossible(ensurePeers(env, [relay]));
  }
  const chromium = wants(args, "browser") ? await ifPossible(ensureChromium(env)) : undefined;
  const host = wants(args, "script") ? await ifPossible(buildUnrealHost(env)) : undefined;
  return {
    ...env,
    ...(host === undefined ? {} : { ...host, MOQ_PUERTS_PER_OBJECT: "1" }),
    MOQ_BENCH_PROGRAMS: nativeOutput(env),
    MOQ_BENCH_PEERS: join(cacheDir(env), "peers", "bin"),
    MOQ_BENCH_CONTENDERS: contenders,
    ...(loader === undefined ? {} : { MOQ_BENCH_LOADER: loader }),
    ...(chromium === undefined ? {} : { MOQ_CHROMIUM: chromium }),
  };
}

async function bench() {
  const args = process.argv.slice(2);
  const env = await setUp();
  await buildAll(env);
  const runsNothing = ["--help", "-h", "--list", "--page"].some((flag) => args.includes(flag));
  const prepared = runsNothing ? env : await benchEnvironment(env, args);
  const entry = join(root, "tools", "bench", "dist", "main.js");
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: "inherit",
    env: { ...prepared, MOQ_BENCH_VERSIONS: versions().join(",") },
    cwd: root,
  });
  // Ctrl-C reaches the whole process group; a signal sent to us alone has to be passed on.
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGINT", () => {});
  process.exitCode = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(bench);
