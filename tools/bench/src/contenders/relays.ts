/** Other people's relays under our Rust clients. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Delivery } from "@moq-game/core";
import { certificate, freePort } from "../cell/address.js";
import type { Stage } from "../cell/stage.js";
import { type Contender, UDP } from "./contender.js";
import { missingProgram, type RelayAddress, startRustClients } from "./ours.js";

/** Where tools/lib/peers.mjs has installed it. */
function peer(name: string): string {
  return join(process.env.MOQ_BENCH_PEERS ?? ".", name);
}

/** How one starts, and what it prints when it listens. */
interface Program {
  readonly name: string;
  readonly listening: RegExp;
  arguments(address: string, files: { cert: string; key: string }, folder: string): string[];
}

const IETF: Program = {
  name: "moq-relay-ietf",
  listening: /UDP socket bound|listening/i,
  arguments: (address, { cert, key }, folder) => [
    ...["--bind", address, "--tls-cert", cert, "--tls-key", key],
    // Instances that share this file share their namespaces.
    ...["--coordinator-file", join(folder, "names.json")],
  ],
};

const MOQ_DEV: Program = {
  name: "moq-relay",
  listening: /listening/i,
  arguments: (address, { cert, key }) => [
    ...["--listen", address, "--listen-tls-cert", cert, "--listen-tls-key", key],
    ...["--auth-public", "**"],
  ],
};

async function start(stage: Stage, program: Program): Promise<RelayAddress> {
  const { hash, ...files } = certificate(stage.folder);
  const address = `127.0.0.1:${await freePort()}`;
  const relay = stage.spawn(
    "server",
    peer(program.name),
    program.arguments(address, files, stage.folder),
    {
      RUST_LOG: "info",
      NO_COLOR: "1",
    },
  );
  relay.tells = false;
  await relay.prints(program.listening);
  return { url: `moqt://${address}`, certificateHash: hash };
}

function through(program: Program): (delivery: Delivery) => Contender {
  return (delivery) => ({
    id: `${program.name}-${delivery}`,
    label: `${program.name}, \`${delivery}\``,
    headers: UDP,
    missing: () =>
      existsSync(peer(program.name))
        ? missingProgram("moqt-bench")
        : `${program.name} is not installed`,
    start: async (stage, load) =>
      startRustClients(stage, load, delivery, await start(stage, program)),
  });
}

export const moqRelayIetf = through(IETF);
export const moqRelay = through(MOQ_DEV);
