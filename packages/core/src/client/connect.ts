import type { Client, ClientOptions, ProtocolInfo } from "../api.js";
import { MoqError } from "../errors.js";
import { type ResolvedClientOptions, resolveClientOptions } from "../options.js";
import type { Role } from "../session/types.js";
import type { Transport } from "../transport.js";
import { utf8 as builtinUtf8 } from "../wire/utf8.js";
import { CoreClient } from "./client.js";
import type { Dial } from "./connector.js";
import type { Host } from "./host.js";

/** How a transport is used. */
export interface TransportUse {
  /** What carries the connection, for `client.protocol`. Default `memory`. */
  readonly transport?: ProtocolInfo["transport"];
  /** `server` for the accepting end of a connection between two clients. Default `client`. */
  readonly role?: Role;
  /**
   * Time in ms of each attempt to reconnect, where the host may hold connections back. Default: the
   * option `connectTimeout`.
   */
  readonly redialTimeout?: number;
}

/**
 * Starts a client whose options are validated already. `source` makes connections, the first and those
 * in place of lost ones, or is one that stands and cannot be replaced.
 */
export function startClient(
  source: Transport | Dial,
  options: ResolvedClientOptions,
  host: Host,
  use: TransportUse = {},
): Promise<Client> {
  const utf8 = host.utf8 ?? builtinUtf8;
  const client = new CoreClient({
    options: typeof source === "function" ? options : { ...options, reconnect: undefined },
    host,
    utf8,
    transport: use.transport ?? "memory",
    role: use.role ?? "client",
    source,
    redialTimeout: use.redialTimeout,
  });
  const { signal } = options;
  if (signal !== undefined) {
    const abort = (): void => {
      if (client.state === "connecting") {
        client.abandon(new MoqError("cancelled", "Connecting was aborted by the option signal."));
      } else void client.close();
    };
    signal.addEventListener("abort", abort);
    client.onState((state) => {
      if (state === "closed") signal.removeEventListener("abort", abort);
    });
    if (signal.aborted) abort();
  }
  client.start();
  return client.opened.then(() => client);
}

/**
 * Makes a client over a connection that stands, and resolves when the peer's SETUP arrived. Rejects
 * with `timeout`, `unauthorized`, `protocol_mismatch`, `connection_failed` or `cancelled`; with
 * `invalid_argument` for options that are not valid. A connection that is lost is not made again.
 */
export async function connectOverTransport(
  transport: Transport,
  options: ClientOptions | undefined,
  host: Host,
  use: TransportUse = {},
): Promise<Client> {
  return startClient(transport, resolveClientOptions(options), host, use);
}
