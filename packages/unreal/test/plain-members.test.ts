import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { plainMembers } from "../scripts/plain-members.mjs";

describe("plain members", () => {
  it("do what private ones do, on the same lines", () => {
    const code = `
class Counter {
  #count = 0;
  #last;
  get #next() { return this.#count + 1; }
  #step() { this.#last = "#count of /#x/" + \`#last \${this.#count}\`; }
  count() { this.#count = this.#next; this.#step(); return [this.#count, this.#last, /#step/.test("#step")]; }
}
const counter = new Counter();
[counter.count(), counter.count(), Object.keys(counter)]`;
    const plain = plainMembers(code);
    expect(plain.split("\n").length).toBe(code.split("\n").length);
    expect(plain).toContain("  _last = void 0;\n");
    const [first, second, keys] = runInNewContext(plain) as unknown[];
    expect([first, second]).toEqual(runInNewContext(code).slice(0, 2));
    expect(keys).toEqual(["_count", "_last"]);
  });

  it.each([
    ["a name that is used", "class A { #x = 1; }; ({})._x", /_x, which is used/],
    ["a name that is looked up", 'class A { #x = 1; }; ({})["_x"]', /_x, which is used/],
    ["a name of a base", "class A { #x; } class B extends A { #x; }", /B and a class.*#x/],
    [
      "one of a base's base",
      "class A { #x; } var B = class extends A {}; class C extends B { #x; }",
      /#x/,
    ],
    ["a base without a name", "class A extends (() => Object)() { #x; }", /no name/],
    ["a question of the brand", "class A { #x; static is(a) { return #x in a; } }", /"#x in"/],
  ])("refuse %s", (_, code, message) => {
    expect(() => plainMembers(code)).toThrow(message);
  });

  it("may have the same names where classes have nothing to do with each other", () => {
    expect(plainMembers("class A { #x; } class B extends Error { #x; }")).toContain("_x = void 0;");
  });
});
