import { describe, expect, it } from "vitest";
import { Listeners } from "./listeners.js";

describe("listeners", () => {
  it("calls none that was removed meanwhile", () => {
    const heard: string[] = [];
    const all = new Listeners<[string]>();
    all.add((word) => {
      heard.push(`first ${word}`);
      removeSecond();
    });
    const removeSecond = all.add((word) => heard.push(`second ${word}`));
    all.add((word) => heard.push(`third ${word}`));
    all.emit("a");
    expect(heard).toEqual(["first a", "third a"]);
  });

  it("says nothing old after the last word", () => {
    const heard: string[] = [];
    const all = new Listeners<[string]>();
    // As a client that one of its listeners closes.
    all.add((word) => {
      heard.push(word);
      if (word === "closed") return;
      all.emit("closed");
      all.clear();
    });
    all.add((word) => heard.push(word));
    all.emit("open");
    expect(heard).toEqual(["open", "closed", "closed"]);
  });

  it("calls one that comes meanwhile only the next time", () => {
    let calls = 0;
    const all = new Listeners<[]>();
    const again = (): void => {
      calls += 1;
      remove();
      remove = all.add(again);
    };
    let remove = all.add(again);
    all.emit();
    expect(calls).toBe(1);
    all.emit();
    expect(calls).toBe(2);
    expect(all.size).toBe(1);
  });

  it("hurts no other when one throws", () => {
    const failed: unknown[] = [];
    const all = new Listeners<[]>((error) => failed.push(error));
    let heard = 0;
    all.add(() => {
      throw new Error("mine");
    });
    all.add(() => {
      heard += 1;
    });
    all.emit();
    expect(heard).toBe(1);
    expect(failed).toEqual([new Error("mine")]);
  });
});
