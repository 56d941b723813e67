import { type Contender, UDP } from "./contender.js";

/** node:dgram: what UDP costs in Node before anybody does anything with it. */
export const datagram: Contender = {
  id: "dgram",
  label: "raw UDP (node:dgram)",
  headers: UDP,
  missing: () => undefined,
  async start(stage, load) {
    const { acks } = stage;
    const server = await stage.role("server", "datagram-server", { load, acks });
    const port = Number(server.port);
    await stage.role("publisher", "datagram-client", { load, port, acks, part: "publisher" });
    if (load.subscribers === 0) return;
    await stage.role("subscriber", "datagram-client", { load, port, acks, part: "subscriber" });
  },
};
