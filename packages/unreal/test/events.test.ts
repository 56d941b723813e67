import { encodeUtf8 } from "@moq-game/core/native";
import { describe, expect, it, vi } from "vitest";
import { type EventValue, receiveEvents, sendEvents } from "../src/engine/events.js";
import type { DelegateLike } from "../src/engine/types.js";
import { pair, until } from "./pair.js";

/** A dispatcher as Puerts gives it. */
class Delegate<Args extends unknown[]> implements DelegateLike<Args> {
  readonly listeners: ((...args: Args) => void)[] = [];
  Add(listener: (...args: Args) => void): void {
    this.listeners.push(listener);
  }
  Remove(listener: (...args: Args) => void): void {
    const at = this.listeners.indexOf(listener);
    if (at >= 0) this.listeners.splice(at, 1);
  }
  Broadcast(...args: Args): void {
    for (const listener of [...this.listeners]) listener(...args);
  }
}

describe("events", () => {
  /** A sender and a receiver that it has. */
  async function connected(options = {}) {
    const [server, viewer] = await pair();
    const sender = sendEvents(server, ["match", "events"], options);
    const receiver = receiveEvents(viewer, ["match", "events"]);
    await until(() => sender.publication.subscribers === 1);
    const hears = (events: number) => {
      let got = 0;
      return until(() => {
        got += receiver.update();
        return got >= events;
      });
    };
    return { server, sender, receiver, hears };
  }

  it("carries what a dispatcher fires, in order, and binds it once", async () => {
    const [server, viewer] = await pair();
    const sender = sendEvents(server, ["match", "events"]);
    const receiver = receiveEvents(viewer, ["match", "events"]);
    await until(() => server.stats().publications[0]?.subscribers === 1);
    const heard: unknown[] = [];
    receiver.on("scored", (...values) => heard.push(["scored", ...values]));
    const stop = receiver.on("said", (text) => heard.push(["said", text]));
    const scored = new Delegate<[string, number]>();
    const unbind = sender.forward(scored, "scored");
    scored.Broadcast("rød", 1);
    sender.emit("said", "hej");
    scored.Broadcast("rød", 2);
    expect(scored.listeners.length).toBe(1);
    unbind();
    unbind();
    expect(scored.listeners.length).toBe(0);
    await until(() => receiver.update() + heard.length >= 3 && heard.length >= 3);
    expect(heard).toEqual([
      ["scored", "rød", 1],
      ["said", "hej"],
      ["scored", "rød", 2],
    ]);
    stop();
    sender.emit("said", "nobody hears");
    sender.emit("scored", "blå", 3);
    await until(() => receiver.update() >= 0 && heard.length >= 4);
    expect(heard[3]).toEqual(["scored", "blå", 3]);
    expect(() => sender.emit("")).toThrow("name");
    sender.forward(scored, "scored");
    await sender.close();
    expect(scored.listeners.length).toBe(0);
  });

  it("counts what it cannot read", async () => {
    const [server, viewer] = await pair();
    const track = server.publish(["match", "noise"], { delivery: "reliable" });
    const receiver = receiveEvents(viewer, ["match", "noise"], { start: "latest-group" });
    await until(() => server.stats().publications[0]?.subscribers === 1);
    for (const bytes of [[1, 2], [91], [91, 49, 93], []]) track.keyframe(Uint8Array.from(bytes));
    await until(() => receiver.update() >= 0 && receiver.malformed === 4);
    receiver.close();
  });

  it("hurt no other listener when one throws, and are said once", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    try {
      const { sender, receiver, hears } = await connected();
      const heard: EventValue[] = [];
      receiver.on("scored", () => {
        throw new Error("a listener's own mistake");
      });
      receiver.on("scored", (points = null) => heard.push(points));
      for (let i = 0; i < 60; i++) sender.emit("scored", i);
      await hears(60);
      expect(heard).toEqual(Array.from({ length: 60 }, (_, i) => i));
      expect(said.mock.calls.length).toBe(1);
      expect(String(said.mock.calls[0]?.[1])).toContain("own mistake");
    } finally {
      said.mockRestore();
    }
  });

  it("are not heard by who was removed, or after the end, by a listener before", async () => {
    const { sender, receiver, hears } = await connected();
    const heard: string[] = [];
    const listener = () => heard.push("second");
    receiver.on("a", () => {
      heard.push("first");
      remove();
    });
    const remove = receiver.on("a", listener);
    // The same function twice is removed one at a time.
    receiver.on("a", listener);
    sender.emit("a");
    await hears(1);
    expect(heard).toEqual(["first", "second"]);
    receiver.on("b", () => receiver.close());
    receiver.on("b", () => heard.push("after the end"));
    sender.emit("b");
    await hears(1);
    expect(heard.length).toBe(2);
    expect(receiver.update()).toBe(0);
    expect(() => receiver.on("c", undefined as never)).toThrow("must be a function");
    expect(() => receiver.on("", listener)).toThrow("name");
  });

  it("come from peers that are hostile", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const { sender, receiver, hears } = await connected({ queueBytes: 64 * 1024 * 1024 });
    try {
      const heard: EventValue[][] = [];
      for (const name of ["__proto__", "constructor", "ok"]) {
        receiver.on(name, (...values) => heard.push(values));
      }
      const deep = `["ok",${"[".repeat(100_000)}${"]".repeat(100_000)}]`;
      const bad = [
        // More arguments than an engine takes.
        `["ok",${"0,".repeat(200_000)}0]`,
        '{"0":"ok","length":1}',
        '"ok"',
        "[[]]",
        '["ok",',
        "null",
        "",
      ];
      const fine = ['["__proto__",1]', '["ok",{"__proto__":{"admin":true},"constructor":1}]', deep];
      for (const text of [...bad, ...fine]) sender.publication.keyframe(encodeUtf8(text));
      await hears(bad.length + fine.length);
      expect(receiver.malformed).toBe(bad.length);
      expect(heard.length).toBe(3);
      expect(heard[0]).toEqual([1]);
      expect(Object.getPrototypeOf(heard[1]?.[0])).toBe(Object.prototype);
      expect(({} as { admin?: boolean }).admin).toBe(undefined);
      expect(said.mock.calls).toEqual([]);
    } finally {
      said.mockRestore();
    }
  });

  it("refuse what JSON cannot carry, by name", async () => {
    const { sender, receiver, hears } = await connected();
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    for (const bad of [1n, circle]) {
      expect(() => sender.emit("scored", bad as never)).toThrow(
        /cannot carry the values of scored/,
      );
    }
    expect(() => sender.emit("many", ...Array.from({ length: 256 }, () => 0))).toThrow(
      "at most 255",
    );
    let heard: readonly EventValue[] = [];
    receiver.on("many", (...values) => {
      heard = values;
    });
    const most = Array.from({ length: 255 }, (_, i) => i);
    sender.emit("many", ...most);
    await hears(1);
    expect(heard).toEqual(most);
    expect(() => sender.forward(new Delegate<[]>(), "")).toThrow("name");
  });

  it("are counted when the queue is full", async () => {
    const { sender } = await connected();
    const full = vi.spyOn(sender.publication, "keyframe").mockReturnValue(false);
    const scored = new Delegate<[number]>();
    sender.forward(scored, "scored");
    expect(sender.emit("scored", 1)).toBe(false);
    scored.Broadcast(2);
    expect(sender.dropped).toBe(2);
    full.mockRestore();
    expect(sender.emit("scored", 3)).toBe(true);
    expect(sender.dropped).toBe(2);
  });

  it("are unbound when the track has ended, and say so once", async () => {
    const { server, sender } = await connected();
    const [scored, gone] = [new Delegate<[number]>(), new Delegate<[number]>()];
    sender.forward(scored, "scored");
    const unbind = sender.forward(gone, "gone");
    unbind();
    sender.forward(gone, "gone");
    gone.Remove = () => {
      throw new Error("the object is gone");
    };
    await server.close();
    expect(() => scored.Broadcast(1)).toThrow();
    expect(scored.listeners.length).toBe(0);
    for (let i = 0; i < 10; i++) scored.Broadcast(2);
    await sender.close();
  });
});
