/** @moq/net as a client: `part` is publisher or subscriber. */
import { EVERYTHING, moqNet, readAll } from "./moq-net.js";
import { play, publisher, subscriber } from "./role.js";
import { NAMESPACE, TRACK } from "./track.js";
import { webTransport } from "./web-transport.js";

play(async (args) => {
  const { default: Session } = await webTransport();
  const { Broadcast, Connection, Path, Time } = await moqNet();
  const url = new URL(`https://127.0.0.1:${args.port}/`);
  const path = Path.from(NAMESPACE);
  const connect = async () => {
    const session = new Session(url.href, { serverCertificateDisableVerify: true });
    await session.ready;
    return Connection.connect(url, { transport: session });
  };
  if (args.part === "publisher") {
    const broadcast = new Broadcast.Producer();
    const track = broadcast.createTrack(TRACK);
    (await connect()).publish(path, broadcast);
    return publisher(args, {
      send: (bytes) => {
        track.writeFrame({ payload: bytes, timestamp: Time.Timestamp.now() });
        return true;
      },
    });
  }
  const { meter, role } = subscriber(args);
  for (let i = 0; i < args.load.subscribers; i++) {
    readAll((await connect()).consume(path).subscribe(TRACK, EVERYTHING), meter).catch(
      console.error,
    );
  }
  return role;
});
