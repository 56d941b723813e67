// What a built library is, read from the file itself, and what is wrong with it for its platform.

import { readFileSync } from "node:fs";
import { llvm } from "./llvm.mjs";
import { GLIBC_FLOOR } from "./platforms.mjs";

/**
 * @typedef {object} Binary
 * @property {string} machine
 * @property {string[]} exports names that programs can link, sorted
 * @property {string[]} needs libraries that it loads
 * @property {{ name: string, version: string }[]} glibc symbols of glibc that it asks for, with the version of each
 * @property {boolean} debug whether debug information is inside
 */

const unique = (list) => [...new Set(list)].sort();
const matches = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]);

/** Names in the output of llvm-nm; on Mach-O each carries an underscore in front. */
function names(text, format) {
  const found = text.split(/\r?\n/).filter((line) => line !== "" && !line.endsWith(":"));
  return unique(format === "macho" ? found.map((name) => name.replace(/^_/, "")) : found);
}

async function exportsOf(file, format, env) {
  if (format === "pe") {
    const text = await llvm("llvm-readobj", ["--coff-exports", file], env);
    return unique(matches(text, /^ {2}Name: (\S+)$/gm));
  }
  const dynamic = format === "elf" ? ["--dynamic"] : [];
  const options = [...dynamic, "--defined-only", "--extern-only", "--format=just-symbols"];
  return names(await llvm("llvm-nm", [...options, file], env), format);
}

async function needsOf(file, format, env) {
  if (format === "pe") {
    const text = await llvm("llvm-readobj", ["--coff-imports", file], env);
    return unique(matches(text, /^ {2}Name: (\S+)$/gm));
  }
  const text = await llvm("llvm-readobj", ["--needed-libs", file], env);
  const list = /NeededLibraries \[([^\]]*)\]/.exec(text)?.[1] ?? "";
  return unique(list.split(/\r?\n/).map((line) => line.trim())).filter(Boolean);
}

async function glibcOf(file, env) {
  const options = ["--dynamic", "--undefined-only", "--format=just-symbols"];
  const text = await llvm("llvm-nm", [...options, file], env);
  const found = [...text.matchAll(/^(\S+?)@+GLIBC_([\d.]+)$/gm)];
  return found.map(([, name, version]) => ({ name, version }));
}

/**
 * Reads a shared library or program.
 * @returns {Promise<Binary>}
 */
export async function inspectBinary(file, format, env) {
  const text = await llvm("llvm-readobj", ["--file-headers", "--sections", file], env);
  return {
    machine: /^Arch: (\S+)/m.exec(text)?.[1] ?? "unknown",
    exports: await exportsOf(file, format, env),
    needs: await needsOf(file, format, env),
    glibc: format === "elf" ? await glibcOf(file, env) : [],
    debug: /Name: \.debug_(info|line)\b/.test(text),
  };
}

/** The functions that a static library defines for programs. */
export async function staticFunctions(file, format, env) {
  const options = ["--defined-only", "--extern-only", "--format=just-symbols"];
  const text = await llvm("llvm-nm", [...options, file], env);
  return names(text, format).filter((name) => /^moq_\w+$/.test(name));
}

/** Names of the functions that the header declares. */
export function declaredFunctions(header) {
  // A declaration is not indented, not a comment, and its name stands before a bracket.
  const found = readFileSync(header, "utf8").matchAll(/^[a-z][^\n(]*[ *](moq_\w+)\(/gm);
  return unique([...found].map((match) => match[1]));
}

const compareVersions = (a, b) => a.localeCompare(b, "en", { numeric: true });

/** The newest version of glibc that is asked for; undefined when none is. */
export function glibcFloor(binary) {
  return binary.glibc
    .map((symbol) => symbol.version)
    .sort(compareVersions)
    .at(-1);
}

/**
 * Everything that keeps a shared library from being shipped, one line each.
 * @param {Binary} binary
 * @param {import("./platforms.mjs").Platform} platform
 * @param {{ declared: string[], floor?: string | null }} wanted floor: newest glibc that may be asked for; null: any
 */
export function problemsOf(binary, platform, { declared, floor = GLIBC_FLOOR }) {
  const lines = [];
  if (binary.machine !== platform.machine)
    lines.push(`it is for ${binary.machine}, not for ${platform.machine}`);
  // Rust's own entry for unwinding is visible in libraries that some linkers make.
  const exported = binary.exports.filter((name) => name !== "rust_eh_personality");
  const missing = declared.filter((name) => !exported.includes(name));
  const extra = exported.filter((name) => !declared.includes(name));
  if (missing.length > 0) lines.push(`declared but not exported: ${missing.join(", ")}`);
  if (extra.length > 0) lines.push(`exported but not declared: ${extra.slice(0, 20).join(", ")}`);
  const foreign = binary.needs.filter((name) => !platform.needs.test(name));
  if (foreign.length > 0) lines.push(`it needs ${foreign.join(", ")}, which users may not have`);
  const tooNew = binary.glibc.filter(
    (symbol) => floor !== null && compareVersions(symbol.version, floor) > 0,
  );
  if (tooNew.length > 0) {
    const list = tooNew.map(({ name, version }) => `${name} (${version})`).join(", ");
    lines.push(`it needs a glibc newer than ${floor}: ${list}`);
  }
  return lines;
}
