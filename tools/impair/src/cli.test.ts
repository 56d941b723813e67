import { describe, expect, it } from "vitest";
import { ImpairUsageError, parseImpair } from "./cli.js";

describe("moq-game impair", () => {
  it("reads impairments of both and of one direction, and times", () => {
    const line =
      "--target 127.0.0.1:4443 --seed 7 --loss 3% --delay 40ms --rate 2mbit --queue 128k --keep-order " +
      "--up loss=0.05 --down rate=250kB --outage 5s+3s --rebind 1.5s --seconds 9 --json";
    const { options, duration, json } = parseImpair(line.split(" "));
    expect(options).toEqual({
      target: "127.0.0.1:4443",
      seed: 7,
      both: { loss: 0.03, delay: 40, rate: 250_000, queue: 131_072, keepOrder: true },
      up: { loss: 0.05 },
      down: { rate: 250_000 },
      script: [
        { at: 5_000, outage: 3_000 },
        { at: 1_500, rebind: true },
      ],
    });
    expect([duration, json]).toEqual([9_000, true]);
  });

  it.each([
    ["", /--target is missing/],
    ["--target 127.0.0.1:1 --loss 300%", /takes a share/],
    ["--target 127.0.0.1:1 --delay soon", /--delay takes a time/],
    ["--target 127.0.0.1:1 --rate fast", /--rate takes 2mbit/],
    ["--target 127.0.0.1:1 --up los=3", /--up takes NAME=VALUE/],
    ["--target 127.0.0.1:1 --outage 3s", /--outage takes AT\+LENGTH/],
    ["--target 127.0.0.1:1 --script /nonexistent.json", /--script .*no such file/],
    ["--target 127.0.0.1:1 --frob", /frob/],
  ])("refuses %j", (line, message) => {
    const args = line.split(" ").filter((word) => word !== "");
    expect(() => parseImpair(args)).toThrow(ImpairUsageError);
    expect(() => parseImpair(args)).toThrow(message);
  });
});
