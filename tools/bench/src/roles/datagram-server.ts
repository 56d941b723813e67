/** node:dgram without anything on top: passes each packet on to whoever has said hello, or reads them itself. */
import { createSocket } from "node:dgram";
import type { AddressInfo } from "node:net";
import { HEADER_BYTES } from "../meter/payload.js";
import { play, subscriber } from "./role.js";

const BUFFER = 4 * 1024 * 1024;

play(async (args) => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  socket.setRecvBufferSize(BUFFER);
  const details = { port: (socket.address() as AddressInfo).port };
  if (args.load.subscribers === 0) {
    const { meter, role } = subscriber(args, details);
    const reader = meter.subscriber();
    socket.on("message", (bytes) => reader.take(bytes));
    return role;
  }
  const subscribers = new Set<number>();
  socket.on("message", (bytes, from) => {
    if (bytes.length < HEADER_BYTES) {
      subscribers.add(from.port);
      socket.send(bytes, from.port, "127.0.0.1");
    } else {
      for (const port of subscribers) socket.send(bytes, port, "127.0.0.1");
    }
  });
  return { details };
});
