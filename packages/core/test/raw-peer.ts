/** A session whose peer is a test that writes every byte itself. */
import { memoryPair } from "../src/memory.js";
import { Session, type SessionConfig } from "../src/session/index.js";
import type { Dir, StreamId, Transport } from "../src/transport.js";
import { draft18, type Message, Writer } from "../src/wire/index.js";
import { Side } from "./session-pair.js";

const profile = draft18();

export function encode(...messages: Message[]): Uint8Array {
  const writer = new Writer();
  for (const message of messages) profile.encodeMessage(writer, message);
  return writer.finish();
}

export const SETUP = encode({ type: "setup", options: {} });

/** A session, and a peer of which the test writes every byte. */
export class RawPeer {
  readonly side = new Side();
  readonly peer: Transport;
  readonly received: [StreamId, Dir, Uint8Array][] = [];
  readonly resets: [string, StreamId, number][] = [];
  closeCode: number | undefined;
  now = 1000;
  readonly run: () => void;

  constructor(config: Partial<SessionConfig> = {}, setup: Uint8Array | undefined = SETUP) {
    const pair = memoryPair({ schedule: "manual" });
    this.run = () => void pair.run();
    this.peer = pair.b;
    this.side.session = new Session(
      pair.a,
      { role: "server", now: () => this.now, ...config },
      this.side.recorder(),
    );
    this.side.session.start();
    pair.b.start({
      data: (id, dir, data) => void this.received.push([id, dir, data]),
      reset: (id, code) => void this.resets.push(["reset", id, code]),
      stopped: (id, code) => void this.resets.push(["stopped", id, code]),
      writable: () => {},
      acked: () => {},
      streamsAvailable: () => {},
      datagramsAvailable: () => {},
      datagram: () => {},
      closed: (reason) => {
        if (reason.kind === "peer") this.closeCode = reason.code;
      },
    });
    if (setup !== undefined) this.send("uni", setup);
  }

  send(dir: Dir, data: Uint8Array, end: "open" | "fin" | "reset" = "open"): StreamId {
    const id = this.peer.open(dir)!;
    this.peer.write(id, data);
    if (end === "fin") this.peer.finish(id);
    if (end === "reset") this.peer.reset(id, 0);
    this.run();
    return id;
  }

  more(id: StreamId, data: Uint8Array): void {
    this.peer.write(id, data);
    this.run();
  }
}
