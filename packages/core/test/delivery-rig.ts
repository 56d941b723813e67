/** Helpers of the delivery tests; no part of the package's public list. */
import type { Gap, MoqObject } from "../src/api.js";
import type { Clock } from "../src/delivery/clock.js";
import type { Incoming, ReceiverConfig } from "../src/delivery/receiver.js";
import type { Sender, SenderConfig, SenderSession } from "../src/delivery/sender.js";
import type { SourceObject } from "../src/delivery/source.js";
import type { StreamId } from "../src/transport.js";
import type { SubgroupHeader, SubgroupObject } from "../src/wire/object.js";

/** A clock that moves by hand. */
export class TestClock implements Clock {
  time = 0;
  #timers: { readonly at: number; readonly run: () => void }[] = [];

  now(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timers(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.time = Math.max(this.time, due.at);
      due.run();
    }
    this.time = until;
  }
}

/** A stream as the test network has it. */
export interface TestStream {
  readonly id: StreamId;
  readonly header: SubgroupHeader;
  readonly objects: SubgroupObject[];
  fin: boolean;
  reset: number | undefined;
  acked: boolean;
}

/** A session whose network takes and delivers only what the test says. */
export class TestSession implements SenderSession {
  readonly streams: TestStream[] = [];
  readonly datagrams: { group: number; payload: Uint8Array }[] = [];
  /** Streams that may still be opened. */
  credit = Infinity;
  /** While true, each write waits. */
  congested = false;
  datagramsTaken = true;

  openSubgroup(header: SubgroupHeader): StreamId | undefined {
    if (this.credit <= 0) return undefined;
    this.credit -= 1;
    const id = this.streams.length;
    this.streams.push({ id, header, objects: [], fin: false, reset: undefined, acked: false });
    return id;
  }

  writeObject(stream: StreamId, object: SubgroupObject): "written" | "blocked" | "closed" {
    const target = this.streams[stream];
    if (target === undefined || target.fin || target.reset !== undefined) return "closed";
    target.objects.push(object);
    return this.congested ? "blocked" : "written";
  }

  finishStream(stream: StreamId): void {
    const target = this.streams[stream];
    if (target !== undefined) target.fin = true;
  }

  resetStream(stream: StreamId, code: number): void {
    const target = this.streams[stream];
    if (target !== undefined) target.reset ??= code;
  }

  sendDatagram(datagram: {
    readonly group: number | bigint;
    readonly payload: Uint8Array;
  }): "sent" | "blocked" {
    if (!this.datagramsTaken) return "blocked";
    this.datagrams.push({ group: Number(datagram.group), payload: datagram.payload });
    return "sent";
  }

  maxDatagramSize(): number {
    return 1_200;
  }

  /** Streams that are neither acknowledged nor reset. */
  get open(): TestStream[] {
    return this.streams.filter(({ acked, reset }) => !acked && reset === undefined);
  }
}

export interface SenderRig {
  readonly clock: TestClock;
  readonly session: TestSession;
  readonly config: SenderConfig;
  dropped: number;
  /** The peer acknowledges a stream. */
  ack(sender: Sender, stream: TestStream): void;
}

export function senderRig(overrides: Partial<SenderConfig> = {}): SenderRig {
  const clock = new TestClock();
  const session = new TestSession();
  const rig: SenderRig = {
    clock,
    session,
    dropped: 0,
    config: {
      session,
      clock,
      trackAlias: 1,
      subscriberPriority: 128,
      publisherPriority: 128,
      deadline: 100,
      queueBytes: 1_000_000,
      onStream: () => {},
      onProgress: () => {},
      onDropped: (count) => {
        rig.dropped += count;
      },
      ...overrides,
    },
    ack: (sender, stream) => {
      stream.acked = true;
      sender.acked(stream.id);
    },
  };
  return rig;
}

export function source(group: number, object = 0, size = 4, sentAt = 0): SourceObject {
  const payload = new Uint8Array(size);
  return { group, object, payload, properties: new Uint8Array(0), sentAt };
}

export interface ReceiverRig {
  readonly clock: TestClock;
  readonly delivered: MoqObject[];
  readonly gaps: Gap[];
  readonly held: Map<StreamId, boolean>;
  readonly config: ReceiverConfig;
  /** Places delivered, as `group.object`. */
  places(): string[];
}

export function receiverRig(overrides: Partial<ReceiverConfig> = {}): ReceiverRig {
  const clock = new TestClock();
  const delivered: MoqObject[] = [];
  const gaps: Gap[] = [];
  const held = new Map<StreamId, boolean>();
  return {
    clock,
    delivered,
    gaps,
    held,
    places: () => delivered.map(({ group, object }) => `${group}.${object}`),
    config: {
      clock,
      deadline: 100,
      gapTimeout: 2_000,
      unordered: false,
      contiguous: true,
      firstGroup: undefined,
      holdBytes: 1_000_000,
      deliver: (object) => delivered.push(object),
      onGap: (gap) => gaps.push(gap),
      onHold: (stream, paused) => held.set(stream, paused),
      ...overrides,
    },
  };
}

export function incoming(group: number, object = 0, extra: Partial<Incoming> = {}): Incoming {
  return {
    group,
    object,
    subgroup: 0,
    payload: new Uint8Array(4),
    receivedAt: 0,
    publishedAt: undefined,
    priorGroups: 0,
    priorObjects: 0,
    ...extra,
  };
}
