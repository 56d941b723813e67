/** Publishes with the `ws` client. */
import { WebSocket } from "ws";
import { play, publisher } from "./role.js";

/** Bytes that may wait in the socket. */
const BUFFERED = 1024 * 1024;

play(async (args) => {
  const socket = new WebSocket(`ws://127.0.0.1:${args.port}/publish`);
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return publisher(args, {
    send: (bytes) => {
      if (socket.bufferedAmount > BUFFERED) return false;
      socket.send(bytes);
      return true;
    },
  });
});
