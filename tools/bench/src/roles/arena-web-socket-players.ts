/** The arena's players with `ws`. */
import { WebSocket } from "ws";
import { inputLoad } from "./arena.js";
import { both, play, publisher, type Role, subscriber } from "./role.js";

play(async (args) => {
  const { meter, role } = subscriber({ load: args.load });
  const roles: Role[] = [role];
  for (let player = 0; player < args.load.subscribers; player++) {
    const socket = new WebSocket(`ws://127.0.0.1:${args.port}/`);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    const reader = meter.subscriber();
    socket.on("message", (bytes: Buffer) => reader.take(bytes));
    const outlet = {
      send: (bytes: Buffer) => {
        socket.send(bytes);
        return true;
      },
    };
    roles.push(await publisher({ load: inputLoad(args.load) }, outlet));
  }
  return both(roles);
});
