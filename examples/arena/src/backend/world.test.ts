import { describe, expect, it } from "vitest";
import { FIELD } from "../shared/codec.js";
import { World } from "./world.js";

const stick = (x: number, y: number) =>
  ({ type: "input", sequence: 1, x, y, dash: false }) as const;

describe("World", () => {
  it("moves a player the way the stick points", async () => {
    const world = await World.create(1);
    expect(world.join("ann")).toBe(0);
    const at = () => world.bodies().find((body) => body.name === "ann");
    const before = at();
    world.steer("ann", stick(0, before !== undefined && before.y > FIELD.height / 2 ? -1 : 1));
    for (let i = 0; i < 30; i++) world.step();
    expect(Math.abs((at()?.y ?? 0) - (before?.y ?? 0))).toBeGreaterThan(1);
    expect(at()?.x).toBeCloseTo(before?.x ?? -1, 0);
  });

  it("keeps everything inside the walls and counts goals", async () => {
    const world = await World.create(24, 7);
    for (let i = 0; i < 8; i++) world.join(`p${i}`);
    expect(world.bodyCount).toBe(32);
    let goals = 0;
    for (let tick = 0; tick < 1200; tick++) {
      for (let i = 0; i < 8; i++)
        world.steer(`p${i}`, stick(i % 2 ? 1 : -1, Math.sin(tick / 9 + i)));
      if (world.step() !== undefined) goals += 1;
    }
    expect(world.score[0] + world.score[1]).toBe(goals);
    for (const body of world.bodies()) {
      expect(body.x).toBeGreaterThan(-3);
      expect(body.x).toBeLessThan(FIELD.width + 3);
      expect(body.y).toBeGreaterThan(-0.5);
      expect(body.y).toBeLessThan(FIELD.height + 0.5);
    }
  });

  it("balances the teams and refuses a name twice", async () => {
    const world = await World.create(1);
    const teams = ["a", "b", "c", "d"].map((name) => world.join(name));
    expect(teams.filter((team) => team === 0).length).toBe(2);
    expect(world.join("a")).toBeUndefined();
    expect(world.leave("a")).toBe(0);
    expect(world.leave("a")).toBeUndefined();
  });
});
