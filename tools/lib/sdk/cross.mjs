// Building for other platforms, and for older Linux systems than this one: zig as C compiler and linker, which carries
// the system libraries of each platform, under cargo by way of cargo-zigbuild. Both come as pinned Python packages and
// live in the cache.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aptInstall } from "../debian.mjs";
import { say } from "../log.mjs";
import { hostTriple } from "../nightly.mjs";
import { cacheDir, withPath } from "../paths.mjs";
import { firstLine, must, run, textOf } from "../run.mjs";
import { SetupError } from "../setup.mjs";
import { MACOS_FLOOR } from "./platforms.mjs";

const ZIG = "0.17.1";
const CARGO_ZIGBUILD = "0.24.0";
const INSTALL_LIMIT_MS = 10 * 60_000;

const programs = process.platform === "win32" ? "Scripts" : "bin";

async function makeVenv(folder, env) {
  const args = ["-m", "venv", folder];
  if ((await run("python3", args, { env, quiet: "always" })).code === 0) return;
  // Debian and Ubuntu keep this part of Python in a package of its own.
  await aptInstall("python3-venv", env);
  if ((await run("python3", args, { env, quiet: true })).code === 0) return;
  throw new SetupError('Python 3 with venv is needed: "apt-get install python3-venv".');
}

/**
 * The environment in which `cargo zigbuild` works.
 * @returns {Promise<{ env: NodeJS.ProcessEnv, zig: string }>} zig: the folder with zig and its libraries
 */
export async function withZig(env) {
  const home = join(cacheDir(env), "cross");
  const folder = join(home, `zig-${ZIG}-zigbuild-${CARGO_ZIGBUILD}`);
  const python = join(folder, programs, "python3");
  const ready = () =>
    existsSync(python) &&
    firstLine(join(folder, programs, "cargo-zigbuild"), ["--version"], env)?.endsWith(
      CARGO_ZIGBUILD,
    );
  if (!ready()) {
    say(`Installing zig ${ZIG} and cargo-zigbuild ${CARGO_ZIGBUILD} into the cache`);
    await makeVenv(folder, env);
    const packages = [`ziglang==${ZIG}`, `cargo-zigbuild==${CARGO_ZIGBUILD}`];
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    await must(python, [...pip, ...packages], { env, quiet: true, timeoutMs: INSTALL_LIMIT_MS });
    if (!ready()) throw new SetupError("cargo-zigbuild was installed and does not run.");
  }
  const where = "import ziglang, os; print(os.path.dirname(ziglang.__file__))";
  const zig = textOf(python, ["-c", where], { env }).trim();
  return {
    zig,
    env: {
      ...withPath(join(folder, programs), env),
      CARGO_ZIGBUILD_ZIG_PATH: join(zig, process.platform === "win32" ? "zig.exe" : "zig"),
      CARGO_ZIGBUILD_CACHE_DIR: join(home, "zigbuild"),
      ZIG_GLOBAL_CACHE_DIR: join(home, "zig"),
    },
  };
}

/** Makes Rust's standard library for a platform available. */
export async function ensureTarget(triple, env) {
  const libraries = firstLine("rustc", ["--print", "target-libdir", "--target", triple], env);
  if (libraries !== undefined && existsSync(libraries)) return;
  say(`Installing Rust's standard library for ${triple}`);
  const args = ["target", "add", triple];
  const added = await run("rustup", args, { env, quiet: true, timeoutMs: INSTALL_LIMIT_MS });
  if (added.code !== 0) throw new SetupError(`"rustup target add ${triple}" failed; see above.`);
}

/** A library of macOS that a program names and of which it uses nothing. */
function emptyStub(installName) {
  return [
    "--- !tapi-tbd",
    "tbd-version: 4",
    "targets: [ x86_64-macos, arm64-macos ]",
    `install-name: '${installName}'`,
    "...",
    "",
  ].join("\n");
}

/**
 * Settings under which cargo links for macOS with the linker that comes with Rust: zig's own exports everything and
 * names its own newest system. It needs to know what the system's library holds; zig knows, and nothing of ours needs
 * a framework, so that no kit of Apple's has to be there.
 */
export function appleSettings(triple, zig, env) {
  const home = join(cacheDir(env), "cross", `macos-stubs-${ZIG}`);
  const libraries = join(home, "usr", "lib");
  mkdirSync(libraries, { recursive: true });
  const system = readFileSync(join(zig, "lib", "libc", "darwin", "libSystem.tbd"), "utf8")
    // LLVM does not know the newest processors; what is there for arm64e is there for arm64.
    .replace(/,?\s*arm64e\.x1-\w+/g, "")
    .replaceAll("arm64e-", "arm64-");
  for (const name of ["libSystem", "libc", "libm"])
    writeFileSync(join(libraries, `${name}.tbd`), system);
  writeFileSync(join(libraries, "libiconv.tbd"), emptyStub("/usr/lib/libiconv.2.dylib"));
  const flags = [
    "-Clinker-flavor=ld64.lld",
    "-Clink-arg=-syslibroot",
    `-Clink-arg=${home}`,
    "-Clink-arg=-dead_strip_dylibs",
    // Objects of C carry the version of zig's kit; it says nothing about them.
    "-Clink-arg=-w",
  ];
  const name = triple.replaceAll("-", "_").toUpperCase();
  const folder = join(firstLine("rustc", ["--print", "sysroot"], env) ?? "", "lib", "rustlib");
  return {
    ...env,
    MACOSX_DEPLOYMENT_TARGET: MACOS_FLOOR,
    [`CARGO_TARGET_${name}_LINKER`]: join(folder, hostTriple(env), "bin", "rust-lld"),
    [`CARGO_TARGET_${name}_RUSTFLAGS`]: flags.join(" "),
  };
}
