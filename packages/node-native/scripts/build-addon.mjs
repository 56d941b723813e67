// Compiles the addon and puts the native library beside it. MOQ_FFI_LIBRARY_DIR names the folder that
// `cargo build --release --package moq-ffi` wrote to; without it, cargo's own default.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const names = { win32: "moq_ffi.dll", darwin: "libmoq_ffi.dylib" };
const name = names[process.platform] ?? "libmoq_ffi.so";
const target = process.env.CARGO_TARGET_DIR ?? join(here, "..", "..", "native", "target");
const from = join(process.env.MOQ_FFI_LIBRARY_DIR ?? join(target, "release"), name);

if (!existsSync(from)) {
  console.error(
    `${from} is missing: run "cargo build --release --package moq-ffi" in native/ first.`,
  );
  process.exit(1);
}
const cmakeJs = createRequire(import.meta.url).resolve("cmake-js/bin/cmake-js");
const built = spawnSync(process.execPath, [cmakeJs, "compile", "--out", "build"], {
  cwd: here,
  stdio: "inherit",
});
if (built.status !== 0) process.exit(built.status ?? 1);
// Renamed into place: a process that has the old one loaded keeps it.
const to = join(here, "build", "Release", name);
copyFileSync(from, `${to}.new`);
renameSync(`${to}.new`, to);
