/** @moq/net over @moq/web-transport. */
import { loadContender } from "../contenders/packages.js";
import type { Meter } from "../meter/meter.js";
import type { Session } from "./web-transport.js";

/** The part of it that is used here. */
export interface MoqNet {
  readonly Connection: {
    accept(transport: Session, url: URL): Promise<Connection>;
    connect(url: URL, options: { transport: Session }): Promise<Connection>;
  };
  readonly Broadcast: { readonly Producer: new () => Producer };
  readonly Path: { from(path: string): object };
  readonly Time: { readonly Timestamp: { now(): object } };
}

interface Connection {
  publish(path: object, broadcast: Producer): void;
  consume(path: object): { subscribe(name: string, options: object): Reader };
  readonly closed: Promise<void>;
}

interface Producer {
  createTrack(name: string): {
    writeFrame(frame: { payload: Uint8Array; timestamp: object }): void;
  };
}

interface Reader {
  readFrame(): Promise<{ payload: Uint8Array } | undefined>;
}

export function moqNet(): Promise<MoqNet> {
  // It tells its versions at this level.
  console.debug = () => {};
  return loadContender<MoqNet>("moq-net");
}

/** Every group, in order, as far as it can. */
export const EVERYTHING = { ordered: true, latencyMax: 60_000 };

/** Reads one group after the other. */
export async function readAll(reader: Reader, meter: Meter): Promise<void> {
  const into = meter.subscriber();
  for (;;) {
    const frame = await reader.readFrame();
    if (frame === undefined) return;
    into.take(frame.payload);
  }
}
