/** The arena's backend with `ws`. */
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { Arena } from "./arena.js";
import { play } from "./role.js";

play(async (args) => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  const players: WebSocket[] = [];
  const arena = new Arena(args.load.subscribers, (player, state) => players[player]?.send(state));
  server.on("connection", (socket) => {
    const player = players.push(socket) - 1;
    socket.on("error", () => {});
    socket.on("message", (bytes: Buffer) => arena.input(player, bytes));
  });
  const details = { port: (server.address() as AddressInfo).port };
  return { details, start: () => arena.start() };
});
