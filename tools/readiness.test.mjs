// A claim whose proof was renamed would show as open only after half an hour of tests.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./lib/paths.mjs";
import { CLAIMS, steps } from "./readiness.mjs";

const native = join(root, "native");
const areas = JSON.parse(readFileSync(CLAIMS, "utf8"));
const claims = areas.flatMap(({ claims }) => claims);

function texts(folder, ending) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), "utf8"))
    .join("\n");
}

/** Names of the tests of the C ABI in C++, and those that CMake gives to programs. */
function cppTests() {
  const folder = join(native, "moq-ffi", "tests");
  const found = texts(folder, ".cc").matchAll(/^TEST(?:_F|_P)?\((\w+), (\w+)\)/gm);
  const named = readFileSync(join(folder, "CMakeLists.txt"), "utf8").matchAll(
    /NAME "?([\w.${}]+)"?/g,
  );
  return [
    ...[...found].map(([, suite, name]) => `${suite}.${name}`),
    ...[...named].map(([, name]) => name.replace(/\$\{.*/, "")),
  ];
}

/** Names of functions that are tests in Rust; macros that make them are given `name => ...;`. */
function rustTests() {
  const crates = ["moqt", "moqt-net", "moqt-relay", "moq-ffi", "moqt-bench"];
  const plain = /#\[test\]\n(?:\s*#\[.*\n)*\s*fn (\w+)\(/g;
  const made = /^ {4}(\w+) => \w+;$/gm;
  return crates.flatMap((crate) => {
    const text = texts(join(native, crate), ".rs");
    return [...text.matchAll(plain), ...text.matchAll(made)].map(([, name]) => name);
  });
}

describe("the claims", () => {
  const cpp = cppTests();
  const rust = rustTests();
  const known = { cpp, panics: cpp, tsan: cpp, coverage: rust };

  it.each(claims.map((claim) => [claim.claim, claim]))("%s", (_, { proof, open }) => {
    // Proved, or said why not; never both, never neither.
    expect(proof.length > 0).toBe(open === undefined);
    for (const one of proof) {
      const [step, name] = one.split("/");
      expect(steps.map((each) => each.name)).toContain(step);
      if (name === undefined || step === "deny") continue;
      const plain = name.replace(/^.*::/, "");
      const there = (test) =>
        plain.endsWith("*") ? test.startsWith(plain.slice(0, -1)) : test === plain;
      expect(known[step].some(there), one).toBe(true);
    }
  });
});
