import { describe, expect, it } from "vitest";
import { encodePose, LOCATION_ERROR, LOCATION_LIMIT } from "../src/engine/pose.js";
import { type FollowOptions, follow, replicate } from "../src/engine/replication.js";
import { pair, soon, until } from "./pair.js";

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

  /** Bytes that {@link replicate} would send at a time of its own. */
  function update(ms: number, x: number): Uint8Array {
    const pose = encodePose({ X: x, Y: 0, Z: 0 }, { Pitch: 0, Yaw: 0, Roll: 0 });
    const bytes = new Uint8Array(4 + pose.length);
    new DataView(bytes.buffer).setUint32(0, ms, true);
    bytes.set(pose, 4);
    return bytes;
  }

  /** Somebody who follows a track that the test writes, by a clock that the test moves. */
  async function following(options: FollowOptions = {}) {
    const [server, viewer] = await pair();
    const track = server.publish(["match", "by hand"], { delivery: "latest" });
    const clock = { now: 1_000 };
    const followed = follow(viewer, ["match", "by hand"], () => clock.now, {
      delay: 0,
      ...options,
    });
    await until(() => track.subscribers === 1);
    let sent = 0;
    const send = async (bytes: Uint8Array): Promise<void> => {
      track.send(bytes);
      sent += 1;
      await until(() => viewer.stats().subscriptions[0]?.objects === sent);
    };
    const x = (): number | undefined => followed.update()?.location.X;
    return { clock, followed, send, x };
  }

  it("shows nothing in between of a teleport, nor beyond it", async () => {
    const { clock, send, x } = await following();
    await send(update(0, 0));
    expect(x()).toBe(0);
    clock.now += 50;
    await send(update(50, 40));
    expect(x()).toBe(40);
    // Respawned 50 m away, and no pose follows.
    clock.now += 50;
    await send(update(100, 5_000));
    const seen = new Set<number | undefined>();
    for (let frame = 0; frame < 20; frame++) {
      seen.add(x());
      clock.now += 10;
    }
    expect([...seen]).toEqual([5_000]);
  });

  it("shows what lies between poses of something fast when told so", async () => {
    const { clock, send, x } = await following({
      teleportDistance: Number.POSITIVE_INFINITY,
      delay: 50,
    });
    await send(update(0, 0));
    x();
    clock.now += 100;
    await send(update(100, 5_000));
    expect(x()).toBeCloseTo(2_500, 0);
  });

  it("goes on after the sender stood still, and after it began anew", async () => {
    const { clock, send, x } = await following({ extrapolate: 100 });
    for (let i = 0; i < 20; i++) {
      await send(update(i * 50, i * 10));
      x();
      clock.now += 50;
    }
    // Paused for 30 s of the clock here.
    clock.now += 30_000;
    for (let i = 20; i < 80; i++) {
      await send(update(i * 50, i * 10));
      const shown = x();
      if (i > 60) expect(Math.abs((shown ?? 0) - i * 10)).toBeLessThan(1);
      clock.now += 50;
    }
    await send(update(7, -500));
    expect(x()).toBe(-500);
  });

  it("is not led astray by a clock that is none or goes back", async () => {
    const { clock, send, x } = await following();
    clock.now = Number.NaN;
    await send(update(0, 1));
    expect(x()).toBe(1);
    clock.now = 5_000;
    await send(update(50, 2));
    expect(x()).toBe(2);
    clock.now = Number.POSITIVE_INFINITY;
    expect(x()).toBe(2);
    clock.now = 10;
    await send(update(100, 3));
    clock.now = 60;
    await send(update(150, 4));
    expect(x()).toBe(4);
  });

  it("counts what is no pose, and keeps what it has", async () => {
    const { clock, followed, send, x } = await following();
    await send(update(1_000, 5));
    expect(x()).toBe(5);
    const noPose = update(3, 9).fill(255, 4);
    for (const bytes of [Uint8Array.of(1, 2, 3), noPose]) {
      clock.now += 10;
      await send(bytes);
      expect(x()).toBe(5);
    }
    expect(followed.malformed).toBe(2);
    expect(followed.subscription.stats.objects).toBe(3);
  });

  it("rests where the actor stopped, not beyond it", async () => {
    const [server, viewer] = await pair();
    const actor = new Actor();
    const replication = replicate(server, ["match", "stop"], actor, { rate: 20 });
    let now = 0;
    const followed = follow(viewer, ["match", "stop"], () => now, { delay: 0, extrapolate: 200 });
    await until(() => replication.publication.subscribers === 1);
    let published = 0;
    for (let tick = 0; tick < 40; tick++) {
      if (tick < 20) actor.x += 10;
      now += 50;
      published += replication.update(0.05) ? 1 : 0;
      await until(() => viewer.stats().subscriptions[0]?.objects === published);
      followed.update();
    }
    expect(followed.update()?.location.X).toBe(200);
    now += 150;
    expect(followed.update()?.location.X).toBe(200);
  });

  it("refuses seconds that are none, and tells once that the track has ended", async () => {
    const [server] = await pair();
    const actor = new Actor();
    const replication = replicate(server, ["match", "bad"], actor, { rate: 60 });
    for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY, "1" as unknown as number]) {
      if (typeof bad === "string") continue;
      expect(() => replication.update(bad)).toThrow("seconds since the last call");
    }
    expect(replication.update(0)).toBe(true);
    // A paused game ticks with 0 s.
    for (let i = 0; i < 10; i++) expect(replication.update(0)).toBe(false);
    actor.x = Number.NaN;
    expect(() => replication.update(1)).toThrow("X of a location");
    actor.x = LOCATION_LIMIT * 2;
    expect(() => replication.update(1)).toThrow("X of a location");
    actor.x = 1;
    expect(replication.update(1)).toBe(true);
    await server.close();
    expect(() => replication.update(1)).toThrow();
    for (let i = 0; i < 10; i++) expect(replication.update(1)).toBe(false);
  });

  it("refuses options that make no sense", async () => {
    const [server, viewer] = await pair();
    expect(() => replicate(server, ["a", "b"], new Actor(), { rate: 0 })).toThrow("rate");
    expect(() => follow(viewer, ["a", "b"], () => 0, { delay: -1 })).toThrow("delay");
    for (const teleportDistance of [0, -1, Number.NaN]) {
      const options = { teleportDistance };
      expect(() => follow(viewer, ["a", "b"], () => 0, options)).toThrow("teleportDistance");
    }
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
