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
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAll, nativeLibrary } from "./build.mjs";
import { dim, say } from "./lib/log.mjs";
import { root } from "./lib/paths.mjs";
import { firstLine } from "./lib/run.mjs";
import { cratesOf, keyOf } from "./lib/sdk/crates.mjs";
import { unpackLibraries } from "./lib/sdk/libraries.mjs";
import { noticesOf } from "./lib/sdk/notices.mjs";
import { filesIn, sha256 } from "./lib/sdk/stage.mjs";
import { writeUniversal } from "./lib/sdk/universal.mjs";
import { main, SetupError, setUp } from "./lib/setup.mjs";

/** Unreal's names of the platforms, and what the native library is called there. */
const PLATFORMS = {
  Win64: "moq_ffi.dll",
  Linux: "libmoq_ffi.so",
  LinuxArm64: "libmoq_ffi.so",
  Mac: "libmoq_ffi.dylib",
};

const HERE = {
  "linux-x64": "Linux",
  "linux-arm64": "LinuxArm64",
  "win32-x64": "Win64",
  "darwin-arm64": "Mac",
  "darwin-x64": "Mac",
};

const TRIPLES = {
  Win64: ["x86_64-pc-windows-gnu"],
  Linux: ["x86_64-unknown-linux-gnu"],
  LinuxArm64: ["aarch64-unknown-linux-gnu"],
  Mac: ["aarch64-apple-darwin", "x86_64-apple-darwin"],
};

/** What "npm run sdk" calls them; the first that is there is taken, for Mac all of them together. */
const SDK_PLATFORMS = {
  Win64: ["windows-x64-msvc", "windows-x64-gnu"],
  Linux: ["linux-x64"],
  LinuxArm64: ["linux-arm64"],
  Mac: ["macos-arm64", "macos-x64"],
};

const plugins = join(root, "engine-plugins", "unreal");
const template = join(root, "engine-plugins", "unreal", "Project");

/** Copies a plugin's sources; what an engine or a developer's build left there stays behind. */
function copyPlugin(name, to) {
  const from = join(plugins, name);
  const left = new Set([
    "Binaries",
    "Intermediate",
    "Saved",
    "build",
    "node_modules",
    "test",
    "tests",
  ]);
  cpSync(from, to, {
    recursive: true,
    filter: (path) => path === from || !left.has(basename(path)),
  });
  for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) {
    copyFileSync(join(root, licence), join(to, licence));
  }
}

/** Native libraries, with their hashes as `sha256sum -c` reads them, and the headers. */
function addLibraries(moq, libraries, notices) {
  const folder = join(moq, "Binaries", "ThirdParty", "MoqFfi");
  const sums = [];
  for (const [platform, file] of Object.entries(libraries)) {
    const name = `${platform}/${PLATFORMS[platform]}`;
    const target = join(folder, name);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
    sums.push(`${sha256(target)}  ${name}\n`);
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "SHA256SUMS"), sums.sort().join(""));
  const include = join(moq, "Source", "ThirdParty", "MoqFfi", "include");
  cpSync(join(root, "native", "moq-ffi", "include"), include, { recursive: true });
  if (notices !== undefined) writeFileSync(join(folder, "THIRD-PARTY-NOTICES.txt"), notices);
}

/** Licences of everything that is compiled into the library, for the given platforms together. */
function noticesFor(platforms, env) {
  const crates = new Map();
  for (const triple of platforms.flatMap((platform) => TRIPLES[platform])) {
    for (const crate of cratesOf(triple, env)) crates.set(keyOf(crate), crate);
  }
  const rust = {
    name: `Rust standard library (${firstLine("rustc", ["--version"], env)})`,
    licence: "MIT OR Apache-2.0",
    text: readFileSync(join(root, "LICENSE-APACHE"), "utf8").trim(),
  };
  return noticesOf([...crates.values()], [rust]);
}

/** The script bundle, its source map and its typings, where Puerts looks for them. Returns whether there is one. */
function addScripts(project) {
  const from = join(root, "packages", "unreal");
  if (!existsSync(join(from, "dist", "index.js"))) return false;
  const to = join(project, "Content", "JavaScript", "node_modules", "@moq-game", "unreal");
  mkdirSync(to, { recursive: true });
  cpSync(join(from, "dist"), join(to, "dist"), { recursive: true });
  copyFileSync(join(from, "package.json"), join(to, "package.json"));
  return true;
}

/**
 * Assembles a project: `Plugins/Moq`, `Plugins/MoqPuerts` and the template.
 * @param {{ to: string, libraries: Record<string, string>, notices?: string }} options `libraries`: files by Unreal's
 *   platform names; `notices`: licences of what is compiled into them
 * @returns {Promise<{ files: number, scripts: boolean, plugins: string[] }>}
 */
