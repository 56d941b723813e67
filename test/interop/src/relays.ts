/** Other people's relays as processes on loopback. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { createSocket } from "node:dgram";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ForeignRelay {
  readonly name: string;
  readonly port: number;
  readonly certificateHash: string;
  /** What it has printed, for messages of failed tests. */
  output(): string;
  close(): Promise<void>;
}

/** The folder of the programs that tools/interop.mjs has installed. */
export function peerProgram(name: string): string {
  const folder = process.env.MOQ_INTEROP_PEERS;
  if (!folder) throw new Error("MOQ_INTEROP_PEERS is not set: run npm run interop from the top");
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

/** A certificate that browsers accept by its hash: P-256, valid for less than 14 days. */
function certificate(folder: string) {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const what = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "12",
  ];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const files = ["-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...what, ...names, ...files], { stdio: "pipe" });
  const hash = new X509Certificate(readFileSync(cert)).fingerprint256.replaceAll(":", "");
  return { cert, key, hash: hash.toLowerCase() };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once("close", resolve));
}

/** `moq-relay-ietf`, open to everyone. */
export async function startMoqRelayIetf(): Promise<ForeignRelay> {
  const folder = mkdtempSync(join(tmpdir(), "moq-game-interop-"));
  const { cert, key, hash } = certificate(folder);
  const port = await freePort();
  const args = ["--bind", `127.0.0.1:${port}`, "--tls-cert", cert, "--tls-key", key];
  const program = peerProgram("moq-relay-ietf");
  // Instances that share this file share their namespaces.
  const child = spawn(program, [...args, "--coordinator-file", join(folder, "names.json")], {
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
  while (!/UDP socket bound|listening/i.test(output)) {
    if (failed !== undefined || child.exitCode !== null || Date.now() > limit) {
      child.kill("SIGKILL");
      throw new Error(`${program} does not start: ${failed?.message ?? output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    name: "moq-relay-ietf",
    port,
    certificateHash: hash,
    output: () => output,
    async close() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 2_000);
      await ended(child);
      clearTimeout(timer);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
