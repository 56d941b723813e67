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

/** Sends `n` numbered packets and returns those that came back within `wait` ms of the last. */
async function roundTrips(
  to: Impair,
  n: number,
  wait: number,
  socket = client(),
): Promise<number[]> {
  const back: number[] = [];
  const take = (data: Buffer): void => void back.push(data.readUInt32BE(0));
  socket.on("message", take);
  for (let i = 0; i < n; i++) {
    const data = Buffer.alloc(100);
    data.writeUInt32BE(i, 0);
    await new Promise((resolve) => socket.send(data, to.port, to.host, resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, wait));
  socket.off("message", take);
  return back;
}

describe("the proxy", () => {
  it("carries packets there and back, unharmed", async () => {
    const { target } = await echo();
    const good = await proxy({ target, seed: 1 });
    expect(await roundTrips(good, 50, 200)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    const { up, down, flows } = good.stats();
    expect([up.packetsIn, up.packetsOut, down.packetsOut, flows]).toEqual([50, 50, 50, 1]);
  });

  it("loses the same packets for the same seed", async () => {
    const { target } = await echo();
    const lost = async () =>
      roundTrips(await proxy({ target, seed: 5, both: { loss: 0.3 } }), 100, 300);
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
    expect(await roundTrips(one, 3, 100, socket)).toHaveLength(3);
    one.outage(400);
    expect(await roundTrips(one, 3, 100, socket)).toHaveLength(0);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await roundTrips(one, 3, 100, socket)).toHaveLength(3);
    expect(one.stats().up.outage).toBe(3);
  });

  it("shows the target another port after a rebind, and goes on", async () => {
    const { target, ports } = await echo();
    const one = await proxy({ target, seed: 1 });
    const socket = client();
    expect(await roundTrips(one, 2, 100, socket)).toHaveLength(2);
    await one.rebind();
    expect(await roundTrips(one, 2, 100, socket)).toHaveLength(2);
    expect(ports.size).toBe(2);
    expect(one.stats().rebinds).toBe(1);
  });

  it("follows its script", async () => {
    const { target } = await echo();
    const script = [{ at: 150, both: { loss: 1 } }];
    const one = await proxy({ target, seed: 1, script });
    const socket = client();
    expect(await roundTrips(one, 2, 50, socket)).toHaveLength(2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await roundTrips(one, 2, 100, socket)).toHaveLength(0);
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
