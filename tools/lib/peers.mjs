// Other people's implementations that ours is tested against: pinned, built with cargo, kept in the cache.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { say, seconds } from "./log.mjs";
import { cacheDir } from "./paths.mjs";
import { run } from "./run.mjs";
import { SetupError } from "./setup.mjs";

/**
 * Crates with a program of the same name. To add one: name it here, say in test/interop/src/relays.ts how it starts and
 * in expectations.ts what it lacks. `options` go to `cargo install`.
 */
export const PEERS = [
  { crate: "moq-test-client", version: "0.2.0", about: "an independent client with 18 cases" },
  { crate: "moq-relay-ietf", version: "0.8.0", about: "the relay of moq-rs" },
  {
    crate: "moq-relay",
    version: "0.17.10",
    about: "the relay of moq-dev, built with its QUIC library alone",
    // Its QUIC alone: without iroh, mDNS and WebSocket it has half as much to build.
    options: ["--no-default-features", "--features", "noq"],
  },
];

const LIMIT_MS = 30 * 60_000;

/** Crates and versions in a `.crates.toml`, the list that `cargo install --root` keeps. */
export function installedCrates(toml) {
  const lines = toml.matchAll(/^"(\S+) (\S+) \([^)]*\)"/gm);
  return new Map([...lines].map(([, crate, version]) => [crate, version]));
}

function present(folder) {
  try {
    return installedCrates(readFileSync(join(folder, ".crates.toml"), "utf8"));
  } catch {
    return new Map();
  }
}

/** Installs what is missing and gives the folder of the programs. */
export async function ensurePeers(env, peers = PEERS) {
  const folder = join(cacheDir(env), "peers");
  mkdirSync(folder, { recursive: true });
  const have = present(folder);
  // A target folder of their own: other people's profiles and versions must not evict our build.
  const target = join(cacheDir(env), "peers-target");
  const missing = peers.filter(({ crate, version }) => have.get(crate) !== version);
  for (const { crate, version, options = [] } of missing) {
    say(`Building ${crate} ${version} (some minutes, once; kept in ${folder})`);
    const started = Date.now();
    const own = { ...env, CARGO_TARGET_DIR: target };
    const install = (locked) =>
      run(
        "cargo",
        ["install", ...locked, ...options, "--force", "--root", folder, `${crate}@${version}`],
        {
          env: own,
          quiet: locked.length > 0 ? "always" : true,
          timeoutMs: LIMIT_MS,
        },
      );
    let result = await install(["--locked"]);
    if (result.code !== 0) {
      say(`${crate}: its own lockfile cannot be used here, trying the newest matching versions`);
      result = await install([]);
    }
    if (result.code !== 0) {
      throw new SetupError(
        `${crate} ${version} could not be built; see above, or run "cargo install ${crate}@${version}" by hand.`,
      );
    }
    say(`${crate} ${version} is ready (${seconds(Date.now() - started)})`);
  }
  // More than a gigabyte, and of no use until a version changes.
  if (missing.length > 0) rmSync(target, { recursive: true, force: true });
  return join(folder, "bin");
}
