/** Relays as processes on loopback: other people's, and ours for comparison. */
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeCertificate } from "../../../tools/certificate.mjs";

/** A relay that runs. */
export interface RelayProcess {
  readonly name: string;
  readonly port: number;
  readonly certificateHash: string;
  /** What it has printed, for messages of failed tests. */
  output(): string;
  /** Stops it with SIGTERM and starts it again with the same port and certificate. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** The folder of the programs that tools/interop.mjs has installed. */
export function peerProgram(name: string): string {
  const folder = process.env.MOQ_INTEROP_PEERS;
  if (!folder)
    throw new Error("MOQ_INTEROP_PEERS is not set: run npm run test:interop from the top");
  return join(folder, name);
}

/** A UDP port of the loopback address that nobody uses now. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address() as AddressInfo;
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

interface Place {
  readonly port: number;
  readonly folder: string;
  readonly cert: string;
  readonly key: string;
}

/** How a relay is started, open to everyone. */
interface Program {
  readonly name: string;
  readonly command: () => readonly string[];
  readonly args: (place: Place) => readonly string[];
  /** What it prints once it listens. */
  readonly listens: RegExp;
}

const PROGRAMS: readonly Program[] = [
  {
    name: "moq-relay-ietf",
    command: () => [peerProgram("moq-relay-ietf")],
    args: ({ port, folder, cert, key }) => [
      ...["--bind", `127.0.0.1:${port}`, "--tls-cert", cert, "--tls-key", key],
      // Instances that share this file share their namespaces.
      ...["--coordinator-file", join(folder, "names.json")],
    ],
    listens: /UDP socket bound|listening/i,
  },
  {
    name: "moq-relay",
    command: () => [peerProgram("moq-relay")],
    args: ({ port, cert, key }) => [
      ...["--listen", `127.0.0.1:${port}`, "--listen-tls-cert", cert, "--listen-tls-key", key],
      ...["--auth-public", "**", "--listen-version", "moq-transport-18"],
    ],
    listens: /listening/i,
  },
  {
    name: "moq-game relay",
    command: () => [
      process.execPath,
      fileURLToPath(new URL("../../../packages/node-native/dist/cli.js", import.meta.url)),
    ],
    args: ({ port, cert, key }) => [
      ...["relay", "--listen", `127.0.0.1:${port}`, "--cert", cert, "--key", key],
      ...["--http", "off", "--drain", "500"],
    ],
    listens: /https:/,
  },
];

/** The names of the relays; the last one is ours. */
export const RELAYS: readonly string[] = PROGRAMS.map(({ name }) => name);

/** Starts one of {@link RELAYS}. */
export async function startRelayProcess(name: string): Promise<RelayProcess> {
  const program = PROGRAMS.find((each) => each.name === name);
  if (program === undefined) throw new Error(`no relay "${name}"`);
  const folder = mkdtempSync(join(tmpdir(), "moq-game-interop-"));
  const { cert, key, hash } = makeCertificate(folder);
  const port = await freePort();
  const place: Place = { port, folder, cert, key };
  let running = await start(program, place);
  return {
    name,
    port,
    certificateHash: hash,
    output: () => running.output(),
    async restart() {
      await stop(running.child);
      running = await start(program, place);
    },
    async close() {
      await stop(running.child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function start(program: Program, place: Place) {
  const [command = "", ...first] = program.command();
  const child = spawn(command, [...first, ...program.args(place)], {
    env: { ...process.env, RUST_LOG: "info", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const take = (data: Buffer): void => {
    output = (output + data.toString()).slice(-20_000);
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  let failed: Error | undefined;
  child.on("error", (error) => {
    failed = error;
  });
  const limit = Date.now() + 15_000;
  while (!program.listens.test(output)) {
    if (failed !== undefined || child.exitCode !== null || Date.now() > limit) {
      child.kill("SIGKILL");
      throw new Error(`${program.name} does not start: ${failed?.message ?? output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { child, output: () => output };
}

/** As a service manager does: SIGTERM, and SIGKILL when that takes too long. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 2_000);
  await gone;
  clearTimeout(timer);
}
