/**
 * A script inside Unreal that publishes an update on each of many tracks in every tick, in a Puerts host. What is timed
 * is its thread, from the first update until the last is handed over.
 */
import { puertsHost, unreal } from "@moq-game/unreal-host";
import { monotonic } from "../meter/clock.js";
import { writeHeader } from "../meter/payload.js";
import { Ticks } from "../meter/ticks.js";
import { play, type RoleArguments } from "./role.js";
import { NAMESPACE, trackNames } from "./track.js";

/** How a script publishes; see contenders/puerts.ts. */
export type Through = "package" | "native" | "naive" | "refused";

interface Script {
  /** Publishes these bytes on every track. */
  publish(bytes: Uint8Array): void;
  /** Before that, not timed. */
  tick(): void;
  /** After that, not timed. */
  after?(bytes: Uint8Array): void;
}

const trust = (args: RoleArguments) => ({ serverCertificateHashes: [args.certificateHash ?? ""] });

/** As a game does it. */
async function throughPackage(args: RoleArguments): Promise<Script> {
  const { connect, tick } = unreal();
  const client = await connect(args.url ?? "", trust(args));
  const tracks = trackNames(args.load).map((name) =>
    client.publish([NAMESPACE, name], { delivery: "latest" }),
  );
  await Promise.all(tracks.map(({ ready }) => ready));
  return {
    publish(bytes) {
      for (const track of tracks) track.send(bytes);
    },
    tick: () => void tick(),
  };
}

/** What both native classes have; `MoqPerObject` is test/unreal-host/puerts/per_object.cc. */
interface Binding {
  Open(client: number, kind: string, options: string): number;
  Publish(publication: number, flags: number, bytes: Uint8Array): number;
  Flush(client: number): number;
  PollInto(client: number, buffer: Uint8Array, at: number): number;
}
interface NaiveBinding {
  Open(options: string): number;
  OpenPublication(client: number, options: string): number;
  Publish(client: number, publication: number, bytes: Uint8Array): number;
  Drain(visit: () => void): number;
}

const client = (args: RoleArguments) => JSON.stringify({ url: args.url, ...trust(args) });
const track = (name: string) =>
  JSON.stringify({ namespace: NAMESPACE.split("/"), name, delivery: "latest" });

/** The binding's own functions, without the package: what crosses, is checked and is copied. */
function throughNative(args: RoleArguments): Script {
  const { MoqBridge } = puertsHost().cpp as { readonly MoqBridge: new () => Binding };
  const bridge = new MoqBridge();
  const handle = bridge.Open(0, "client", client(args));
  const tracks = trackNames(args.load).map((name) => bridge.Open(handle, "publish", track(name)));
  const records = new Uint8Array(65_536);
  /** MOQ_PUBLISH_MORE: they leave together. */
  const more = 2;
  return {
    publish(bytes) {
      for (const each of tracks) bridge.Publish(each, more, bytes);
      bridge.Flush(handle);
    },
    tick: () => void bridge.PollInto(handle, records, 0),
  };
}

/** A binding that copies what it is given into an array of its own, and sends each update by itself. */
function throughNaive(args: RoleArguments): Script {
  const { MoqPerObject } = puertsHost().cpp as { readonly MoqPerObject: new () => NaiveBinding };
  const binding = new MoqPerObject();
  const handle = binding.Open(client(args));
  const tracks = trackNames(args.load).map((name) => binding.OpenPublication(handle, track(name)));
  return {
    publish(bytes) {
      for (const each of tracks) binding.Publish(handle, each, bytes);
    },
    tick: () => void binding.Drain(() => {}),
  };
}

/**
 * The native function with flags that it refuses when it has looked at its arguments: what a call costs on a thread that
 * slept for a tick, before the library does anything. The updates themselves are published outside of the time.
 */
function refused(args: RoleArguments): Script {
  const { MoqBridge } = puertsHost().cpp as { readonly MoqBridge: new () => Binding };
  const script = throughNative(args);
  const bridge = new MoqBridge();
  const handles = trackNames(args.load).map((_, at) => at);
  const unknown = 64;
  return {
    publish(bytes) {
      for (const each of handles) bridge.Publish(each, unknown, bytes);
    },
    tick: () => script.tick(),
    after: (bytes) => script.publish(bytes),
  };
}

const WAYS = { package: throughPackage, native: throughNative, naive: throughNaive, refused };

play(async (args) => {
  const script = await WAYS[args.through as Through](args);
  const tracks = trackNames(args.load).length;
  const bytes = new Uint8Array(args.load.size);
  const ticks = new Ticks();
  let [number, sent] = [0, 0];
  const tick = async (): Promise<void> => {
    script.tick();
    writeHeader(bytes, number, monotonic());
    number += 1;
    ticks.begin();
    script.publish(bytes);
    // The package sends at the end of the turn what was published in it.
    await null;
    ticks.end();
    sent += tracks;
    script.after?.(bytes);
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    start() {
      timer = setInterval(() => void tick(), 1_000 / args.load.rate);
    },
    measure() {
      ticks.clear();
      sent = 0;
    },
    stop() {
      clearInterval(timer);
      return { sent, ...ticks.result(sent) };
    },
  };
});
