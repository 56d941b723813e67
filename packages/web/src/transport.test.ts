import type { TransportEvents } from "@moq-game/core";
import { describe, expect, it } from "vitest";
import { WebTransportLink } from "./transport.js";
import type { BidiStream, CloseInfo, SendStream, WebTransportSession } from "./webtransport.js";

/** A session that refuses streams as Chromium does while the peer's limit is used up. */
class Session implements WebTransportSession {
  readonly ready = Promise.resolve();
  readonly closed = new Promise<CloseInfo>(() => {});
  readonly incomingBidirectionalStreams = new ReadableStream<BidiStream>();
  readonly incomingUnidirectionalStreams = new ReadableStream<ReadableStream<Uint8Array>>();
  readonly datagrams = {
    readable: new ReadableStream<Uint8Array>(),
    writable: new WritableStream<Uint8Array>(),
    maxDatagramSize: 1_200,
    incomingHighWaterMark: 1,
    outgoingHighWaterMark: 1,
  };
  readonly written: string[] = [];
  /** What resolves once the peer acknowledged a stream. */
  acknowledged: Promise<void> = Promise.resolve();
  credit = 0;
  asked = 0;

  async createUnidirectionalStream(): Promise<SendStream> {
    this.asked += 1;
    if (this.credit === 0) throw new DOMException("Failed to create send stream.", "NetworkError");
    this.credit -= 1;
    const { written, acknowledged } = this;
    return new WritableStream<Uint8Array>({
      write(chunk) {
        written.push(new TextDecoder().decode(chunk));
      },
      close: () => acknowledged,
    });
  }

  async createBidirectionalStream(): Promise<BidiStream> {
    return {
      readable: new ReadableStream<Uint8Array>(),
      writable: await this.createUnidirectionalStream(),
    };
  }

  close(): void {}
}

function opened(session: Session) {
  const available: string[] = [];
  const link = new WebTransportLink(session);
  const events: TransportEvents = {
    streamsAvailable: (dir) => available.push(dir),
    datagramsAvailable: () => {},
    writable: () => {},
    stopped: () => {},
    acked: () => {},
    data: () => {},
    reset: () => {},
    datagram: () => {},
    closed: () => {},
  };
  link.start(events);
  return { link, available };
}

const text = (word: string): Uint8Array => new TextEncoder().encode(word);
const until = (holds: () => boolean) => expect.poll(holds, { timeout: 4_000 }).toBe(true);

describe("streams that the browser refuses", () => {
  it.each(["uni", "bi"] as const)("are asked for again until there is room (%s)", async (dir) => {
    const session = new Session();
    const { link, available } = opened(session);
    let taken = 0;
    for (let id = link.open(dir); id !== undefined; id = link.open(dir)) {
      expect(link.write(id, text(`${taken}`))).toBeGreaterThan(0);
      link.finish(id);
      taken += 1;
    }
    // Refused once each, and nothing is lost with that: further ones count as congestion.
    await until(() => session.asked > taken);
    expect(session.written).toEqual([]);
    expect(available).toEqual([]);
    session.credit = taken + 1;
    await until(() => session.written.length === taken);
    expect([...session.written].sort()).toEqual(
      Array.from({ length: taken }, (_, i) => `${i}`).sort(),
    );
    expect(available).toEqual([dir]);
    expect(link.open(dir)).toBeDefined();
  });

  it("are not asked for any more once they were reset", async () => {
    const session = new Session();
    const { link, available } = opened(session);
    const ids = Array.from({ length: 4 }, () => link.open("uni") as number);
    expect(link.open("uni")).toBeUndefined();
    for (const id of ids) link.reset(id, 1);
    await until(() => available.length === 1);
    const { asked } = session;
    session.credit = 10;
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(session.asked).toBe(asked);
    expect(session.written).toEqual([]);
  });
});

it("a slow network shows before the browser holds all that is published", async () => {
  const session = new Session();
  session.credit = 1_000;
  let acknowledge = (): void => {};
  session.acknowledged = new Promise((resolve) => {
    acknowledge = resolve;
  });
  const { link, available } = opened(session);
  const publish = async (): Promise<boolean> => {
    const id = link.open("uni");
    if (id === undefined) return false;
    link.write(id, new Uint8Array(10_000));
    link.finish(id);
    await until(() => session.asked === session.written.length);
    return true;
  };
  let taken = 0;
  while (await publish()) taken += 1;
  // 256 KiB that the peer has not acknowledged, and the one that crossed the line.
  expect(taken).toBe(27);
  expect(link.open("bi")).toBeDefined();
  expect(available).toEqual([]);
  acknowledge();
  await until(() => available.length === 1);
  expect(available).toEqual(["uni"]);
  expect(link.open("uni")).toBeDefined();
});
