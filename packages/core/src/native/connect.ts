import type { Client } from "../api.js";
import { MoqError } from "../errors.js";
import type { ResolvedClientOptions } from "../options.js";
import { NativeClient } from "./client.js";
import type { NativeHost, NativePort } from "./port.js";

/** The JSON options of `moq_client_open`. `extra` holds what only this host knows. */
export function nativeClientOptions(
  url: string,
  options: ResolvedClientOptions,
  extra: Readonly<Record<string, unknown>> = {},
): string {
  const { token, reconnect, signal: _, serverCertificateHashes, ...rest } = options;
  return JSON.stringify({
    ...extra,
    ...rest,
    url,
    ...(typeof token === "function" ? { askToken: true } : { token: tokenField(token) }),
    reconnect: reconnect ?? false,
    serverCertificateHashes: serverCertificateHashes.map(hex),
  });
}

function tokenField(token: string | Uint8Array | undefined): unknown {
  return token === undefined || typeof token === "string" ? token : { hex: hex(token) };
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Connects through the native library; settles when the connection stands or failed. */
export async function connectNative(
  port: NativePort,
  host: NativeHost,
  url: string,
  options: ResolvedClientOptions,
  extra?: Readonly<Record<string, unknown>>,
): Promise<Client> {
  if (typeof url !== "string" || url === "") {
    throw new MoqError(
      "invalid_argument",
      "connect takes the address of a relay as its first argument, for example https://relay.example:4443/match.",
    );
  }
  const { token } = options;
  const source = typeof token === "function" ? token : undefined;
  const client = new NativeClient(port, host, nativeClientOptions(url, options, extra), source);
  client.follow(options.signal);
  await client.opened;
  // SETUPs cross: a relay that does not admit this client may say so right after it opened.
  if (client.endedBy !== undefined) throw client.endedBy;
  return client;
}
