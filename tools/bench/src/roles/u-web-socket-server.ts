/** As web-socket-server.ts, with uWebSockets.js and its own publish/subscribe. */
import { loadContender } from "../contenders/packages.js";
import { play, subscriber } from "./role.js";

/** The part of uWebSockets.js that is used here. */
interface Uws {
  App(): App;
  us_socket_local_port(listener: object): number;
}
interface App {
  ws(path: string, behaviour: Behaviour): App;
  listen(host: string, port: number, done: (listener: object | false) => void): App;
  publish(topic: string, message: ArrayBuffer, binary: boolean): boolean;
}
interface Socket {
  subscribe(topic: string): boolean;
}
interface Behaviour {
  compression: number;
  maxBackpressure: number;
  open?(socket: Socket): void;
  message?(socket: Socket, message: ArrayBuffer): void;
}

const PLAIN = { compression: 0, maxBackpressure: 64 * 1024 * 1024 };

play(async (args) => {
  const { default: uws } = await loadContender<{ default: Uws }>("uws");
  const app = uws.App();
  const reads = args.load.subscribers === 0;
  const { meter, role } = subscriber(reads ? args : { load: args.load });
  const reader = meter.subscriber();
  app.ws("/publish", {
    ...PLAIN,
    message: (_, bytes) => {
      if (reads) reader.take(new Uint8Array(bytes));
      else app.publish("track", bytes, true);
    },
  });
  app.ws("/subscribe", { ...PLAIN, open: (socket) => socket.subscribe("track") });
  const port = await new Promise<number>((resolve, reject) => {
    app.listen("127.0.0.1", 0, (listener) => {
      if (listener === false) reject(new Error("uWebSockets.js cannot listen"));
      else resolve(uws.us_socket_local_port(listener));
    });
  });
  return { ...(reads ? role : {}), details: { port } };
});
