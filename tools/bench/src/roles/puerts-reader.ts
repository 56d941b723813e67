/**
 * A script inside Unreal, as far as it can be had without the engine: a Puerts host with the binding of MoqPuerts. What
 * is timed is the script's thread in its ticks, not what the library's own threads do meanwhile.
 */
import type { MoqObject } from "@moq-game/core";
import { puertsHost, unreal } from "@moq-game/unreal-host";
import type { Meter } from "../meter/meter.js";
import { Ticks } from "../meter/ticks.js";
import { play, type RoleArguments, subscriber } from "./role.js";
import { NAMESPACE, trackNames } from "./track.js";

/**
 * ms between ticks. Saturated, a tick comes when a whole window has been received, so that nothing else runs during it;
 * the publisher takes 50 ms without progress for a loss.
 */
const tickOf = ({ load }: RoleArguments): number => (load.rate === 0 ? 40 : 1_000 / 60);

/** Takes what waits, and gives how many objects. */
type Drain = () => number;

/** Looks at each object as a game would: at its first numbers. One for each track. */
class Sequence {
  #next = 0;
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  take(bytes: Uint8Array): void {
    // The low half of meter/payload.ts's number.
    const number =
      (((bytes[4] ?? 0) << 24) |
        ((bytes[5] ?? 0) << 16) |
        ((bytes[6] ?? 0) << 8) |
        (bytes[7] ?? 0)) >>>
      0;
    const ahead = number - this.#next;
    if (ahead < 0) this.#meter.outOfOrder += 1;
    else {
      // Whoever joins has not missed what went before.
      if (this.#next > 0) this.#meter.lost += ahead;
      this.#next = number + 1;
    }
  }
}

const trust = (args: RoleArguments) => ({ serverCertificateHashes: [args.certificateHash ?? ""] });

/** The package: one native call a tick, whatever the number of tracks, into memory of the script. */
async function throughPackage(args: RoleArguments, meter: Meter): Promise<Drain> {
  const { connect, tick } = unreal();
  const client = await connect(args.url ?? "", trust(args));
  const readers = trackNames(args.load).map((name) => {
    const subscription = client.subscribe([NAMESPACE, name], { wait: 10_000 });
    const sequence = new Sequence(meter);
    const visit = ({ bytes }: MoqObject): void => sequence.take(bytes);
    return { subscription, visit };
  });
  await Promise.all(readers.map(({ subscription }) => subscription.ready));
  return () => {
    tick();
    let objects = 0;
    for (const { subscription, visit } of readers) objects += subscription.drain(visit).objects;
    return objects;
  };
}

/** test/unreal-host/puerts/per_object.cc */
interface PerObject {
  Open(options: string): number;
  Subscribe(client: number, options: string): number;
  Drain(visit: (handle: number, group: number, object: number, bytes: ArrayBuffer) => void): number;
}

/** A script function called for each object, with the bytes lent to it. */
async function throughCallback(args: RoleArguments, meter: Meter): Promise<Drain> {
  const { MoqPerObject } = puertsHost().cpp as { readonly MoqPerObject: new () => PerObject };
  const binding = new MoqPerObject();
  const client = binding.Open(JSON.stringify({ url: args.url, ...trust(args) }));
  const tracks = new Map<number, Sequence>();
  for (const name of trackNames(args.load)) {
    const options = { namespace: NAMESPACE.split("/"), name, wait: 10_000 };
    tracks.set(binding.Subscribe(client, JSON.stringify(options)), new Sequence(meter));
  }
  const visit = (handle: number, _group: number, _object: number, bytes: ArrayBuffer): void =>
    tracks.get(handle)?.take(new Uint8Array(bytes));
  return () => binding.Drain(visit);
}

play(async (args) => {
  const { meter, role } = subscriber(args);
  const through = args.callback === true ? throughCallback : throughPackage;
  const drain = await through(args, meter);
  const ticks = new Ticks();
  const timer = setInterval(() => {
    ticks.begin();
    let objects = drain();
    // More than one call takes: a game would come back to it in its next tick.
    if (args.load.rate === 0) for (let more = objects; more > 0; objects += more) more = drain();
    ticks.end();
    meter.delivered += objects;
    meter.passed += objects;
    meter.onPassed?.();
  }, tickOf(args));
  return {
    ...role,
    measure() {
      meter.measure();
      ticks.clear();
    },
    stop() {
      clearInterval(timer);
      const result = meter.result();
      return { ...result, ...ticks.result(result.delivered) };
    },
  };
});
