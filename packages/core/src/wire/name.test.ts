import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { trackName } from "../../test/arbitraries.js";
import { formatTrack, nameProblem, namespaceStartsWith, parseTrack, tracksEqual } from "./name.js";
import { grease, isGrease } from "./padding.js";
import {
  encodeProperties,
  findProperty,
  mandatoryProperties,
  objectFault,
  PropertyType,
} from "./properties.js";
import { encodeUtf8 } from "./utf8.js";

const bytes = encodeUtf8;

describe("names", () => {
  it("have the draft's text form", () => {
    const track = {
      namespace: [bytes("example.net"), bytes("team2"), bytes("project_x")],
      name: bytes("report"),
    };
    expect(formatTrack(track)).toBe("example.2enet-team2-project_x--report");
    expect(parseTrack("example.2enet-team2-project_x--report")).toEqual(track);
  });

  it("text forms are one to one", () => {
    fc.assert(
      fc.property(trackName, trackName, (a, b) => {
        expect(parseTrack(formatTrack(a))).toEqual(a);
        expect(formatTrack(a) === formatTrack(b)).toBe(tracksEqual(a, b));
      }),
    );
  });

  it("other texts are refused", () => {
    for (const text of ["", "a", "a--.61", "a--.2E", "a--.", "a--.2", "a--b c", "-a--b", "a---b"]) {
      expect(parseTrack(text), text).toBeUndefined();
    }
  });

  it("say what is wrong with them", () => {
    expect(nameProblem([bytes("a")], bytes(""))).toBeUndefined();
    expect(nameProblem([bytes("")])).toContain("empty");
    expect(nameProblem(Array.from({ length: 33 }, () => bytes("a")))).toContain("32");
    expect(nameProblem([new Uint8Array(4096)], bytes("a"))).toContain("4096");
    expect(namespaceStartsWith([bytes("a"), bytes("b")], [bytes("a")])).toBe(true);
    expect(namespaceStartsWith([bytes("ab")], [bytes("a")])).toBe(false);
  });
});

describe("properties", () => {
  const immutable = (...inner: { type: number; value: number | Uint8Array }[]) => ({
    type: PropertyType.ImmutableProperties,
    value: encodeProperties(inner),
  });

  it("are found within immutable ones", () => {
    const pairs = [immutable({ type: 0x0e, value: 9 }), { type: 0x30, value: 1 }];
    expect(findProperty(pairs, 0x0e)).toBe(9);
    expect(findProperty(pairs, 0x30)).toBe(1);
    expect(findProperty(pairs, 0x22)).toBeUndefined();
    expect(mandatoryProperties([immutable({ type: 0x4000, value: 1 })])).toEqual([0x4000]);
  });

  it("that make a track malformed are named", () => {
    const { PriorGroupIdGap, PriorObjectIdGap } = PropertyType;
    const fine = [{ type: PriorGroupIdGap, value: 5 }];
    expect(objectFault(fine, 5, 0)).toBeUndefined();
    expect(objectFault(fine, 4, 0)).toContain("GROUP");
    expect(objectFault([{ type: PriorObjectIdGap, value: 1 }], 4, 0)).toContain("OBJECT");
    expect(objectFault([...fine, ...fine], 9, 9)).toContain("twice");
    expect(objectFault([{ type: 0x4001, value: bytes("") }], 9, 9)).toContain("mandatory");
    expect(objectFault([immutable(immutable())], 9, 9)).toContain("within");
  });
});

it("grease values are of the reserved form", () => {
  expect([grease(0), grease(1)]).toEqual([0x9d, 0x11c]);
  expect(isGrease(0x3fffffffffffffden)).toBe(true);
  expect([0, 0x1e, 0x9c, 0x9e].some(isGrease)).toBe(false);
});
