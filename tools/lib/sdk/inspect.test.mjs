import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { declaredFunctions, glibcFloor, inspectBinary, problemsOf } from "./inspect.mjs";
import { PLATFORMS } from "./platforms.mjs";

const folder = mkdtempSync(join(tmpdir(), "moq-inspect-"));
afterAll(() => rmSync(folder, { recursive: true }));

const linux = PLATFORMS.find((platform) => platform.name === "linux-x64");
const good = {
  machine: "x86_64",
  exports: ["moq_poll", "moq_version"],
  needs: ["libc.so.6"],
  glibc: [
    { name: "memcpy", version: "2.14" },
    { name: "fcntl64", version: "2.28" },
    { name: "free", version: "2.2.5" },
  ],
  debug: true,
};
const declared = ["moq_poll", "moq_version"];

describe("problemsOf", () => {
  it("finds nothing wrong with a good library", () => {
    expect(problemsOf(good, linux, { declared })).toEqual([]);
    expect(glibcFloor(good)).toBe("2.28");
  });

  it.each([
    ["another machine", { machine: "aarch64" }, /for aarch64, not for x86_64/],
    ["a function missing", { exports: ["moq_poll"] }, /not exported: moq_version/],
    ["a function too many", { exports: [...declared, "moq_secret"] }, /not declared: moq_secret/],
    ["a library that users lack", { needs: ["libssl.so.3"] }, /needs libssl\.so\.3/],
    [
      "a newer glibc",
      { glibc: [{ name: "dlsym", version: "2.34" }] },
      /newer than 2\.28: dlsym \(2\.34\)/,
    ],
  ])("names %s", (_, change, wanted) => {
    const problems = problemsOf({ ...good, ...change }, linux, { declared });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(wanted);
  });

  it("leaves the glibc alone where none is asked for", () => {
    const newer = { ...good, glibc: [{ name: "dlsym", version: "2.34" }] };
    expect(problemsOf(newer, linux, { declared, floor: null })).toEqual([]);
  });
});

it("reads the names of functions from a header", () => {
  const header = join(folder, "some.h");
  writeFileSync(
    header,
    [
      "// bool moq_comment(void);",
      "typedef void (*MoqCallback)(void *user_data);",
      "const char *moq_version(void);",
      "enum MoqResultCode moq_poll(MoqHandle client,",
      "                            uint8_t *moq_buffer);",
      "",
    ].join("\n"),
  );
  expect(declaredFunctions(header)).toEqual(["moq_poll", "moq_version"]);
});

it.runIf(process.platform === "linux")("reads a library as the compiler made it", async () => {
  const source = join(folder, "some.c");
  const library = join(folder, "libsome.so");
  const text =
    '#include <stdlib.h>\nint moq_a(void) { return atoi("1"); }\nint moq_b;\nstatic int c(void) { return 1; }\nint (*moq_d)(void) = c;\n';
  writeFileSync(source, text);
  const made = spawnSync("cc", ["-shared", "-fPIC", "-g", source, "-o", library]);
  expect(made.status).toBe(0);
  const binary = await inspectBinary(library, "elf", process.env);
  expect(binary.exports).toEqual(["moq_a", "moq_b", "moq_d"]);
  expect(binary.needs).toEqual(["libc.so.6"]);
  expect(binary.glibc.map((symbol) => symbol.name)).toContain("atoi");
  expect(binary.debug).toBe(true);
  expect(["x86_64", "aarch64"]).toContain(binary.machine);
});
