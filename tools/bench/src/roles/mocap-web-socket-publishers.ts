/** The performers with `ws`, a connection each; a byte after the header names the track. */
import { WebSocket } from "ws";
import { HEADER_BYTES } from "../meter/payload.js";
import { ALL_TRACKS, PERFORMERS, trackLoad, tracksOf } from "./mocap.js";
import { both, play, publisher, type Role } from "./role.js";

play(async (args) => {
  const roles: Role[] = [];
  for (let performer = 0; performer < PERFORMERS; performer++) {
    const socket = new WebSocket(`ws://127.0.0.1:${args.port}/publish`);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    for (const track of tracksOf(performer)) {
      const outlet = {
        send: (bytes: Buffer) => {
          bytes[HEADER_BYTES] = ALL_TRACKS.indexOf(track);
          socket.send(bytes);
          return true;
        },
      };
      roles.push(await publisher({ load: trackLoad(args.load, track) }, outlet));
    }
  }
  return both(roles);
});
