import fc from "fast-check";
import { afterEach, expect, it, vi } from "vitest";
import { TestNetwork } from "../../test/network.js";
import type { Client, Delivery, Gap, Publication } from "../api.js";

/** MOQ_SEED repeats a run. */
const SEED = Number(process.env.MOQ_SEED ?? Math.floor(Math.random() * 0x7fffffff));

/** What can happen, at any moment: between two events on the wire as well. */
type Step =
  | { readonly do: "send"; readonly keyframe: boolean; readonly size: number }
  | { readonly do: "run"; readonly events: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "lose"; readonly down: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      keyframe: fc.boolean(),
      size: fc.constantFrom(4, 40, 900),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      events: fc.integer({ max: 40, min: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.integer({ max: 400, min: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("lose" as const),
      down: fc.constantFrom(0, 0, 300, 5_000),
    }),
  },
);

/** One track of a class, from both ends. */
class Track {
  readonly delivery: Delivery;
  readonly publication: Publication;
  readonly got: { readonly value: number; readonly group: number }[] = [];
  readonly gaps: Gap[] = [];
  readonly ends: string[] = [];
  /** The number of the group of each value, from 0. */
  readonly groups: number[] = [];

  constructor(delivery: Delivery, writer: Client, reader: Client) {
    this.delivery = delivery;
    this.publication = writer.publish(["m", delivery], { delivery, ...optionsOf(delivery) });
    this.send(true, 4);
    const subscription = reader.subscribe(["m", delivery], { gapTimeout: 500 });
    subscription.onReadable(() => {
      subscription.drain(({ bytes, group }) => {
        this.got.push({ value: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), group });
      });
    });
    subscription.onGap((gap) => this.gaps.push(gap));
    subscription.onEnd((reason) => this.ends.push(reason.error?.message ?? reason.kind));
  }

  send(keyframe: boolean, size: number): void {
    const bytes = new Uint8Array(size);
    new DataView(bytes.buffer).setUint32(0, this.groups.length);
    const starts = keyframe || this.delivery !== "reliable";
    this.groups.push((this.groups[this.groups.length - 1] ?? -1) + (starts ? 1 : 0));
    expect(starts ? this.publication.keyframe(bytes) : this.publication.send(bytes)).toBe(true);
  }

  /** What the class promises whatever happens. */
  check(): void {
    const values = this.got.map(({ value }) => value);
    for (let i = 1; i < values.length; i++) {
      expect(values[i], `${this.delivery}: ${values} rises`).toBeGreaterThan(
        values[i - 1] as number,
      );
    }
    expect(this.ends, `${this.delivery} goes on`).toEqual([]);
    expect(values.at(-1), `${this.delivery} ends on the newest`).toBe(this.groups.length - 1);
    if (this.delivery !== "reliable" && this.delivery !== "deadline") return;
    const [first] = this.got;
    const base = (first?.group ?? 0) - (this.groups[first?.value ?? 0] ?? 0);
    const missed = this.groups.flatMap((group, value) => {
      const told = this.gaps.some(
        (gap) => gap.fromGroup <= base + group && base + group <= gap.toGroup,
      );
      return told || values.includes(value) ? [] : [value];
    });
    expect(missed, `${this.delivery}: missing without a gap; got ${values}`).toEqual([]);
  }
}

function optionsOf(delivery: Delivery) {
  return delivery === "deadline" ? { deadline: 60_000 } : {};
}

afterEach(() => void vi.restoreAllMocks());

it(`keeps the promise of every class through losses at any moment (MOQ_SEED=${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const network = new TestNetwork();
      vi.spyOn(Date, "now").mockImplementation(() => 1_700_000_000_000 + network.host.time);
      const { reader, writer } = await network.connect();
      const tracks = (["reliable", "latest", "deadline", "datagram"] as const).map(
        (delivery) => new Track(delivery, writer, reader),
      );
      await network.settle();
      for (const now of steps) {
        if (now.do === "send") for (const track of tracks) track.send(now.keyframe, now.size);
        else if (now.do === "run") await network.run(now.events);
        else if (now.do === "wait") await network.advance(now.ms);
        else if (now.do === "lose") {
          network.down = now.down > 0;
          await network.lose();
          if (now.down > 0) await network.advance(now.down);
          network.down = false;
        }
      }
      await network.until(
        () => tracks.every(({ publication }) => publication.subscribers === 1),
        "all subscriptions",
      );
      for (const track of tracks) track.send(false, 4);
      await network.settle();
      await network.advance(10_000);
      for (const track of tracks) track.check();
      await reader.close();
      await writer.close();
      expect(network.host.timers).toBe(0);
    }),
    { seed: SEED, numRuns: 150 },
  );
}, 60_000);
