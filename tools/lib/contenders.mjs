// Packages that ours is measured against, too heavy for everybody's installation: pinned, kept in the cache.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { say } from "./log.mjs";
import { cacheDir, root } from "./paths.mjs";
import { atLeast, versionIn } from "./prerequisites.mjs";
import { firstLine, run } from "./run.mjs";

/** `module` is what tools/bench imports it as. */
export const CONTENDERS = [
  // uWebSockets.js is published on GitHub alone. Of those who republish it, this one runs on glibc before 2.38.
  { module: "uws", name: "uwebsockets", version: "3.0.6", large: true, hasDefault: true },
  // Published as TypeScript, which Node does not load from node_modules.
  {
    module: "web-transport",
    name: "@moq/web-transport",
    version: "0.1.4",
    source: "src/index.ts",
    hasDefault: true,
  },
  { module: "moq-net", name: "@moq/net", version: "0.3.4" },
];

const LIMIT_MS = 5 * 60_000;

function present(folder, name, version) {
  try {
    const manifest = readFileSync(join(folder, "node_modules", name, "package.json"), "utf8");
    return JSON.parse(manifest).version === version && existsSync(join(folder, "index.mjs"));
  } catch {
    return false;
  }
}

/**
 * Installs what is missing; what cannot be had is left out. Gives the folder: `<module>/index.mjs` in it.
 * @param {boolean} [large] downloads of 100 MB too
 */
export async function ensureContenders(env, large = true) {
  const folder = join(cacheDir(env), "contenders");
  const contenders = CONTENDERS.filter((each) => large || !each.large);
  for (const contender of contenders) {
    const { module, name, version } = contender;
    const own = join(folder, module);
    if (present(own, name, version)) continue;
    say(`Installing ${name} ${version} to measure against (once; kept in ${folder})`);
    rmSync(own, { recursive: true, force: true });
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "package.json"), '{ "private": true }\n');
    const flags = ["--no-audit", "--no-fund", "--ignore-scripts"];
    const args = ["install", ...flags, "--prefix", own, `${name}@${version}`];
    const { code } = await run("npm", args, { env, quiet: true, timeoutMs: LIMIT_MS });
    if (code === 0) await writeModule(own, contender);
    else say(`${name} cannot be installed here: it is left out`);
  }
  return folder;
}

/** A module beside node_modules, through which anybody can import the package by a path. */
async function writeModule(own, { name, source, hasDefault }) {
  let from = name;
  if (source) {
    const { build } = createRequire(join(root, "tools", "bench", "package.json"))("esbuild");
    const home = join(own, "node_modules", name);
    await build({
      entryPoints: [join(home, source)],
      bundle: true,
      format: "esm",
      platform: "node",
      // Its native part, which lies as far from the bundle as from the source.
      external: ["*.cjs"],
      outfile: join(home, "bundle", "index.mjs"),
      logLevel: "error",
    });
    from = `./node_modules/${name}/bundle/index.mjs`;
  }
  writeFileSync(
    join(own, "index.mjs"),
    `export * from "${from}";\n${hasDefault ? `export { default } from "${from}";\n` : ""}`,
  );
}

/** The C library that @moq/web-transport is built against. */
const NEEDED_GLIBC = [2, 38];

/**
 * On Debian with an older C library: the next release's, unpacked beside the system's and used for the processes of
 * those contenders alone. Gives the path of its loader; undefined where it is not needed or cannot be had.
 * @param {boolean} [fetch] false: only one that is there already
 */
export async function ensureLibc(env, fetch = true) {
  const glibc = process.report?.getReport().header.glibcVersionRuntime;
  if (glibc === undefined || atLeast(versionIn(glibc), NEEDED_GLIBC) || process.arch !== "x64") {
    return undefined;
  }
  const folder = join(cacheDir(env), "contenders", "libc");
  const loader = join(folder, "root/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
  if (existsSync(loader) || !fetch) return existsSync(loader) ? loader : undefined;
  // From where the system's own packages come.
  const targets = ["indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Component: main"];
  const mirror = firstLine("apt-get", targets, env);
  if (mirror === undefined || mirror === "") return undefined;
  say("Fetching a newer C library for contenders that need one");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "lists", "partial"), { recursive: true });
  const source = join(folder, "trixie.sources");
  const lines = ["Types: deb", `URIs: ${mirror}`, "Suites: trixie"];
  const keys = "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg";
  writeFileSync(source, [...lines, "Components: main", keys, ""].join("\n"));
  const apt = [
    ...["-o", `Dir::Etc::sourcelist=${source}`, "-o", "Dir::Etc::sourceparts=-"],
    ...["-o", `Dir::State::lists=${join(folder, "lists")}`],
  ];
  const quiet = { env, cwd: folder, quiet: "always", timeoutMs: LIMIT_MS };
  await run("apt-get", [...apt, "update"], quiet);
  await run("apt-get", [...apt, "download", "libc6", "libstdc++6", "libgcc-s1"], quiet);
  const packages = readdirSync(folder).filter((name) => name.endsWith(".deb"));
  for (const each of packages) await run("dpkg", ["-x", each, "root"], quiet);
  return existsSync(loader) ? loader : undefined;
}
