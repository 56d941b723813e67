import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { type Impair, startImpair } from "./proxy.js";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** A server that answers every packet with itself, and remembers the ports it was sent from. */
async function echo(): Promise<{ target: string; ports: Set<number> }> {
  const socket = createSocket("udp4");
  open.push(socket);
  const ports = new Set<number>();
  socket.on("message", (data, from) => {
    ports.add(from.port);
    socket.send(data, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { target: `127.0.0.1:${socket.address().port}`, ports };
}

async function proxy(options: Parameters<typeof startImpair>[0]): Promise<Impair> {
  const made = await startImpair(options);
  open.push(made);
  return made;
}

function client(): Socket {
  const socket = createSocket("udp4");
  open.push(socket);
  return socket;
}

/** Waits until something holds. */
async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`it does not hold: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Sends `n` numbered packets and returns those that came back once no other can, for all that the proxy let through. */
async function roundTrips(to: Impair, n: number, socket = client()): Promise<number[]> {
  const before = to.stats();
  const back: number[] = [];
  const take = (data: Buffer): void => void back.push(data.readUInt32BE(0));
  socket.on("message", take);
  for (let i = 0; i < n; i++) {
    const data = Buffer.alloc(100);
    data.writeUInt32BE(i, 0);
    await new Promise((resolve) => socket.send(data, to.port, to.host, resolve));
  }
  await until(() => {
    const { up, down } = to.stats();
    return (
      up.packetsIn - before.up.packetsIn === n &&
      down.packetsIn - before.down.packetsIn === up.packetsOut - before.up.packetsOut &&
      down.packetsOut - before.down.packetsOut === back.length
    );
  });
  socket.off("message", take);
  return back;
}

describe("the proxy", () => {
  it("carries packets there and back, unharmed", async () => {
    const { target } = await echo();
    const good = await proxy({ target, seed: 1 });
    expect(await roundTrips(good, 50)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    const { up, down, flows } = good.stats();
    expect([up.packetsIn, up.packetsOut, down.packetsOut, flows]).toEqual([50, 50, 50, 1]);
  });

  it("loses the same packets for the same seed", async () => {
    const { target } = await echo();
    const lost = async () => roundTrips(await proxy({ target, seed: 5, both: { loss: 0.3 } }), 100);
    const first = await lost();
    expect(first.length).toBeGreaterThan(20);
    expect(first.length).toBeLessThan(80);
    expect(await lost()).toEqual(first);
  });

  it("delays both ways", async () => {
    const { target } = await echo();
    const slow = await proxy({ target, seed: 1, up: { delay: 60 }, down: { delay: 40 } });
    const start = performance.now();
    const socket = client();
    socket.send("x", slow.port, slow.host);
    await once(socket, "message");
    expect(performance.now() - start).toBeGreaterThanOrEqual(99);
  });

  it("passes nothing in an outage, and everything after it", async () => {
    const { target } = await echo();
    const one = await proxy({ target, seed: 1 });
    const socket = client();
    expect(await roundTrips(one, 3, socket)).toHaveLength(3);
    one.outage(1_500);
    const begun = performance.now();
    expect(await roundTrips(one, 3, socket)).toHaveLength(0);
    expect(one.stats().up.outage).toBe(3);
    await until(() => performance.now() - begun > 1_550);
    expect(await roundTrips(one, 3, socket)).toHaveLength(3);
    expect(one.stats().up.outage).toBe(3);
  });

  it("shows the target another port after a rebind, and goes on", async () => {
    const { target, ports } = await echo();
    const one = await proxy({ target, seed: 1 });
    const socket = client();
    expect(await roundTrips(one, 2, socket)).toHaveLength(2);
    await one.rebind();
    expect(await roundTrips(one, 2, socket)).toHaveLength(2);
    expect(ports.size).toBe(2);
    expect(one.stats().rebinds).toBe(1);
  });

  it("follows its script", async () => {
    const { target } = await echo();
    const script = [{ at: 1_000, both: { loss: 1 } }];
    const begun = performance.now();
    const one = await proxy({ target, seed: 1, script });
    const socket = client();
    expect(await roundTrips(one, 2, socket)).toHaveLength(2);
    await until(() => performance.now() - begun > 1_050);
    expect(await roundTrips(one, 2, socket)).toHaveLength(0);
  });

  it("refuses what it cannot do by name", async () => {
    await expect(startImpair({ target: "nowhere" })).rejects.toThrow(/target is HOST:PORT/);
    await expect(startImpair({ target: "127.0.0.1:0" })).rejects.toThrow(/port that is not 0/);
    await expect(startImpair({ target: "127.0.0.1:1", seed: -1 })).rejects.toThrow(/seed takes/);
    const taken = await proxy({ target: "127.0.0.1:9" });
    const again = startImpair({ target: "127.0.0.1:9", listen: `127.0.0.1:${taken.port}` });
    await expect(again).rejects.toThrow(/EADDRINUSE/);
  });
});
