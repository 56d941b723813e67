import { type Client, type ClientOptions, resolveClientOptions } from "@moq-game/core";
import { connectNative, type NativeHost, trustFields } from "@moq-game/core/native";
import { loadAddon } from "./loader.js";

/** Options of {@link connect}: those of every host, and what only Node has. */
export interface ConnectOptions extends ClientOptions {
  /** PEM file, or several, with certificate authorities to accept instead of the system's. */
  readonly caFile?: string | readonly string[];
  /** Accepts any certificate. For development only: anybody on the way can read and change everything. */
  readonly insecure?: boolean;
  /** Shown to a relay that asks who the client is, with `clientKey`: PEM text, or the path of a PEM file. */
  readonly clientCertificate?: string;
  /** Its private key: PEM text, or the path of a PEM file. */
  readonly clientKey?: string;
  /**
   * Publications, subscriptions, fetches, discoveries and status requests that may be opened in a
   * second; more fail with `rate_limited`. Default 0: no limit.
   */
  readonly requestsPerSecond?: number;
  /** The same at once, after a pause. Default: what a second allows. */
  readonly requestBurst?: number;
  /** Updates of all publications in a second; more throw `rate_limited`. Default 0: no limit. */
  readonly publishesPerSecond?: number;
  /** The same at once, after a pause. Default: what a second allows. */
  readonly publishBurst?: number;
}

const HOST_OPTIONS = [
  "caFile",
  "insecure",
  "clientCertificate",
  "clientKey",
  "requestsPerSecond",
  "requestBurst",
  "publishesPerSecond",
  "publishBurst",
] as const;

const host: NativeHost = {
  now: () => performance.now(),
  schedule: (run) => {
    setImmediate(run);
  },
  onListenerError: (error) => {
    // Like any error in an event listener: it reaches `uncaughtException`.
    setImmediate(() => {
      throw error;
    });
  },
};

/**
 * Connects to a relay: `https://host:port/path` (WebTransport), `moqt://…` or `quic://…` (QUIC), or the
 * `memoryUrl` of a relay of this process. Settles when the connection stands, or failed.
 *
 * The process stays alive while something is awaited (a connection, `ready`, the next batch of a
 * subscription, a flush) or a subscription has an `onReadable` listener; an idle client lets it end.
 */
export async function connect(url: string | URL, options?: ConnectOptions): Promise<Client> {
  const resolved = resolveClientOptions(options, HOST_OPTIONS);
  const { requestsPerSecond, requestBurst, publishesPerSecond, publishBurst } = options ?? {};
  // The library checks the rates.
  const rates = { requestsPerSecond, requestBurst, publishesPerSecond, publishBurst };
  const extra = { ...trustFields(options), ...rates };
  return connectNative(
    loadAddon(),
    host,
    typeof url === "string" ? url : String(url),
    resolved,
    extra,
  );
}
