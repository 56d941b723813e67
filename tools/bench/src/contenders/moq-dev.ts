/** The packages of the moq-dev project for Node. */
import { certificate, freePort } from "../cell/address.js";
import type { Stage } from "../cell/stage.js";
import type { Load } from "../load.js";
import { type Contender, UDP } from "./contender.js";
import { missingPackage } from "./packages.js";

async function addressed(stage: Stage, load: Load) {
  const { cert, key } = certificate(stage.folder);
  return { load, acks: stage.acks, port: await freePort(), cert, key };
}

export const webTransport: Contender = {
  id: "web-transport",
  label: "@moq/web-transport, datagrams",
  headers: UDP,
  missing: () => missingPackage("web-transport"),
  async start(stage, load) {
    if (load.subscribers > 0) throw new Error("it has no fan-out of its own");
    const args = await addressed(stage, load);
    await stage.role("server", "web-transport-server", args);
    await stage.role("publisher", "web-transport-publisher", args);
  },
};

export const moqNet: Contender = {
  id: "moq-net",
  label: "@moq/net, a group per update",
  headers: UDP,
  missing: () => missingPackage("web-transport") ?? missingPackage("moq-net"),
  async start(stage, load) {
    const args = await addressed(stage, load);
    await stage.role("server", "moq-net-server", args);
    if (load.subscribers === 0) {
      await stage.role("publisher", "moq-net-client", { ...args, part: "publisher" });
      return;
    }
    // The server writes the track: it has one process less to feed than the others.
    await stage.role("subscriber", "moq-net-client", { ...args, part: "subscriber" });
  },
};
