// npm run stage-unreal: the Unreal plugins, ready to copy into a project. `-- --help` tells more.

import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildAll, nativeLibrary } from "./build.mjs";
import { bold, dim, say, seconds } from "./lib/log.mjs";
import { root, userPath } from "./lib/paths.mjs";
import { firstLine } from "./lib/run.mjs";
import { cratesOf, keyOf } from "./lib/sdk/crates.mjs";
import { NOTICES, unpackLibraries } from "./lib/sdk/libraries.mjs";
import { noticesOf, othersIn } from "./lib/sdk/notices.mjs";
import { filesIn, sha256 } from "./lib/sdk/stage.mjs";
import { writeUniversal } from "./lib/sdk/universal.mjs";
import { main, SetupError, setUp } from "./lib/setup.mjs";
import { checkDestination, fill } from "./lib/unreal-destination.mjs";
import {
  checkLibrary,
  libraryPath,
  PLATFORMS,
  platformHere,
  unrealPlatform,
} from "./lib/unreal-platforms.mjs";

const plugins = join(root, "engine-plugins", "unreal");
const template = join(plugins, "Project");
const LICENCES = ["LICENSE-MIT", "LICENSE-APACHE"];

/** What an engine, a package manager or a developer's build left beside the sources stays behind. */
const LEFT = new Set([
  "Binaries",
  "Intermediate",
  "Saved",
  "Typing",
  "build",
  "node_modules",
  "test",
  "tests",
]);

function copySources(from, to) {
  cpSync(from, to, {
    recursive: true,
    filter: (path) => path === from || !LEFT.has(basename(path)),
  });
}

function copyLicences(to) {
  for (const licence of LICENCES) copyFileSync(join(root, licence), join(to, licence));
}

/** Native libraries, with their hashes as `sha256sum -c` reads them, and the headers. */
function addLibraries(moq, libraries, notices) {
  const folder = join(moq, "Binaries", "ThirdParty", "MoqFfi");
  const sums = [];
  for (const [platform, file] of Object.entries(libraries)) {
    const name = libraryPath(platform);
    const target = join(folder, name);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
    sums.push(`${sha256(target)}  ${name}\n`);
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "SHA256SUMS"), sums.sort().join(""));
  const include = join(moq, "Source", "ThirdParty", "MoqFfi", "include");
  cpSync(join(root, "native", "moq-ffi", "include"), include, { recursive: true });
  if (notices !== undefined) writeFileSync(join(folder, NOTICES), notices);
}

/** Of the compilers' own libraries, which are in what other machines' archives carry; each once. */
export function unpackedNotices(unpacked) {
  const files = filesIn(unpacked).filter((name) => basename(name) === NOTICES);
  const others = files.flatMap((name) => othersIn(readFileSync(join(unpacked, name), "utf8")));
  return [...new Map(others.map((other) => [other.name, other])).values()];
}

/** Licences of everything that is compiled into the library, for the given platforms together. */
function noticesFor(platforms, unpacked, env) {
  const crates = new Map();
  for (const triple of platforms.flatMap((platform) => PLATFORMS[platform].triples)) {
    for (const crate of cratesOf(triple, env)) crates.set(keyOf(crate), crate);
  }
  const rust = {
    name: `Rust standard library (${firstLine("rustc", ["--version"], env)})`,
    licence: "MIT OR Apache-2.0",
    text: readFileSync(join(root, "LICENSE-APACHE"), "utf8").trim(),
  };
  const others = unpackedNotices(unpacked).filter(({ name }) => name !== rust.name);
  return noticesOf([...crates.values()], [rust, ...others]);
}

/**
 * The script bundle, its source map and its typings, where Puerts looks for them. Everything in the bundle is of this
 * repository. Returns whether there is one.
 */
function addScripts(project) {
  const from = join(root, "packages", "unreal");
  if (!existsSync(join(from, "dist", "index.js"))) return false;
  const to = join(project, "Content", "JavaScript", "node_modules", "@moq-game", "unreal");
  mkdirSync(to, { recursive: true });
  cpSync(join(from, "dist"), join(to, "dist"), { recursive: true });
  for (const name of ["package.json", "README.md"]) copyFileSync(join(from, name), join(to, name));
  copyLicences(to);
  return true;
}

/**
 * Assembles a project: `Plugins/Moq`, `Plugins/MoqPuerts` and the template. A folder that was staged before is staged
 * again: see lib/unreal-destination.mjs.
 * @param {{ to: string, libraries: Record<string, string>, notices?: string, overwrite?: boolean }} options `libraries`:
 *   files by Unreal's platform names; `notices`: licences of what is compiled into them; `overwrite`: changes to what was
 *   staged before are lost
 * @returns {Promise<{ files: number, scripts: boolean, plugins: string[], kept: string[] }>} `kept`: files of the
 *   template that somebody had changed
 */
export async function stage({ to, libraries, notices, overwrite = false }) {
  for (const platform of Object.keys(libraries)) unrealPlatform(platform);
  const names = readdirSync(plugins).filter((name) =>
    existsSync(join(plugins, name, `${name}.uplugin`)),
  );
  let scripts = false;
  const assemble = (folder) => {
    copySources(template, folder);
    for (const name of names) {
      const plugin = join(folder, "Plugins", name);
      copySources(join(plugins, name), plugin);
      copyLicences(plugin);
    }
    addLibraries(join(folder, "Plugins", "Moq"), libraries, notices);
    scripts = addScripts(folder);
  };
  const { files, kept } = fill(to, assemble, { overwrite });
  return { files: files.length, scripts, plugins: names, kept };
}

