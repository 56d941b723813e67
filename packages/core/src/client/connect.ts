import type { Client, ClientOptions, ProtocolInfo } from "../api.js";
import { MoqError } from "../errors.js";
import { type ResolvedClientOptions, resolveClientOptions } from "../options.js";
import type { Role } from "../session/types.js";
import type { Transport } from "../transport.js";
import { utf8 as builtinUtf8 } from "../wire/utf8.js";
import { CoreClient } from "./client.js";
import type { Host } from "./host.js";
import { Link } from "./link.js";

/** MOQT_IMPLEMENTATION of this client. */
export const IMPLEMENTATION = "moq-game/0.1.0 (core)";

/** How a transport is used. */
export interface TransportUse {
  /** What carries the connection, for `client.protocol`. Default `memory`. */
  readonly transport?: ProtocolInfo["transport"];
  /** `server` for the accepting end of a connection between two clients. Default `client`. */
  readonly role?: Role;
}

/** Like {@link connectOverTransport}, for hosts that have validated the options already. */
export function startClient(
  transport: Transport,
  options: ResolvedClientOptions,
  host: Host,
  use: TransportUse = {},
): Promise<Client> {
  const utf8 = host.utf8 ?? builtinUtf8;
  const client = new CoreClient({ options, host, utf8, transport: use.transport ?? "memory" });
  const { token } = options;
  const value = typeof token === "string" ? utf8.encode(token) : token;
  const link = new Link(
    transport,
    {
      role: use.role ?? "client",
      now: () => host.now(),
      utf8,
      setup: {
        implementation: IMPLEMENTATION,
        ...(value === undefined
          ? {}
          : { tokens: [{ kind: "use_value" as const, tokenType: 0, value }] }),
      },
      limits: { maxObjectSize: options.maxObjectSize, setupTimeout: options.connectTimeout },
    },
    host,
    client,
  );
  client.attach(link);
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
  if (client.state === "connecting") link.start();
  return client.opened.then(() => client);
}

/**
 * Makes a client over a connection that stands, and resolves when the peer's SETUP arrived. Rejects
 * with `timeout`, `unauthorized`, `protocol_mismatch`, `connection_failed` or `cancelled`; with
 * `invalid_argument` for options that are not valid.
 */
export async function connectOverTransport(
  transport: Transport,
  options: ClientOptions | undefined,
  host: Host,
  use: TransportUse = {},
): Promise<Client> {
  return startClient(transport, resolveClientOptions(options), host, use);
}
