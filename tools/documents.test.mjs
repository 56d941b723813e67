// What docs/moq-ffi.md and the header promise to tell: a function, a code or a version that they do not know fails here.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./lib/paths.mjs";
import { libraryVersion } from "./lib/sdk/crates.mjs";
import { declaredFunctions } from "./lib/sdk/inspect.mjs";

const header = join(root, "native", "moq-ffi", "include", "moq_ffi.h");
const declarations = readFileSync(header, "utf8");
const document = readFileSync(join(root, "docs", "moq-ffi.md"), "utf8");

/** The text below a heading, up to the next one of its level. */
function section(name) {
  const [, after] = document.split(`\n## ${name}\n`);
  expect(after, `"## ${name}" of docs/moq-ffi.md`).toBeDefined();
  return after.split("\n## ")[0];
}

/** The cells of a section's tables, headings and rules left out. */
function rows(name) {
  const lines = section(name)
    .split("\n")
    .filter((line) => line.startsWith("|") && !line.startsWith("|---"));
  return lines.slice(1).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("the document of the library", () => {
  it("says of every function on which threads it may be called and for what it waits", () => {
    const named = rows("Threads").flatMap(([functions, waits, inside]) => {
      expect(waits?.length, functions).toBeGreaterThan(0);
      expect(inside?.length, functions).toBeGreaterThan(0);
      return [...functions.matchAll(/`(moq_\w+)`/g)].map(([, name]) => name);
    });
    expect(named.sort()).toEqual(declaredFunctions(header));
  });

  it("says who owns memory, and of every error code its cause and what to do, in the header", () => {
    expect(declarations).toContain("Memory that a caller gives is used during the call only");
    const codes = [...declarations.matchAll(/^ {2}\/\/ (.+)\n {2}MOQ_ERROR_(\w+) = \d+,/gm)];
    expect(codes.length).toBeGreaterThanOrEqual(24);
    expect(codes.length).toBe([...declarations.matchAll(/^ {2}MOQ_ERROR_\w+ = /gm)].length);
    const [, advice] = declarations.split("Errors: what to do next.");
    const told = [...advice.matchAll(/^ \* {3}([A-Z_]+) {2,}(\S.{9,})$/gm)];
    expect(told.map(([, name]) => name)).toEqual(codes.map(([, , name]) => name));
  });

  it("has a policy for versions, which knows this one", () => {
    const policy = section("What stays as it is");
    for (const promise of ["enums keep their numbers", "struct_size", "deprecated"])
      expect(policy).toContain(promise);
    const abi = /^#define MOQ_ABI_VERSION (\d+)/m.exec(declarations)?.[1];
    const minor = libraryVersion().split(".").slice(0, 2).join(".");
    const [newest] = rows("What stays as it is");
    expect(newest?.slice(0, 3)).toEqual([minor, abi, "draft-18"]);
  });

  it("leads from the predecessor to this library, and on to records", () => {
    const guide = section("Coming from the predecessor");
    const inherited = rows("Threads").flatMap(
      ([names]) => names.match(/moq_(?:connect|subscribe)\b/g) ?? [],
    );
    expect(inherited).toEqual(expect.arrayContaining(["moq_connect", "moq_subscribe"]));
    for (const name of [...inherited, "moq_client_open", "moq_subscription_open", "moq_poll"])
      expect(guide).toContain(`\`${name}\``);
  });

  it("helps when something goes wrong", () => {
    const troubles = rows("When something goes wrong");
    expect(troubles.length).toBeGreaterThanOrEqual(10);
    for (const [seen, help] of troubles) expect(help?.length, seen).toBeGreaterThan(20);
  });
});
