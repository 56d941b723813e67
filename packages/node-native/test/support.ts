import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type ConnectOptions, connect, type Relay } from "../src/index.js";

/** The ways to reach a relay of this process. */
export const WAYS = ["quic", "webtransport", "memory"] as const;
export type Way = (typeof WAYS)[number];

export function urlOf(relay: Relay, way: Way): string {
  if (way === "memory") return relay.memoryUrl;
  return way === "quic" ? relay.url.replace(/^https:/, "moqt:") : relay.url;
}

export function join(relay: Relay, way: Way = "quic", options: ConnectOptions = {}) {
  const trust = way === "memory" ? {} : { serverCertificateHashes: [relay.certificateHash] };
  return connect(urlOf(relay, way), { ...trust, ...options });
}

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Waits until something holds; fails with what `describe` says. */
export async function until(
  holds: () => boolean,
  describe: () => string = () => "it did not come to hold",
  limit = 20_000,
): Promise<void> {
  const end = Date.now() + limit;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${describe()} within ${limit} ms`);
    await sleep(5);
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);

export interface ChildResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
  /** What it sent to its parent. */
  readonly messages: unknown[];
}

/** Runs a script of `test/children` in a process of its own; it is killed after `limit` ms. */
export function runChild(
  name: string,
  args: readonly string[] = [],
  limit = 50_000,
): Promise<ChildResult> {
  const file = fileURLToPath(new URL(`children/${name}`, import.meta.url));
  const child = fork(file, args, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    execArgv: ["--expose-gc"],
  });
  // The channel must not keep the child alive: whether it ends by itself is what is tested.
  let output = "";
  const messages: unknown[] = [];
  child.stdout?.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (output += data.toString()));
  child.on("message", (message) => messages.push(message));
  const timer = setTimeout(() => child.kill("SIGKILL"), limit);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, output, messages });
    });
  });
}