export async function stage({ to, libraries, notices }) {
  for (const platform of Object.keys(libraries)) {
    if (!PLATFORMS[platform]) {
      throw new SetupError(
        `"${platform}" is none of the platforms ${Object.keys(PLATFORMS).join(", ")}.`,
      );
    }
  }
  if (existsSync(to) && readdirSync(to).length > 0 && !existsSync(join(to, "STAGED"))) {
    throw new SetupError(
      `${to} is not empty and was not made by this command: name another folder.`,
    );
  }
  rmSync(to, { recursive: true, force: true });
  if (existsSync(template)) cpSync(template, to, { recursive: true });
  const names = readdirSync(plugins).filter((name) =>
    existsSync(join(plugins, name, `${name}.uplugin`)),
  );
  for (const name of names) copyPlugin(name, join(to, "Plugins", name));
  addLibraries(join(to, "Plugins", "Moq"), libraries, notices);
  const scripts = addScripts(to);
  const files = filesIn(to);
  const lines = files.map((name) => `${sha256(join(to, name))}  ${name}\n`);
  writeFileSync(join(to, "STAGED"), lines.join(""));
  return { files: files.length, scripts, plugins: names };
}

/** One library for every processor of a Mac, since Unreal stages and loads one file there. */
function macLibrary(files, to) {
  if (files.length < 2) return files[0];
  const universal = join(to, PLATFORMS.Mac);
  writeUniversal(files, universal);
  return universal;
}

/** The libraries of every platform in a folder with archives of "npm run sdk", unpacked into `to`. */
export function sdkLibraries(folder, to) {
  const found = unpackLibraries(folder, to);
  const taken = Object.entries(SDK_PLATFORMS).map(([platform, names]) => {
    const files = names.map((name) => found[name]).filter((file) => file !== undefined);
    return [platform, platform === "Mac" ? macLibrary(files, to) : files[0]];
  });
  return Object.fromEntries(taken.filter(([, file]) => file !== undefined));
}

/** `--library PLATFORM=FILE` as often as wanted, `--sdk DIR` and `--to DIR`. */
export function readArguments(args) {
  const options = { to: undefined, sdk: undefined, libraries: {}, help: false };
  for (let at = 0; at < args.length; at += 1) {
    const value = args[at + 1];
    if (args[at] === "--help" || args[at] === "-h") options.help = true;
    else if (args[at] === "--to" && value) {
      options.to = resolve(value);
      at += 1;
    } else if (args[at] === "--sdk" && value) {
      options.sdk = resolve(value);
      at += 1;
    } else if (args[at] === "--library" && value?.includes("=")) {
      const cut = value.indexOf("=");
      options.libraries[value.slice(0, cut)] = resolve(value.slice(cut + 1));
      at += 1;
    } else {
      throw new SetupError(`"${args[at]}" is not understood; see npm run stage-unreal -- --help.`);
    }
  }
  for (const [platform, file] of Object.entries(options.libraries)) {
    if (!existsSync(file)) throw new SetupError(`--library ${platform}: there is no file ${file}.`);
  }
  return options;
}

function help() {
  say("npm run stage-unreal -- --to DIR [--sdk DIR] [--library PLATFORM=FILE …]\n");
  say("Builds the native library for this machine and the packages, and assembles in DIR:");
  say("  Plugins/Moq, Plugins/MoqPuerts   ready to copy into a project");
  say("  Content/JavaScript               the script package for Puerts");
  say("  a project template with sample scripts; STAGED, the SHA-256 of every file\n");
  say(
    '--sdk adds the libraries of all archives there, for Mac one of both processors; "npm run sdk -- --all" makes them.',
  );
  say(
    `--library adds that of another platform: ${Object.entries(PLATFORMS)
      .map((pair) => pair.join("=…/"))
      .join(", ")}.`,
  );
}

async function stageAll(options, here, unpacked, env) {
  const sdk = options.sdk === undefined ? {} : sdkLibraries(options.sdk, unpacked);
  const libraries = { ...sdk, ...options.libraries };
  await buildAll(env);
  if (here && !libraries[here]) libraries[here] = nativeLibrary(env);
  const staged = await stage({
    to: options.to,
    libraries,
    notices: noticesFor(Object.keys(libraries), env),
  });
  say(
    `staged ${staged.plugins.join(" and ")} with the library for ${Object.keys(libraries).join(", ")} in ${options.to}`,
  );
  say(dim(`${staged.files} files; "sha256sum -c STAGED" checks them.`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(async () => {
    const options = readArguments(process.argv.slice(2));
    if (options.help) return help();
    if (!options.to) throw new SetupError("where to? npm run stage-unreal -- --to DIR");
    const env = await setUp();
    const here = HERE[`${process.platform}-${process.arch}`];
    const unpacked = mkdtempSync(join(tmpdir(), "moq-game-sdk-"));
    try {
      await stageAll(options, here, unpacked, env);
    } finally {
      rmSync(unpacked, { recursive: true, force: true });
    }
  });
}
