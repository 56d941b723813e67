/** @moq/web-transport as a server whose script reads datagrams. */
import { readFileSync } from "node:fs";
import { play, subscriber } from "./role.js";
import { webTransport } from "./web-transport.js";

play(async (args) => {
  const { Server } = await webTransport();
  const { meter, role } = subscriber(args);
  const [cert, key] = [String(args.cert), String(args.key)].map((file) => readFileSync(file));
  const server = Server.bind(`127.0.0.1:${args.port}`, cert as Buffer, key as Buffer);
  const accept = async (): Promise<void> => {
    const session = await (await server.accept())?.ok();
    const reader = session?.datagrams.readable.getReader();
    const into = meter.subscriber();
    for (;;) {
      const next = await reader?.read();
      if (next?.value === undefined) return;
      into.take(next.value);
    }
  };
  accept().catch(() => {});
  return role;
});
