/** @moq/net as a server: reads the track of a client or, with subscribers, writes it itself. */
import { readFileSync } from "node:fs";
import { EVERYTHING, moqNet, readAll } from "./moq-net.js";
import { play, publisher, subscriber } from "./role.js";
import { NAMESPACE, TRACK } from "./track.js";
import { webTransport } from "./web-transport.js";

play(async (args) => {
  const { Server } = await webTransport();
  const { Broadcast, Connection, Path, Time } = await moqNet();
  const [cert, key] = [String(args.cert), String(args.key)].map((file) => readFileSync(file));
  const server = Server.bind(`127.0.0.1:${args.port}`, cert as Buffer, key as Buffer);
  const path = Path.from(NAMESPACE);
  const url = new URL(`https://127.0.0.1:${args.port}/`);
  const broadcast = new Broadcast.Producer();
  const track = broadcast.createTrack(TRACK);
  const reads = args.load.subscribers === 0;
  const { meter, role } = subscriber(reads ? args : { load: args.load });
  const accept = async (): Promise<void> => {
    for (;;) {
      const request = await server.accept();
      if (request === null) return;
      const session = await request.ok();
      Connection.accept(session, url).then(
        (connection) => {
          if (!reads) connection.publish(path, broadcast);
          else
            readAll(connection.consume(path).subscribe(TRACK, EVERYTHING), meter).catch(
              console.error,
            );
        },
        (error) => console.error(error),
      );
    }
  };
  accept().catch(console.error);
  if (reads) return role;
  return publisher(args, {
    send: (bytes) => {
      track.writeFrame({ payload: bytes, timestamp: Time.Timestamp.now() });
      return true;
    },
  });
});
