// npm run build: the native library (release), the Node addon, the TypeScript packages and the example.

import { copyFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { dim, say, seconds } from "./lib/log.mjs";
import { bin, cargoTargetDir, root } from "./lib/paths.mjs";
import { must } from "./lib/run.mjs";
import { main, setUp } from "./lib/setup.mjs";
import { filesUnder, hashOf, stampFile, unlessStamped } from "./lib/stamp.mjs";

const addon = join(root, "packages", "node-native");

/** moq-ffi and the relay program. Cargo itself knows best what is fresh: a second call takes a fraction of a second. */
export function buildNative(env) {
  const packages = ["--package", "moq-ffi", "--package", "moqt-relay"];
  return must("cargo", ["build", "--release", "--locked", ...packages], {
    cwd: join(root, "native"),
    env,
  });
}

/** Where the release build of the native library lies. */
export function nativeOutput(env) {
  return join(cargoTargetDir(env), "release");
}

const libraryName = { win32: "moq_ffi.dll", darwin: "libmoq_ffi.dylib" }[process.platform];

/** The shared library as Cargo left it. */
function nativeLibrary(env) {
  return join(nativeOutput(env), libraryName ?? "libmoq_ffi.so");
}

/**
 * The Node addon, with the native library beside it, where the package looks first. Nothing is done when neither the
 * addon's sources nor the library changed: several checkouts may share one Cargo folder, so content counts, not time.
 */
export function buildAddon(env) {
  const library = nativeLibrary(env);
  const sources = filesUnder([
    join(addon, "CMakeLists.txt"),
    join(addon, "package.json"),
    join(addon, "native"),
    join(root, "native", "moq-ffi", "include"),
    library,
  ]);
  const output = join(addon, "build", "Release");
  const staged = join(output, basename(library));
  const hash = hashOf(sources, [process.version, process.arch]);
  if (!existsSync(staged)) rmSync(stampFile("addon"), { force: true });
  return unlessStamped(stampFile("addon"), hash, async () => {
    await must("pnpm", ["--dir", addon, "run", "build:addon"], { env, quiet: true });
    // Never written in place: a running process may have the old one mapped.
    copyFileSync(library, `${staged}.new`);
    renameSync(`${staged}.new`, staged);
  });
}

/** All TypeScript packages in dependency order; turbo skips those whose inputs did not change. */
export function buildPackages(env) {
  return must(bin("turbo"), ["run", "build", "--output-logs=errors-only", "--ui=stream"], {
    env,
    quiet: true,
  });
}

/** All of it, saying what takes how long. */
export async function buildAll(env) {
  for (const [what, work] of [
    ["native library (release)", buildNative],
    ["Node addon", buildAddon],
    ["packages", buildPackages],
  ]) {
    const started = Date.now();
    await work(env);
    say(dim(`built ${what} in ${seconds(Date.now() - started)}`));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(async () => buildAll(await setUp()));
}
