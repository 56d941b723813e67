// npm run build: the native library (release), the Node addon, the TypeScript packages and the example.

import { copyFileSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dim, say, seconds } from "./lib/log.mjs";
import { bin, cargoTargetDir, root } from "./lib/paths.mjs";
import { must } from "./lib/run.mjs";
import { main, setUp } from "./lib/setup.mjs";
import { filesUnder, hashOf, stampFile, unlessStamped } from "./lib/stamp.mjs";

const addon = join(root, "packages", "node-native");

/** moq-ffi, the relay in it. Cargo itself knows best what is fresh: a second call takes a fraction of a second. */
export function buildNative(env) {
  return cargoBuild(["moq-ffi"], env);
}

function cargoBuild(names, env) {
  const packages = names.flatMap((name) => ["--package", name]);
  const args = ["build", "--release", "--locked", ...packages];
  return must("cargo", args, { cwd: join(root, "native"), env });
}

/** The peer that misbehaves on request (native/moq-ffi/tests/peer); gives its path. */
export async function scriptedPeer(env) {
  const args = ["build", "--locked", "--package", "moq-ffi", "--example", "scripted_peer"];
  await must("cargo", args, { cwd: join(root, "native"), env });
  const name = process.platform === "win32" ? "scripted_peer.exe" : "scripted_peer";
  return join(cargoTargetDir(env), "debug", "examples", name);
}

/**
 * The programs that npm run bench starts. The native library is named with them: cargo chooses the features of what they
 * share by what is built together, and would build all of it a second time for other features.
 */
export function buildBenchPrograms(env) {
  return cargoBuild(["moq-ffi", "moqt-relay", "moqt-bench"], env);
}

/** Where the release build of the native library lies. */
export function nativeOutput(env) {
  return join(cargoTargetDir(env), "release");
}

/** The native library in {@link nativeOutput}. */
export function nativeLibrary(env) {
  const names = { win32: "moq_ffi.dll", darwin: "libmoq_ffi.dylib" };
  return join(nativeOutput(env), names[process.platform] ?? "libmoq_ffi.so");
}

/** The addon's folder, with the native library that its build put beside it. */
const addonOutput = join(addon, "build", "Release");

/**
 * The Node addon. Nothing is done when neither its sources nor the native library changed: several checkouts may share
 * one Cargo folder, so the library's content counts, not its time.
 */
export function buildAddon(env) {
  const from = nativeOutput(env);
  const libraries = ["libmoq_ffi.so", "libmoq_ffi.dylib", "moq_ffi.dll"];
  const sources = filesUnder([
    ...["CMakeLists.txt", "package.json", "native", "scripts"].map((name) => join(addon, name)),
    join(root, "native", "moq-ffi", "include"),
    ...libraries.map((name) => join(from, name)),
  ]);
  const hash = hashOf(sources, [process.version, process.arch]);
  if (!existsSync(addonOutput)) rmSync(stampFile("addon"), { force: true });
  return unlessStamped(stampFile("addon"), hash, async () => {
    const settings = { ...env, MOQ_FFI_LIBRARY_DIR: from };
    await must("pnpm", ["--dir", addon, "run", "build:addon"], { env: settings, quiet: true });
    fillPlatformPackage();
  });
}

/** Copies the compiled files into the package of this platform, from which a release (and its test) packs them. */
function fillPlatformPackage() {
  const libc = process.platform === "linux" ? "-gnu" : "";
  const folder = join(addon, "platforms", `${process.platform}-${process.arch}${libc}`);
  if (!existsSync(folder)) return;
  const { files } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const file of files) {
    // Never written in place: a running process may have the old one mapped.
    const target = join(folder, file);
    copyFileSync(join(addonOutput, file), `${target}.new`);
    renameSync(`${target}.new`, target);
  }
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
  main(async () => {
    const env = await setUp();
    await buildAll(env);
    // The relay as a program of its own: tests and the demonstration embed it.
    await cargoBuild(["moq-ffi", "moqt-relay"], env);
    say(dim(`built ${join(nativeOutput(env), "moq-game-relay")}`));
  });
}
