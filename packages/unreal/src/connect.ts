import { type Client, type ClientOptions, resolveClientOptions } from "@moq-game/core";
import { connectNative, type NativeHost, trustFields } from "@moq-game/core/native";
import { type BridgePort, bridgePort } from "./bridge.js";
import { listenerThrew } from "./log.js";

declare function setTimeout(run: () => void, ms: number): unknown;

/** Options of {@link connect}: those of every host, and what only native ones have. */
export interface ConnectOptions extends ClientOptions {
  /** PEM file, or several, with certificate authorities to accept instead of the system's. */
  readonly caFile?: string | readonly string[];
  /** Accepts any certificate. For development only: anybody on the way can read and change everything. */
  readonly insecure?: boolean;
}

const HOST_OPTIONS = ["caFile", "insecure"] as const;

/** What the client needs of a script environment that has nothing but `console` and timers. */
function hostOf(port: BridgePort): NativeHost {
  return {
    now: () => port.now() / 1_000,
    turn: port.turn,
    schedule: (run) => {
      setTimeout(run, 0);
    },
    onListenerError: listenerThrew,
  };
}

/**
 * Connects to a relay: `https://host:port/path` (WebTransport), `moqt://…` or `quic://…` (QUIC). Settles
 * when the connection stands, or failed; rejects with `unavailable` when the plugins are missing.
 *
 * Nothing blocks the game thread. What arrives is taken by `tick`, or by a timer while nobody ticks.
 */
export async function connect(url: string, options?: ConnectOptions): Promise<Client> {
  const resolved = resolveClientOptions(options, HOST_OPTIONS);
  const extra = trustFields(options);
  const port = bridgePort();
  return connectNative(port, hostOf(port), String(url), resolved, extra);
}
