import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MoqError } from "../errors.js";
import { Backoff, canReconnect, Effort } from "./reconnect.js";

describe("the backoff", () => {
  it("doubles to its limit, between half and all of it", () => {
    const delays = (random: number): number[] => {
      const backoff = new Backoff({ initialDelay: 200, maxDelay: 1_000 }, () => random);
      return Array.from({ length: 6 }, () => backoff.next());
    };
    expect(delays(0)).toEqual([0, 100, 200, 400, 500, 500]);
    expect(delays(0.999).map(Math.round)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it("never exceeds its limit", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 60_000, max: 600_000 }),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 60 }),
        (initialDelay, maxDelay, dice) => {
          const backoff = new Backoff({ initialDelay, maxDelay }, () => dice.pop() ?? 0);
          for (let i = 0; i < 60; i++) {
            const delay = backoff.next();
            expect(delay).toBeGreaterThanOrEqual(0);
            expect(delay).toBeLessThanOrEqual(maxDelay);
          }
        },
      ),
    );
  });

  it("ends for what no attempt can mend, and for a renewed token after three refusals", () => {
    const options = { initialDelay: 1, maxDelay: 1, timeout: 1_000 };
    const refused = new MoqError("unauthorized", "no");
    const lost = new MoqError("connection_failed", "lost");
    const fixed = new Effort(options, false, 0);
    expect(fixed.failed(lost)).toBeUndefined();
    expect(fixed.failed(refused)).toBe(refused);
    expect(fixed.failed(new MoqError("certificate", "wrong"))).toMatchObject({
      code: "certificate",
    });
    const renewed = new Effort(options, true, 0);
    expect([1, 2, 3].map(() => renewed.failed(refused)?.code)).toEqual([
      undefined,
      undefined,
      "unauthorized",
    ]);
    expect(fixed.left(400)).toBe(600);
    expect(fixed.gaveUp(lost, 2_000)).toMatchObject({ code: "connection_failed", retryable: true });
    expect(canReconnect(refused, false)).toBe(false);
    expect(canReconnect(refused, true)).toBe(true);
    expect(canReconnect(new MoqError("closed", "bye"), false)).toBe(true);
    expect(canReconnect(new MoqError("protocol_violation", "bad"), false)).toBe(false);
  });
});
