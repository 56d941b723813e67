import { expect, it } from "vitest";
import { Resumption } from "./resumption.js";

it("tells a reader that was too slow which groups were passed over", () => {
  const behind = new Resumption({ group: 5, object: 4 }, { group: 5, object: 3 }, true);
  expect(behind.accepted({ group: 9, object: 7 }, true)).toBe(true);
  const missed = (group: number, object: number) =>
    behind.missedBefore({ group, object }, "reliable");
  expect(missed(5, 4)).toBeUndefined();
  // That the group at hand has a gap was told when it was given up.
  expect(missed(5, 9)).toBeUndefined();
  expect(missed(6, 0)).toBeUndefined();
  expect(missed(9, 0)).toEqual({
    fromGroup: 6,
    toGroup: 8,
    objects: undefined,
    reason: "too_far_behind",
  });
});

it("says nothing of groups that may not exist", () => {
  const behind = new Resumption({ group: 5, object: 4 }, { group: 5, object: 3 }, true);
  behind.accepted({ group: 9, object: 7 }, false);
  expect(behind.missedBefore({ group: 9, object: 0 }, "reliable")).toBeUndefined();
});
