import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { byCrate, percent, readEnvironment } from "./coverage.mjs";

const file = (path, covered, count) => ({
  filename: join("/w/native", path),
  summary: { lines: { covered, count } },
});

describe("byCrate", () => {
  it("adds up the files of each crate, and all of them", () => {
    const files = [file("moqt/src/a.rs", 1, 4), file("moqt/src/b/c.rs", 2, 2)];
    const report = { data: [{ files: [...files, file("moq-ffi/src/lib.rs", 3, 3)] }] };
    expect(byCrate(report, "/w/native")).toEqual([
      { crate: "moq-ffi", covered: 3, lines: 3 },
      { crate: "moqt", covered: 3, lines: 6 },
      { crate: "workspace", covered: 6, lines: 9 },
    ]);
  });
});

describe("percent", () => {
  it("is never rounded up", () => {
    expect(percent({ covered: 84_999, lines: 100_000 })).toBe(84.9);
    expect(percent({ covered: 0, lines: 0 })).toBe(100);
  });
});

describe("readEnvironment", () => {
  it("takes quotes and export away", () => {
    const text = "export A='b c'\nD=\"e\"\nF=g\nnot a variable\n";
    expect(readEnvironment(text)).toEqual({ A: "b c", D: "e", F: "g" });
  });
});
