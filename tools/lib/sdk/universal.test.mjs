import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { llvm } from "./llvm.mjs";
import { machO } from "./macho.fixture.mjs";
import { writeUniversal } from "./universal.mjs";

const folder = mkdtempSync(join(tmpdir(), "moq-universal-"));
afterAll(() => rmSync(folder, { recursive: true }));

function thin(name, processor) {
  const file = join(folder, name);
  writeFileSync(file, machO(processor));
  return file;
}

it("puts libraries for two processors into one that LLVM reads", async () => {
  const parts = [thin("arm64", "arm64"), thin("x64", "x86_64")];
  const to = join(folder, "universal.dylib");
  writeUniversal(parts, to);
  const headers = await llvm("llvm-readobj", ["--file-headers", to], process.env);
  expect([...headers.matchAll(/^Arch: (\S+)/gm)].map(([, arch]) => arch)).toEqual([
    "aarch64",
    "x86_64",
  ]);
  const table = await llvm("llvm-objdump", ["--macho", "--universal-headers", to], process.env);
  const offsets = [...table.matchAll(/offset (\d+)/g)].map(([, offset]) => Number(offset));
  expect(offsets).toEqual([16_384, 32_768]);
  const whole = readFileSync(to);
  for (const [index, part] of parts.entries()) {
    const bytes = readFileSync(part);
    expect(whole.subarray(offsets[index], offsets[index] + bytes.length)).toEqual(bytes);
  }
});

it("refuses two of one processor, and what is no library", () => {
  const to = join(folder, "refused.dylib");
  const one = thin("one", "arm64");
  expect(() => writeUniversal([one, thin("two", "arm64")], to)).toThrow(/same processor/);
  writeFileSync(join(folder, "text"), "no library at all, but long enough to be one");
  expect(() => writeUniversal([one, join(folder, "text")], to)).toThrow(/text is no library/);
  writeUniversal([one, thin("three", "x86_64")], to);
  expect(() => writeUniversal([to, one], to)).toThrow(/no library for one processor/);
});
