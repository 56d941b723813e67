// npm run sdk: moq-ffi as an archive for C and C++ programs. `npm run sdk -- --help`.

import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { bold, dim, say, seconds } from "./lib/log.mjs";
import { root, userPath } from "./lib/paths.mjs";
import { compile } from "./lib/sdk/compile.mjs";
import { libraryVersion } from "./lib/sdk/crates.mjs";
import { hostPlatform, PLATFORMS, platformNamed } from "./lib/sdk/platforms.mjs";
import { filesIn, stage, writeSums } from "./lib/sdk/stage.mjs";
import { main, SetupError, setUp } from "./lib/setup.mjs";

/** @param {string[]} args */
export function readArguments(args) {
  const options = {
    names: [],
    all: false,
    local: false,
    help: false,
    out: join(root, "dist", "sdk"),
  };
  const rest = [...args];
  const value = (option) => {
    const next = rest.shift();
    if (next === undefined) throw new SetupError(`${option} takes a value.`);
    return next;
  };
  while (rest.length > 0) {
    const arg = rest.shift();
    if (arg === "--all") options.all = true;
    else if (arg === "--local") options.local = true;
    else if (arg === "--help" || arg === "-h") options.help = true;
    else if (arg === "--out") options.out = userPath(value(arg));
    else if (arg === "--platform") options.names.push(platformNamed(value(arg)).name);
    else throw new SetupError(`unknown option "${arg}"; "npm run sdk -- --help" lists them.`);
  }
  if (options.local && (options.all || options.names.length > 0))
    throw new SetupError("--local packs for this machine only; leave --all and --platform out.");
  return options;
}

function chosenPlatforms({ names, all }, env) {
  if (names.length > 0) return names.map(platformNamed);
  const host = hostPlatform(env);
  if (!all) return [host];
  if (host.format !== "elf") throw new SetupError("--all works on Linux; elsewhere leave it out.");
  return PLATFORMS.filter((platform) => platform.cross);
}

function help() {
  say(`npm run sdk [-- OPTIONS]

Packs moq-ffi for C and C++ programs: headers, shared and static library, relay, CMake and pkg-config packages,
licences, bill of materials, check sums; debug symbols in an archive of their own. Without options: for this machine's
platform, to run on Linux with glibc 2.28 or newer.

  --platform NAME  for this platform (again for more)
  --all            for every platform that Linux can build for: ${PLATFORMS.filter(
    (each) => each.cross,
  )
    .map((each) => each.name)
    .join(", ")}
  --local          packs what "npm run build" made: quick, and for Linux systems as new as this one
  --out FOLDER     where the archives go (default dist/sdk)

Other platforms are built with zig, which is installed into the cache; the first time takes minutes for each.`);
}

const megabytes = (path) => `${(statSync(path).size / 1e6).toFixed(1)} MB`;

/** Builds, checks and packs one platform; gives the paths of its archives. */
async function packPlatform(platform, options, env) {
  const { pack } = await import("./lib/sdk/pack.mjs");
  const started = Date.now();
  const folder = join(options.out, `moq-ffi-${libraryVersion()}-${platform.name}`);
  const symbols = `${folder}-symbols`;
  const output = await compile(platform, options, env);
  await stage(platform, output, { folder, symbols, local: options.local }, env);
  // Those for macOS have none where dsymutil is not installed.
  const packed = [folder, symbols].filter((each) => readdirSync(each).length > 0);
  const archives = packed.map((each) => pack(each, platform, env));
  for (const each of [folder, symbols]) rmSync(each, { recursive: true });
  say(`${bold(platform.name)} ${dim(seconds(Date.now() - started))}`);
  for (const path of archives) say(`  ${relative(root, path)} (${megabytes(path)})`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(async () => {
    const options = readArguments(process.argv.slice(2));
    if (options.help) return help();
    const env = await setUp();
    const platforms = chosenPlatforms(options, env);
    mkdirSync(options.out, { recursive: true });
    for (const platform of platforms) await packPlatform(platform, options, env);
    const archives = filesIn(options.out).filter((name) =>
      /^moq-ffi-[^/]+\.(tar\.gz|zip)$/.test(name),
    );
    writeSums(options.out, archives);
    say(`  ${relative(root, join(options.out, basename("SHA256SUMS")))}`);
  });
}
