/**
 * WebSocket clients reduced to what reading takes: a TCP socket and the framing. In a fan-out the server is what is
 * measured; a whole client for each subscriber would take the processor from it.
 */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Subscriber } from "../meter/meter.js";
import { HEADER_BYTES } from "../meter/payload.js";
import { play, subscriber } from "./role.js";

/** Calls `message` with the payload of each whole frame and gives the bytes of the frame that is not whole. */
function readFrames(bytes: Buffer, message: (payload: Buffer) => void): Buffer {
  let at = 0;
  for (;;) {
    if (bytes.length < at + 2) break;
    let length = (bytes[at + 1] ?? 0) & 0x7f;
    let payload = at + 2;
    if (length === 126) {
      if (bytes.length < at + 4) break;
      length = bytes.readUInt16BE(at + 2);
      payload = at + 4;
    } else if (length === 127) {
      if (bytes.length < at + 10) break;
      length = Number(bytes.readBigUInt64BE(at + 2));
      payload = at + 10;
    }
    if (bytes.length < payload + length) break;
    message(bytes.subarray(payload, payload + length));
    at = payload + length;
  }
  return bytes.subarray(at);
}

async function open(port: number, subscribers: () => readonly Subscriber[]): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  const key = randomBytes(16).toString("base64");
  socket.write(
    `GET /subscribe HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  let rest: Buffer = Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    let readers: readonly Subscriber[] | undefined;
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (readers === undefined) {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        if (!rest.toString("latin1").startsWith("HTTP/1.1 101")) reject(new Error("no WebSocket"));
        rest = rest.subarray(end + 4);
        readers = subscribers();
        resolve();
      }
      const [first, ...more] = readers;
      const into = readers;
      rest = readFrames(rest, (payload) => {
        // With several tracks on the connection, a byte after the header tells which it is.
        const track = more.length === 0 ? first : into[payload[HEADER_BYTES] ?? 0];
        track?.take(payload);
      });
    });
  });
}

play(async (args) => {
  const { meter, role } = subscriber(args);
  const tracks = Number(args.tracks ?? 1);
  for (let i = 0; i < args.load.subscribers; i++) {
    await open(args.port ?? 0, () => Array.from({ length: tracks }, () => meter.subscriber()));
  }
  return role;
});
