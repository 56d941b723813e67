import type { Client, ClientOptions } from "../api.js";
import { type MemoryOptions, memoryPair } from "../memory.js";
import { connectOverTransport } from "./connect.js";
import type { Host } from "./host.js";

/**
 * Two clients on the two ends of one in-memory connection, without a relay: what one publishes the
 * other can subscribe to, discover and fetch.
 */
export async function connectedPair(
  host: Host,
  options?: ClientOptions,
  memory?: MemoryOptions,
): Promise<readonly [Client, Client]> {
  const { a, b } = memoryPair(memory);
  return Promise.all([
    connectOverTransport(a, options, host),
    connectOverTransport(b, options, host, { role: "server" }),
  ]);
}
