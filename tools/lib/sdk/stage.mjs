// The content of an archive, laid out in a folder.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../paths.mjs";
import { firstLine } from "../run.mjs";
import { native } from "../runners.mjs";
import { SetupError } from "../setup.mjs";
import { cratesOf, libraryVersion } from "./crates.mjs";
import {
  declaredFunctions,
  glibcFloor,
  inspectBinary,
  problemsOf,
  staticFunctions,
} from "./inspect.mjs";
import { noticesOf } from "./notices.mjs";
import { GLIBC_FLOOR } from "./platforms.mjs";
import { sbomOf } from "./sbom.mjs";
import { copyStaticLibrary, copyStripped } from "./symbols.mjs";

const templates = join(dirname(fileURLToPath(import.meta.url)), "templates");
const ffi = join(native, "moq-ffi");

/** All files of a folder, relative to it, with "/" between names, sorted. */
export function filesIn(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .map((path) => path.split(sep).join("/"))
    .sort();
}

export function sha256(file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** Writes SHA256SUMS beside the files that it lists, as `sha256sum --check` reads it. */
export function writeSums(folder, files) {
  const lines = files.map((name) => `${sha256(join(folder, name))}  ${name}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), lines.join(""));
}

/** A template with its @NAMES@ filled in. */
function fill(name, values) {
  const text = readFileSync(join(templates, name), "utf8");
  return text.replace(/@([A-Z_]+)@/g, (_, key) => {
    if (values[key] === undefined) throw new Error(`${name}: no value for ${key}`);
    return values[key];
  });
}

/** Where the shared library lies in the archive: beside programs on Windows, which look for it there. */
export function sharedLibraryPath(platform) {
  return join(platform.format === "pe" ? "bin" : "lib", platform.shared);
}

/** What CMake and pkg-config need to know. */
function packageFiles(folder, platform, version) {
  const shared = sharedLibraryPath(platform).split(sep).join("/");
  const libraries = platform.systemLibraries;
  const values = {
    VERSION: version,
    MAJOR: version.split(".")[0],
    MINOR: version.split(".").slice(0, 2).join("."),
    POINTER_SIZE: "8",
    SHARED: shared,
    STATIC: `lib/${platform.staticLibrary}`,
    IMPORT_LIBRARY: platform.importLibrary ? `lib/${platform.importLibrary}` : "",
    SYSTEM_LIBRARIES: libraries.join(";"),
    SYSTEM_FLAGS: libraries.map((name) => `-l${name}`).join(" "),
    LINK_NAME: platform.importLibrary ? `\${libdir}/${platform.importLibrary}` : "-lmoq_ffi",
  };
  const cmake = join(folder, "lib", "cmake", "moq_ffi");
  const pkgconfig = join(folder, "lib", "pkgconfig");
  for (const [target, name] of [
    [cmake, "moq_ffi-config.cmake"],
    [cmake, "moq_ffi-config-version.cmake"],
    [pkgconfig, "moq_ffi.pc"],
    [pkgconfig, "moq_ffi-static.pc"],
  ]) {
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, name), fill(name, values));
  }
}

/** Licences of what is inside and is no crate. */
function otherNotices(folder, zig, env) {
  const apache = readFileSync(join(root, "LICENSE-APACHE"), "utf8").trim();
  const others = [
    {
      name: `Rust standard library (${firstLine("rustc", ["--version"], env)})`,
      licence: "MIT OR Apache-2.0",
      text: apache,
    },
  ];
  // The compiler's own account of what its library is made of.
  const sysroot = firstLine("rustc", ["--print", "sysroot"], env) ?? "";
  const account = join(sysroot, "share", "doc", "rust", "COPYRIGHT-library.html");
  if (existsSync(account))
    copyFileSync(account, join(folder, "NOTICES-rust-standard-library.html"));
  if (!zig) return others;
  const parts = [
    ["zig runtime library", "MIT", "LICENSE"],
    ["LLVM libunwind", "Apache-2.0 WITH LLVM-exception", "lib/libunwind/LICENSE.TXT"],
    ["mingw-w64 runtime (Windows only)", "ZPL-2.1", "lib/libc/mingw/COPYING"],
  ];
  for (const [name, licence, file] of parts) {
    others.push({ name, licence, text: readFileSync(join(zig, file), "utf8").trim() });
  }
  return others;
}

/** Refuses a library that users could not load or link. */
async function check(output, platform, local, env) {
  const library = join(output.folder, platform.shared);
  const binary = await inspectBinary(library, platform.format, env);
  const declared = declaredFunctions(join(ffi, "include", "moq_ffi.h"));
  const floor = local ? null : GLIBC_FLOOR;
  const problems = problemsOf(binary, platform, { declared, floor });
  const archive = join(output.folder, platform.staticLibrary);
  const inStatic = await staticFunctions(archive, platform.format, env);
  const missing = declared.filter((name) => !inStatic.includes(name));
  if (missing.length > 0) problems.push(`missing in the static library: ${missing.join(", ")}`);
  if (problems.length === 0) return binary;
  throw new SetupError([`${library} cannot be shipped:`, ...problems].join("\n  "));
}

/**
 * Lays out the SDK of a platform.
 * @param {import("./platforms.mjs").Platform} platform
 * @param {import("./compile.mjs").Output} output
 * @param {{ folder: string, symbols: string, local: boolean }} to folders: for the SDK and for debug symbols
 */
export async function stage(platform, output, { folder, symbols, local }, env) {
  for (const each of [folder, symbols]) {
    rmSync(each, { recursive: true, force: true });
    mkdirSync(each, { recursive: true });
  }
  const binary = await check(output, platform, local, env);
  const from = (name) => join(output.folder, name);
  cpSync(join(ffi, "include"), join(folder, "include"), { recursive: true });
  cpSync(join(ffi, "examples"), join(folder, "examples"), { recursive: true });
  const shared = join(folder, sharedLibraryPath(platform));
  await copyStripped(from(platform.shared), shared, platform, symbols, env);
  const program = join(folder, "bin", platform.program);
  await copyStripped(from(platform.program), program, platform, symbols, env);
  const archive = join(folder, "lib", platform.staticLibrary);
  await copyStaticLibrary(from(platform.staticLibrary), archive, platform, env);
  if (platform.importLibrary) {
    copyFileSync(from(platform.importLibrary), join(folder, "lib", platform.importLibrary));
  }
  const version = libraryVersion();
  packageFiles(folder, platform, version);

  const crates = cratesOf(platform.triple, env);
  const compiler = firstLine("rustc", ["--version"], env) ?? "";
  const notices = noticesOf(crates, otherNotices(folder, output.zig, env));
  writeFileSync(join(folder, "THIRD-PARTY-NOTICES.txt"), notices);
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE"])
    copyFileSync(join(root, name), join(folder, name));
  const files = [shared, archive, program].map((file) => ({
    name: basename(file),
    sha256: sha256(file),
  }));
  writeFileSync(
    join(folder, "sbom.cdx.json"),
    sbomOf(crates, { platform: platform.name, compiler, files }),
  );
  writeFileSync(
    join(folder, "README.md"),
    fill("README.md", readmeValues(platform, binary, version)),
  );
  writeSums(folder, filesIn(folder));
}

function readmeValues(platform, binary, version) {
  const floor = glibcFloor(binary);
  const system = {
    elf: `Linux with glibc ${floor} or newer`,
    pe: "Windows 10 or newer",
    macho: "macOS",
  };
  return {
    VERSION: version,
    PLATFORM: platform.name,
    SYSTEM: system[platform.format],
    SHARED: sharedLibraryPath(platform).split(sep).join("/"),
    STATIC: `lib/${platform.staticLibrary}`,
    PROGRAM: platform.program,
  };
}
