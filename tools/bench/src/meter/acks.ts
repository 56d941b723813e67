/**
 * How far the subscribers of another process are, so that a publisher keeps a window of updates in flight: 8 bytes,
 * big endian, over a local socket that is no part of the network that is measured. native/moqt-bench speaks the same.
 */
import { connect, createServer } from "node:net";
import type { Meter } from "./meter.js";

/** A publisher that has not begun to listen is tried again after so many ms. */
const RETRY_MS = 20;

/** Tells the average of a meter's subscribers each time an eighth of the window has passed. */
export function tellAcks(path: string, meter: Meter, subscribers: number, window: number): void {
  const socket = connect(path);
  let open = false;
  socket.on("error", () => {
    // One that is gone hears nothing.
    if (!open) setTimeout(() => tellAcks(path, meter, subscribers, window), RETRY_MS).unref();
  });
  socket.on("connect", () => {
    open = true;
    socket.unref();
    const step = Math.max(1, Math.floor(window / 8));
    let next = 1;
    meter.onPassed = () => {
      const passed = Math.floor(meter.passed / subscribers);
      if (passed < next) return;
      next = passed + step;
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(BigInt(passed));
      socket.write(bytes);
    };
    meter.onPassed();
  });
}

/** Hears it. */
export async function hearAcks(path: string, onPassed: (updates: number) => void): Promise<void> {
  const server = createServer((socket) => {
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = rest.length - (rest.length % 8);
      if (whole > 0) onPassed(Number(rest.readBigUInt64BE(whole - 8)));
      rest = rest.subarray(whole);
    });
    socket.on("error", () => {});
    socket.unref();
  });
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
}
