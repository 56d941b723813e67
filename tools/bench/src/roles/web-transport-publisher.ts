/** @moq/web-transport as a client that sends datagrams. */
import { play, publisher } from "./role.js";
import { webTransport } from "./web-transport.js";

play(async (args) => {
  const { default: Session } = await webTransport();
  const session = new Session(`https://127.0.0.1:${args.port}/`, {
    serverCertificateDisableVerify: true,
  });
  await session.ready;
  const writer = session.datagrams.writable.getWriter();
  return publisher(args, {
    send: (bytes) => {
      writer.write(bytes).catch(() => {});
      return true;
    },
  });
});
