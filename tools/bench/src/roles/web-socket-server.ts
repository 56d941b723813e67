/** A `ws` server: passes each message of the path /publish on to every client of /subscribe, or reads them itself. */
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { play, subscriber } from "./role.js";

play(async (args) => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  const details = { port: (server.address() as AddressInfo).port };
  if (args.load.subscribers === 0) {
    const { meter, role } = subscriber(args, details);
    server.on("connection", (socket) => {
      const reader = meter.subscriber();
      socket.on("message", (bytes: Buffer) => reader.take(bytes));
    });
    return role;
  }
  const subscribers = new Set<WebSocket>();
  server.on("connection", (socket, request) => {
    socket.on("error", () => {});
    if (request.url === "/publish") {
      socket.on("message", (bytes: Buffer) => {
        for (const each of subscribers) each.send(bytes);
      });
    } else {
      subscribers.add(socket);
      socket.on("close", () => subscribers.delete(socket));
    }
  });
  return { details };
});
