/** The other side of datagram-server.ts: `part` is publisher or subscriber. */
import { createSocket, type Socket } from "node:dgram";
import { play, publisher, subscriber } from "./role.js";

const BUFFER = 4 * 1024 * 1024;

async function open(port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.connect(port, "127.0.0.1", resolve));
  socket.setRecvBufferSize(BUFFER);
  return socket;
}

play(async (args) => {
  const port = args.port ?? 0;
  if (args.part === "publisher") {
    const socket = await open(port);
    return publisher(args, {
      send: (bytes) => {
        socket.send(bytes);
        return true;
      },
    });
  }
  const { meter, role } = subscriber(args);
  for (let i = 0; i < args.load.subscribers; i++) {
    const socket = await open(port);
    // A hello may be lost, on a network that loses packets.
    const hello = setInterval(() => socket.send("hello"), 200);
    socket.send("hello");
    await new Promise<void>((resolve) => socket.once("message", () => resolve()));
    clearInterval(hello);
    const reader = meter.subscriber();
    socket.on("message", (bytes) => reader.take(bytes));
  }
  return role;
});
