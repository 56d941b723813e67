import fc from "fast-check";
import { expect, it } from "vitest";
import { Heap } from "./heap.js";

it("gives back earliest first, and of equal times in order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
      const heap = new Heap<{ at: number; n: number }>();
      times.forEach((at, n) => {
        heap.push({ at, n });
      });
      const out = times.map(() => heap.pop());
      expect(heap.pop()).toBeUndefined();
      expect(heap.size).toBe(0);
      const sorted = times.map((at, n) => ({ at, n })).sort((a, b) => a.at - b.at || a.n - b.n);
      expect(out).toEqual(sorted);
    }),
  );
});
