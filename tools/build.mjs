// npm run build: the native library (release), the Node addon, the TypeScript packages and the example.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
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

function nativeLibraries(env) {
  const names = ["libmoq_ffi.a", "libmoq_ffi.so", "libmoq_ffi.dylib", "moq_ffi.lib", "moq_ffi.dll"];
  return names.map((name) => join(nativeOutput(env), name)).filter((file) => existsSync(file));
}

/**
 * The Node addon. The compiler is not asked when neither its sources nor the native library changed: several checkouts
 * may share one cargo target folder, so the library's content counts, not its time.
 */
export function buildAddon(env) {
  const manifest = JSON.parse(readFileSync(join(addon, "package.json"), "utf8"));
  const sources = filesUnder([
    join(addon, "CMakeLists.txt"),
    join(addon, "package.json"),
    join(addon, "native"),
    join(root, "native", "moq-ffi", "include"),
  ]);
  if (!manifest.scripts?.["build:addon"]) return Promise.resolve(false);
  const hash = hashOf([...sources, ...nativeLibraries(env)], [process.version, process.arch]);
  return unlessStamped(stampFile("addon"), existsSync(join(addon, "build")) ? hash : "", () =>
    must("pnpm", ["--dir", addon, "run", "build:addon"], {
      env: { ...env, MOQ_FFI_LIBRARY_DIR: nativeOutput(env) },
      quiet: true,
    }),
  );
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
