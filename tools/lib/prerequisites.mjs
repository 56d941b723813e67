// What must be on the machine before anything can be built, and one actionable line for what is not.

import { accessSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { withPath } from "./paths.mjs";
import { firstLine } from "./run.mjs";

/** The first a.b version in a text as numbers, or undefined. */
export function versionIn(text) {
  const match = /(\d+)\.(\d+)/.exec(text ?? "");
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

export function atLeast(version, minimum) {
  return (
    version !== undefined &&
    (version[0] > minimum[0] || (version[0] === minimum[0] && version[1] >= minimum[1]))
  );
}

const NEEDED = {
  node: {
    minimum: [20, 0],
    find: () => process.version,
    missing: 'Node 20 or newer is needed: install it from nodejs.org or with "nvm install 20".',
  },
  cargo: {
    minimum: [1, 85],
    find: (env) => firstLine("cargo", ["--version"], env),
    missing:
      'Rust 1.85 or newer (cargo) is needed: install it from https://rustup.rs, or update it with "rustup update stable".',
  },
  compiler: {
    find: (env) => findCompiler(env),
    missing:
      'a C++17 compiler is needed: "apt-get install g++" (Debian, Ubuntu), "xcode-select --install" (macOS), or Visual Studio Build Tools (Windows).',
  },
  cmake: {
    minimum: [3, 25],
    find: (env) => firstLine("cmake", ["--version"], env),
    missing:
      'CMake 3.25 or newer is needed: "apt-get install cmake" (Debian, Ubuntu), "brew install cmake" (macOS), or from cmake.org.',
  },
};

function findCompiler(env) {
  // On Windows CMake finds Visual Studio by itself; it is not on the path.
  if (process.platform === "win32") return "Visual Studio";
  for (const name of [env.CXX, "c++", "g++", "clang++"].filter(Boolean)) {
    const line = firstLine(name, ["--version"], env);
    if (line) return line;
  }
  return undefined;
}

/** The environment, with rustup's folder added when cargo is installed but not on the path. */
export function toolEnvironment(env = process.env) {
  if (firstLine("cargo", ["--version"], env)) return env;
  const folder = join(env.CARGO_HOME || join(homedir(), ".cargo"), "bin");
  try {
    accessSync(join(folder, process.platform === "win32" ? "cargo.exe" : "cargo"));
    return withPath(folder, env);
  } catch {
    return env;
  }
}

/**
 * One line for each thing that is missing or too old; empty when all is well.
 * @param {string[]} names of NEEDED
 */
export function missingPrerequisites(names, env = process.env, needed = NEEDED) {
  const lines = [];
  for (const name of names) {
    const { find, minimum, missing } = needed[name];
    const found = find(env);
    if (found === undefined) lines.push(missing);
    else if (minimum && !atLeast(versionIn(found), minimum))
      lines.push(`${missing} Found: ${found}.`);
  }
  return lines;
}