/** One library for every processor of a Mac, since Unreal stages and loads one file there. */
function macLibrary(files, to) {
  if (files.length < 2) return files[0];
  const universal = join(to, PLATFORMS.Mac.file);
  writeUniversal(files, universal);
  return universal;
}

/** The libraries of every platform in a folder with archives of "npm run sdk", unpacked into `to`. */
export function sdkLibraries(folder, to) {
  const found = unpackLibraries(folder, to);
  const taken = Object.entries(PLATFORMS).map(([platform, { sdk }]) => {
    const files = sdk.map((name) => found[name]).filter((file) => file !== undefined);
    return [platform, platform === "Mac" ? macLibrary(files, to) : files[0]];
  });
  return Object.fromEntries(taken.filter(([, file]) => file !== undefined));
}

const OPTIONS = {
  to: { type: "string" },
  sdk: { type: "string" },
  library: { type: "string", multiple: true, default: [] },
  overwrite: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
};

/** The options of the command line; everything that can be wrong with them alone is said here. */
export function readArguments(args) {
  let values;
  try {
    ({ values } = parseArgs({ args, options: OPTIONS }));
  } catch (error) {
    const [why] = error.message.split(". ");
    // npm takes options before "--" for its own, and leaves their values.
    throw new SetupError(
      `${why}; options stand behind "--", and "npm run stage-unreal -- --help" lists them.`,
    );
  }
  const { to, sdk, overwrite, help } = values;
  const libraries = {};
  for (const each of values.library) {
    const [platform, file] = each.split(/=(.*)/s);
    if (!file) throw new SetupError(`--library takes PLATFORM=FILE, not "${each}"; see --help.`);
    unrealPlatform(platform);
    libraries[platform] = userPath(file);
    if (!existsSync(libraries[platform])) {
      throw new SetupError(`--library ${platform}: there is no file ${libraries[platform]}.`);
    }
  }
  const path = (value) => (value === undefined ? undefined : userPath(value));
  return { to: path(to), sdk: path(sdk), libraries, overwrite, help };
}

function help() {
  say(`npm run stage-unreal -- --to DIR [OPTIONS]

Builds the native library for this machine and the packages (minutes the first time, then seconds), and puts into DIR an
Unreal project:

  Plugins/Moq, Plugins/MoqPuerts   to open as it is, or to copy into a project of yours
  Source, Config, MoqGame.uproject the project around them, in C++
  TypeScript                       sample scripts; Content/JavaScript has the package that they import
  README.md                        what to do next
  STAGED                           the SHA-256 of every file, for "sha256sum -c STAGED"

  --to DIR                 an empty or new folder, or one that this command filled: it is brought up to date, and files
                           of the project that you changed or added stay
  --sdk DIR                adds the libraries of all archives in there, for Mac one of both processors;
                           "npm run sdk -- --all" makes them in dist/sdk
  --library PLATFORM=FILE  adds that of another platform (again for more):
                           ${Object.entries(PLATFORMS)
                             .map(([name, { file }]) => `${name}=…/${file}`)
                             .join(", ")}
  --overwrite              replaces what you changed, too

Paths are relative to the folder that you are in.`);
}

/** What is known about the libraries and matters to who ships a game. */
function sayLibraries(libraries, here, own) {
  const missing = Object.keys(PLATFORMS).filter((name) => !libraries[name]);
  say(`  library for   ${Object.keys(libraries).join(", ") || "no platform"}`);
  if (missing.length > 0) {
    say(`  none for      ${missing.join(", ")}: there the game runs without MoQ; see --sdk`);
  }
  if (!own || process.platform !== "linux") return;
  const { glibcVersionRuntime: glibc } = process.report.getReport().header;
  say(
    dim(
      `  that for ${here} was built here, with glibc ${glibc}: to ship games for older systems, take --sdk`,
    ),
  );
}

async function stageAll(options, unpacked, env) {
  const { to, overwrite } = options;
  const sdk = options.sdk === undefined ? {} : sdkLibraries(options.sdk, unpacked);
  for (const [platform, file] of Object.entries(options.libraries)) {
    const note = await checkLibrary(platform, file, env);
    if (note !== undefined) say(`note: ${note}`);
  }
  const libraries = { ...sdk, ...options.libraries };
  await buildAll(env);
  const here = platformHere();
  const own = here !== undefined && !libraries[here];
  if (own) libraries[here] = nativeLibrary(env);
  const notices = noticesFor(Object.keys(libraries), unpacked, env);
  const staged = await stage({ to, libraries, notices, overwrite });
  say(`\n${bold(`staged ${staged.plugins.join(" and ")}, ${staged.files} files, in ${to}`)}`);
  sayLibraries(libraries, here, own);
  if (staged.kept.length > 0) {
    say(`  kept yours    ${staged.kept.join(", ")} (--overwrite takes the new ones)`);
  }
  say(`  next          ${join(to, "README.md")}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(async () => {
    const options = readArguments(process.argv.slice(2));
    if (options.help) return help();
    if (!options.to) {
      throw new SetupError(
        "where to? npm run stage-unreal -- --to DIR; --help lists the other options.",
      );
    }
    checkDestination(options.to, options);
    const started = Date.now();
    const env = await setUp();
    const unpacked = mkdtempSync(join(tmpdir(), "moq-game-sdk-"));
    try {
      await stageAll(options, unpacked, env);
      say(dim(`  in ${seconds(Date.now() - started)}`));
    } finally {
      rmSync(unpacked, { recursive: true, force: true });
    }
  });
}
