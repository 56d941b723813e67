import { describe, expect, it } from "vitest";
import { Backend } from "./backend.js";

describe("the demonstration without a browser", () => {
  it("plays a match over QUIC and sums it up in its last line", async () => {
    const backend = Backend.start("--headless", "--seconds", "5");
    expect(await backend.exit(), backend.lines.join("\n")).toBe(0);
    const summary = JSON.parse(backend.lines.at(-1) ?? "");
    expect(summary).toMatchObject({
      bodies: 32,
      bots: 8,
      refusedUpdates: 0,
      inputs: { malformed: 0 },
      spectator: { missing: 0, moved: true },
    });
    // Three hundred on a machine that keeps up; what others get is measured by those that there were.
    expect(summary.ticks).toBeGreaterThan(60);
    expect(summary.spectator.updates).toBeGreaterThan(summary.ticks / 2);
    expect(summary.spectator.keyframes).toBeGreaterThan(0);
    expect(summary.spectator.poses).toBeGreaterThan(summary.ticks / 5);
    // Eight bots send four a tick; datagrams may be lost, but not most of them.
    expect(summary.inputs.received).toBeGreaterThan(summary.ticks);
  });

  it.each([
    [["--bots", "many"], /--bots takes a whole number from 0 to 16, not "many"/],
    [["--bogus"], /bogus/],
    [["--relay-port", "70000"], /0 to 65535/],
  ])("says what is wrong with %j", async (args, message) => {
    const backend = Backend.start(...args);
    expect(await backend.exit()).toBe(1);
    expect(backend.lines.join("\n")).toMatch(message);
    expect(backend.lines.length).toBeLessThan(4);
  });

  it("says which port is in use", async () => {
    const first = Backend.start("--port", "0");
    const [, port] = await first.line(/http:\/\/localhost:(\d+)/);
    const second = Backend.start("--port", String(port));
    expect(await second.exit()).toBe(1);
    expect(second.lines.join("\n")).toMatch(new RegExp(`port ${port} is in use`));
    expect(await first.stop()).toBe(0);
  });
});
