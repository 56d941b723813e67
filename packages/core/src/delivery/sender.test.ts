import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { senderRig, source } from "../../test/delivery-rig.js";
import { StreamCode } from "../wire/error.js";
import { DatagramSender } from "./sender-datagram.js";
import { DeadlineSender } from "./sender-deadline.js";
import { LatestSender } from "./sender-latest.js";
import { ReliableSender } from "./sender-reliable.js";

describe("reliable", () => {
  it("puts each group on one stream and finishes it when the next one starts", () => {
    const { session, config } = senderRig();
    const sender = new ReliableSender(config);
    for (const [group, object] of [
      [10, 0],
      [10, 1],
      [11, 0],
      [11, 1],
      [11, 2],
    ] as const) {
      sender.push(source(group, object));
    }
    expect(
      session.streams.map(({ header, objects, fin }) => [header.group, objects.length, fin]),
    ).toEqual([
      [10, 2, true],
      [11, 3, false],
    ]);
    sender.end();
    expect(session.streams[1]?.fin).toBe(true);
    expect(sender.streamCount).toBe(2);
    expect(sender.flushed).toBe(false);
  });

  it("keeps everything while the network takes nothing, and goes on in order", () => {
    const { session, config } = senderRig();
    const sender = new ReliableSender(config);
    session.congested = true;
    for (let i = 0; i < 100; i++) sender.push(source(1 + Math.floor(i / 10), i % 10, 100));
    expect(session.streams.length).toBe(1);
    expect(sender.queuedObjects).toBe(100);
    expect(sender.queuedBytes).toBe(10_000);
    session.congested = false;
    sender.writable(0);
    expect(sender.queuedObjects).toBe(0);
    expect(
      session.streams.flatMap(({ header, objects }) =>
        objects.map(({ object }) => `${header.group}.${object}`),
      ),
    ).toEqual(Array.from({ length: 100 }, (_, i) => `${1 + Math.floor(i / 10)}.${i % 10}`));
  });

  it("waits for stream credit without losing anything", () => {
    const { session, config } = senderRig();
    session.credit = 1;
    const sender = new ReliableSender(config);
    for (let group = 0; group < 5; group++) sender.push(source(group));
    expect(session.streams.length).toBe(1);
    session.credit = 10;
    sender.streamsAvailable();
    expect(session.streams.map(({ header }) => header.group)).toEqual([0, 1, 2, 3, 4]);
  });

  it("sends no more of a group that the subscriber stopped", () => {
    const { session, config } = senderRig();
    const sender = new ReliableSender(config);
    sender.push(source(1, 0));
    sender.stopped(0);
    sender.push(source(1, 1));
    sender.push(source(2, 0));
    expect(session.streams.map(({ header }) => header.group)).toEqual([1, 2]);
  });
});

