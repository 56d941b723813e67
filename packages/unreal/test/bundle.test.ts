/** The published file, as text: what every engine of Puerts must understand. */
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { type AnyNode, parse } from "acorn";
import { describe, expect, it } from "vitest";

const file = new URL("../dist/index.js", import.meta.url);
const code = readFileSync(file, "utf8");

/** Methods of built-in objects that V8 8.4 lacks, the oldest of Puerts: of ES2021 and later. */
const YOUNGER = [
  ...["replaceAll", "any", "at", "hasOwn", "findLast", "findLastIndex", "toSorted", "toSpliced"],
  ...[
    "toReversed",
    "with",
    "groupBy",
    "fromAsync",
    "withResolvers",
    "isWellFormed",
    "toWellFormed",
  ],
  ...["transfer", "transferToFixedLength", "try", "waitAsync"],
];
const YOUNGER_GLOBALS = ["AggregateError", "FinalizationRegistry", "WeakRef", "structuredClone"];

function* nodesOf(node: AnyNode): Iterable<AnyNode> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") yield* nodesOf(child as AnyNode);
    }
  }
}

describe("the bundle", () => {
  // ES2021 is that and three operators.
  const tree = parse(code, { ecmaVersion: 2020, sourceType: "script" });

  it("is ES2021, and even ES2020", () => {
    const kinds = new Set([...nodesOf(tree)].map(({ type }) => type as string));
    expect([...kinds]).not.toContain("PropertyDefinition");
    expect([...kinds]).not.toContain("PrivateIdentifier");
    expect(kinds.has("MethodDefinition")).toBe(true);
  });

  it("calls nothing that is younger", () => {
    const found: string[] = [];
    for (const node of nodesOf(tree)) {
      if (node.type === "CallExpression" && node.callee.type === "MemberExpression") {
        const { computed, property } = node.callee;
        if (!computed && property.type === "Identifier" && YOUNGER.includes(property.name))
          found.push(property.name);
      } else if (node.type === "Identifier" && YOUNGER_GLOBALS.includes(node.name)) {
        found.push(node.name);
      } else if (node.type === "NewExpression" && node.callee.type === "Identifier") {
        // The second argument of an error is younger, and older engines ignore it in silence.
        const { name } = node.callee;
        if (
          /^(Eval|Range|Reference|Syntax|Type|URI)?Error$/.test(name) &&
          node.arguments.length > 1
        ) {
          found.push(`${name} with a cause`);
        }
      }
    }
    expect(found).toEqual([]);
  });

  it("has no look-ups where private members were", () => {
    // The memory of ports is one by intent.
    expect(code.match(/new WeakMap\b/g)?.length).toBe(1);
    expect(code.match(/new WeakSet\b/g)).toBe(null);
  });

  it("has the names of its exports where Node looks for them", () => {
    expect(/^0 && \(module\.exports = \{[^}]*\bconnect,[^}]*\}\);$/m.test(code)).toBe(true);
  });

  it.each(["this._slab = void 0", "drain(visitor, options = {})", "return existingPort()?.tick("])(
    "says where %s was written",
    (text) => {
      const lines = code.split("\n");
      const line = lines.findIndex((each) => each.includes(text));
      const payload = JSON.parse(readFileSync(new URL("index.js.map", new URL(".", file)), "utf8"));
      const column = lines[line]?.search(/\S/) ?? 0;
      const entry = new SourceMap(payload).findEntry(line, column);
      const source = payload.sources.indexOf((entry as { originalSource: string }).originalSource);
      const { originalLine } = entry as { originalLine: number };
      const original = payload.sourcesContent[source].split("\n")[originalLine] as string;
      const word = /\w{4,}/.exec(text.replace(/this\._|return /, ""))?.[0] ?? "";
      expect(original).toContain(word);
    },
  );
});
