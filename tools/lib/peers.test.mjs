import { expect, test } from "vitest";
import { installedCrates, PEERS } from "./peers.mjs";

test("the list of installed crates is read", () => {
  const toml = [
    "[v1]",
    '"moq-test-client 0.2.0 (registry+https://example.net/index)" = ["moq-test-client"]',
    '"other 1.0.0-rc.1 (path+file:///x)" = ["one", "two"]',
  ].join("\n");
  expect([...installedCrates(toml)]).toEqual([
    ["moq-test-client", "0.2.0"],
    ["other", "1.0.0-rc.1"],
  ]);
  expect(installedCrates("[v1]\n").size).toBe(0);
});

test("every peer is pinned to one version", () => {
  for (const { version } of PEERS) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});