describe("latest", () => {
  it("replaces what has not started and counts it", () => {
    const rig = senderRig();
    const sender = new LatestSender(rig.config);
    rig.session.congested = true;
    for (let group = 0; group < 10; group++) sender.push(source(group));
    expect(rig.session.streams.map(({ header }) => header.group)).toEqual([0]);
    expect(rig.dropped).toBe(8);
    rig.session.congested = false;
    sender.writable(0);
    expect(rig.session.streams.map(({ header }) => header.group)).toEqual([0, 9]);
    // The older one is cut only once the newer one has arrived.
    expect(rig.session.streams[0]?.reset).toBeUndefined();
    rig.ack(sender, rig.session.streams[1]!);
    expect(rig.session.streams[0]?.reset).toBe(StreamCode.DeliveryTimeout);
    expect(sender.flushed).toBe(true);
  });

  it("under any network: never resets the newest, and the last update always arrives", () => {
    const step = fc.oneof(
      fc.constant({ kind: "push" as const }),
      fc.record({ kind: fc.constant("congested" as const), on: fc.boolean() }),
      fc.record({ kind: fc.constant("credit" as const), streams: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ kind: fc.constant("ack" as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant("writable" as const), pick: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const rig = senderRig();
        const { session } = rig;
        const sender = new LatestSender(rig.config);
        let group = 0;
        for (const action of steps) {
          if (action.kind === "push") sender.push(source(++group));
          else if (action.kind === "congested") session.congested = action.on;
          else if (action.kind === "credit") {
            session.credit = action.streams;
            if (action.streams > 0) sender.streamsAvailable();
          } else {
            const open = session.open;
            const stream = open[action.pick % Math.max(1, open.length)];
            if (stream === undefined) continue;
            if (action.kind === "ack") rig.ack(sender, stream);
            else sender.writable(stream.id);
          }
          const started = session.streams.map(({ header }) => Number(header.group));
          expect(started).toEqual([...started].sort((a, b) => a - b));
          const acked = session.streams.filter((stream) => stream.acked);
          const newestAcked = Math.max(0, ...acked.map(({ header }) => Number(header.group)));
          for (const { header, reset } of session.streams) {
            if (reset !== undefined) expect(Number(header.group)).toBeLessThan(newestAcked);
          }
        }
        // The network recovers: the last update is there, and nothing waits.
        session.congested = false;
        session.credit = Infinity;
        sender.streamsAvailable();
        for (let i = 0; i < 100 && session.open.length > 0; i++) {
          for (const stream of session.open) sender.writable(stream.id);
          const [oldest] = session.open;
          if (oldest !== undefined) rig.ack(sender, oldest);
        }
        expect(sender.queuedObjects).toBe(0);
        if (group > 0) {
          const last = session.streams[session.streams.length - 1];
          expect(last?.header.group).toBe(group);
          expect(last?.acked).toBe(true);
        }
        expect(sender.flushed).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe("deadline", () => {
  it("drops what is too old before it starts, and resets what is too old after", () => {
    const rig = senderRig({ deadline: 100 });
    const sender = new DeadlineSender(rig.config);
    sender.push(source(1, 0, 4, 0));
    rig.session.congested = true;
    rig.clock.advance(50);
    sender.push(source(2, 0, 4, 50));
    sender.push(source(3, 0, 4, 50));
    expect(rig.session.streams.length).toBe(2);
    rig.clock.advance(60);
    expect(rig.session.streams[0]?.reset).toBe(StreamCode.DeliveryTimeout);
    expect(rig.session.streams[1]?.reset).toBeUndefined();
    rig.clock.advance(60);
    expect(rig.session.streams[1]?.reset).toBe(StreamCode.DeliveryTimeout);
    expect(rig.dropped).toBe(3);
    expect(sender.flushed).toBe(true);
    expect(rig.clock.timers).toBe(0);
  });

  it("leaves alone what is acknowledged in time", () => {
    const rig = senderRig({ deadline: 100 });
    const sender = new DeadlineSender(rig.config);
    for (let i = 0; i < 50; i++) {
      sender.push(source(i, 0, 4, rig.clock.time));
      rig.clock.advance(20);
      const stream = rig.session.streams[i];
      if (stream !== undefined) rig.ack(sender, stream);
    }
    expect(rig.dropped).toBe(0);
    expect(rig.session.streams.every(({ reset }) => reset === undefined)).toBe(true);
  });

  it("bounds its queue by dropping the oldest", () => {
    const rig = senderRig({ queueBytes: 1_000 });
    rig.session.credit = 0;
    const sender = new DeadlineSender(rig.config);
    for (let i = 0; i < 100; i++) sender.push(source(i, 0, 100, 0));
    expect(sender.queuedBytes).toBeLessThanOrEqual(1_000);
    expect(rig.dropped).toBe(90);
  });
});

describe("datagram", () => {
  it("drops the oldest that wait and counts them", () => {
    const rig = senderRig({ queueBytes: 40 });
    const sender = new DatagramSender(rig.config);
    rig.session.datagramsTaken = false;
    for (let group = 0; group < 30; group++) sender.push(source(group));
    expect(sender.queuedObjects).toBe(10);
    expect(rig.dropped).toBe(20);
    rig.session.datagramsTaken = true;
    sender.datagramsAvailable();
    expect(rig.session.datagrams.map(({ group }) => group)).toEqual(
      Array.from({ length: 10 }, (_, i) => 20 + i),
    );
    expect(sender.flushed).toBe(true);
  });
});
