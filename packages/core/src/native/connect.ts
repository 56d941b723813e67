import type { Client } from "../api.js";
import { MoqError } from "../errors.js";
import { currentToken } from "../options/credentials.js";
import type { ResolvedClientOptions } from "../options.js";
import { NativeClient } from "./client.js";
import type { NativeHost, NativePort } from "./port.js";

/** The JSON options of `moq_client_open`. `extra` holds what only this host knows. */
export function nativeClientOptions(
  url: string,
  options: ResolvedClientOptions,
  token: string | Uint8Array | undefined,
  extra: Readonly<Record<string, unknown>> = {},
): string {
  const {
    token: _token,
    reconnect: _,
    signal: _signal,
    serverCertificateHashes,
    ...rest
  } = options;
  return JSON.stringify({
    ...extra,
    ...rest,
    url,
    token: token === undefined || typeof token === "string" ? token : { hex: hex(token) },
    serverCertificateHashes: serverCertificateHashes.map(hex),
  });
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
  const { token: source } = options;
  const token = typeof source === "function" ? await currentToken(source) : source;
  const client = new NativeClient(port, host, nativeClientOptions(url, options, token, extra));
  client.follow(options.signal);
  await client.opened;
  // SETUPs cross: a relay that does not admit this client may say so right after it opened.
  if (client.endedBy !== undefined) throw client.endedBy;
  return client;
}
