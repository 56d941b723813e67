import { expect, it } from "vitest";
import { atLeast, missingPrerequisites, versionIn } from "./prerequisites.mjs";
import { pinnedPnpm } from "./setup.mjs";

it("reads versions out of what programs print", () => {
  expect(versionIn("cargo 1.95.0 (f2d3ce0bd 2026-03-21)")).toEqual([1, 95]);
  expect(versionIn("cmake version 3.25.1")).toEqual([3, 25]);
  expect(versionIn("v20.20.2")).toEqual([20, 20]);
  expect(versionIn("nothing here")).toBeUndefined();
});

it("compares numbers, not texts", () => {
  expect(atLeast([3, 25], [3, 25])).toBe(true);
  expect(atLeast([3, 9], [3, 25])).toBe(false);
  expect(atLeast([4, 0], [3, 25])).toBe(true);
  expect(atLeast(undefined, [1, 0])).toBe(false);
});

it("gives one line for each thing that is missing or too old", () => {
  const needed = {
    here: { minimum: [3, 25], find: () => "cmake version 3.30.0", missing: "no here" },
    old: { minimum: [3, 25], find: () => "cmake version 3.10.0", missing: "CMake is needed." },
    gone: { find: () => undefined, missing: "a compiler is needed." },
  };
  expect(missingPrerequisites(["here", "old", "gone"], {}, needed)).toEqual([
    "CMake is needed. Found: cmake version 3.10.0.",
    "a compiler is needed.",
  ]);
});

it("names how to install what an empty machine lacks", () => {
  const lines = missingPrerequisites(["cargo", "cmake"], { PATH: "" });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/rustup/);
  expect(lines[1]).toMatch(/apt-get install cmake/);
});

it("takes the pinned pnpm from package.json and refuses anything else", () => {
  expect(pinnedPnpm('{"packageManager":"pnpm@12.21.0+sha512.abc"}')).toBe("12.21.0");
  expect(() => pinnedPnpm('{"packageManager":"npm@1.0.0"}')).toThrow(/pnpm@x\.y\.z/);
  expect(pinnedPnpm()).toMatch(/^\d+\.\d+\.\d+$/);
});
