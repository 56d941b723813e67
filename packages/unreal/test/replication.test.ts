import { type Client, connectedPair } from "@moq-game/core";
import { afterEach, describe, expect, it } from "vitest";
import { receiveEvents, sendEvents } from "../src/engine/events.js";
import { LOCATION_ERROR } from "../src/engine/pose.js";
import { follow, replicate } from "../src/engine/replication.js";
import type { DelegateLike } from "../src/engine/types.js";

const surroundings = {
  now: () => performance.now(),
  setTimer: (run: () => void, ms: number) => setTimeout(run, ms),
  clearTimer: (handle: unknown) => clearTimeout(handle as NodeJS.Timeout),
};

let clients: Client[] = [];

async function pair(): Promise<readonly [Client, Client]> {
  const made = await connectedPair(surroundings);
  clients = [...made];
  return made;
}

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
});

const soon = () => new Promise((resolve) => setTimeout(resolve, 2));

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("not within 20 s");
    await soon();
  }
}

class Actor {
  x = 0;
  yaw = 0;
  K2_GetActorLocation() {
    return { X: this.x, Y: 0, Z: 0 };
  }
  K2_GetActorRotation() {
    return { Pitch: 0, Yaw: this.yaw, Roll: 0 };
  }
}

describe("replicate and follow", () => {
  it("shows the actor where it was a delay ago", async () => {
    const [server, viewer] = await pair();
    const actor = new Actor();
    const replication = replicate(server, ["match", "hero"], actor, { rate: 20 });
    let now = 5_000;
    const following = follow(viewer, ["match", "hero"], () => now, { delay: 100, extrapolate: 50 });
    expect(following.update()).toBeUndefined();
    await until(() => server.stats().publications[0]?.subscribers === 1);
    // 100 cm a second, 50 ms between poses.
    let published = 0;
    for (let tick = 0; tick < 60; tick++) {
      actor.x += 100 / 60;
      published += replication.update(1 / 60) ? 1 : 0;
      now += 1_000 / 60;
      await until(() => viewer.stats().subscriptions[0]?.objects === published);
      const pose = following.update();
      if (tick > 20) {
        // Where it was 100 ms ago is 10 cm back.
        expect(Math.abs((pose?.location.X ?? 0) - (actor.x - 10))).toBeLessThan(3);
      }
    }
    expect(published).toBeGreaterThanOrEqual(19);
    expect(published).toBeLessThanOrEqual(21);
    // None comes any more: it goes on for 50 ms, then rests.
    const last = actor.x;
    now += 10_000;
    expect(following.update()?.location.X).toBeLessThan(last + 6);
    following.close();
    await replication.close();
  });

  it("stops where the actor stops, and sets off as it does", async () => {
    const [server, viewer] = await pair();
    const actor = new Actor();
    const replication = replicate(server, ["match", "walker"], actor, { rate: 20 });
    let now = 0;
    const following = follow(viewer, ["match", "walker"], () => now);
    await until(() => server.stats().publications[0]?.subscribers === 1);
    let published = 0;
    let shown = 0;
    let [farthest, fastest] = [0, 0];
    // At 600 cm a second, standing still between.
    const play = async (ticks: number, speed: number): Promise<void> => {
      for (let tick = 0; tick < ticks; tick++) {
        actor.x += speed / 60;
        published += replication.update(1 / 60) ? 1 : 0;
        now += 1_000 / 60;
        await until(() => viewer.stats().subscriptions[0]?.objects === published);
        const x = following.update()?.location.X ?? 0;
        farthest = Math.max(farthest, x - actor.x);
        fastest = Math.max(fastest, Math.abs(x - shown));
        shown = x;
      }
    };
    await play(60, 600);
    await play(50, 0);
    expect(shown).toBe(600);
    await play(60, 600);
    await play(50, 0);
    expect(shown).toBe(1_200);
    // Never beyond it, and never in leaps: a frame is 10 cm.
    expect(farthest).toBeLessThanOrEqual(LOCATION_ERROR);
    expect(fastest).toBeLessThan(14);
    following.close();
    await replication.close();
  });

  it("sends nothing while the actor rests, but now and then for those who come late", async () => {
    const [server] = await pair();
    const replication = replicate(server, ["match", "rock"], new Actor(), { rate: 60 });
    let sent = 0;
    for (let tick = 0; tick < 300; tick++) sent += replication.update(1 / 60) ? 1 : 0;
    // Two to say that it stands, then one a second.
    expect(sent).toBeGreaterThanOrEqual(6);
    expect(sent).toBeLessThanOrEqual(7);
  });

  it("does not catch up after a hitch", async () => {
    const [server] = await pair();
    const actor = new Actor();
    const replication = replicate(server, ["match", "hitch"], actor, { rate: 30 });
    let sent = 0;
    for (const delta of [2, 0.001, 0.001, 0.001]) {
      actor.x += 50;
      sent += replication.update(delta) ? 1 : 0;
    }
    expect(sent).toBeLessThanOrEqual(2);
  });

  it("refuses options that make no sense", async () => {
    const [server, viewer] = await pair();
    expect(() => replicate(server, ["a", "b"], new Actor(), { rate: 0 })).toThrow("rate");
    expect(() => follow(viewer, ["a", "b"], () => 0, { delay: -1 })).toThrow("delay");
  });

  it("skips what is no pose", async () => {
    const [server, viewer] = await pair();
    const track = server.publish(["match", "odd"], { delivery: "latest" });
    const following = follow(viewer, ["match", "odd"], () => 0);
    track.send(Uint8Array.of(1, 2, 3));
    await soon();
    track.send(new Uint8Array(40).fill(255));
    await until(() => (viewer.stats().subscriptions[0]?.objects ?? 0) > 0);
    expect(following.update()).toBeUndefined();
  });
});

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
});
