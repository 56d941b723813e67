import { MoqError } from "@moq-game/core";
import { loadAddon } from "./loader.js";

/** What one token, or the anonymous session, may do. `*` stands for every namespace. */
export interface RelayGrant {
  /** Namespace prefixes such as `match` or `match/42`. */
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
}

/** Admission by a fixed list of tokens: the content of a token file. */
export interface RelayTokens {
  readonly tokens: Readonly<Record<string, RelayGrant>>;
  /** What a session without a known token may do; without it such a session is refused. */
  readonly anonymous?: RelayGrant;
}

/** Bounds of a relay; each is counted in its statistics when it is hit. */
export interface RelayLimits {
  /** Default 10,000. */
  readonly sessions?: number;
  /** Sessions from one IPv4 address or one IPv6 network of 64 bits. Default 1,024. */
  readonly sessionsPerAddress?: number;
  /** Handshakes in progress; from half of it on, clients must prove their address first. Default 512. */
  readonly handshakes?: number;
  /** Handshakes in progress from one address or network. Default 64. */
  readonly handshakesPerAddress?: number;
  /** New connections a second, of all sources; beyond it they are refused. 0: no limit. Default 1,000. */
  readonly connectsPerSecond?: number;
  /** New connections at once after a pause. Default 4,096. */
  readonly connectBurst?: number;
  /** New connections a second from one address or network. 0: no limit. Default 50. */
  readonly connectsPerSecondPerAddress?: number;
  /** New connections at once from one address or network. Default 512. */
  readonly connectBurstPerAddress?: number;
  /** Requests a second of one session; beyond it they are refused for now. 0: no limit. Default 500. */
  readonly requestsPerSecond?: number;
  /** Requests of one session at once. Default 2,048. */
  readonly requestBurst?: number;
  /** Namespaces and tracks that one session publishes in a second. 0: no limit. Default 100. */
  readonly publishesPerSecond?: number;
  /** Namespaces and tracks that one session publishes at once. Default 1,024. */
  readonly publishBurst?: number;
  /** Bytes a second that fetches of one session are answered with; beyond it they wait. 0: no limit. Default 8 MiB. */
  readonly fetchBytesPerSecond?: number;
  /** The same at once, in bytes. Default 16 MiB. */
  readonly fetchBurst?: number;
  /** Live requests of one session. Default 1,024. */
  readonly requestsPerSession?: number;
  /** Live fetches of one session. Default 64. */
  readonly fetchesPerSession?: number;
  /** Bytes of unfinished messages and objects of one session. Default 32 MiB. */
  readonly sessionBytes?: number;
  /** The same, requests and unread answers of all sessions; beyond it the largest is closed. Default 512 MiB. */
  readonly allSessionBytes?: number;
  /** Published namespaces. Default 65,536. */
  readonly namespaces?: number;
  /** Default 65,536. */
  readonly tracks?: number;
  /** Default 100,000. */
  readonly subscriptions?: number;
  /** Bytes of one object. Default 16 MiB. */
  readonly objectBytes?: number;
  /** Bytes cached of all tracks together. Default 256 MiB. */
  readonly cacheBytes?: number;
  /** Bytes cached of one track. Default 16 MiB. */
  readonly trackCacheBytes?: number;
  /** Bytes waiting for one subscriber. Default 4 MiB. */
  readonly queueBytes?: number;
}

/** Options of {@link startRelay}. */
export interface RelayOptions {
  /** UDP address or addresses, for example `0.0.0.0:4443`. Default `127.0.0.1:0`: any free port. */
  readonly listen?: string | readonly string[];
  /** PEM certificate chain; with `key`. Without them a development certificate is made (less than 14 days valid). */
  readonly certificate?: string;
  readonly key?: string;
  /**
   * PEM file, or several, with authorities of client certificates, which clients must then show.
   * Default: clients are not asked.
   */
  readonly clientCaFile?: string | readonly string[];
  /** With `clientCaFile`: false lets clients without a certificate in too. Default true. */
  readonly requireClientCertificate?: boolean;
  /** Further names or addresses in a development certificate. */
  readonly names?: readonly string[];
  /** Admission. Default: everybody may do everything. */
  readonly tokens?: RelayTokens;
  /** The same from a JSON file. */
  readonly tokenFile?: string;
  /** TCP address of `/certificate.sha256`, `/stats` and `/metrics`, or `same-port`. Default `off`. */
  readonly http?: string;
  /** Where clients are told to go on shutdown. */
  readonly goawayUri?: string;
  readonly limits?: RelayLimits;
  /** No limit per address for these, such as proxies that many come through. Default this machine. */
  readonly exemptAddresses?: readonly string[];
}

/** A JSON value. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** A relay that runs in this process. */
export interface Relay {
  /** For WebTransport; with `moqt:` instead of `https:` for QUIC. */
  readonly url: string;
  /** For clients in this process: no sockets, no encryption. */
  readonly memoryUrl: string;
  readonly port: number;
  /** SHA-256 of the certificate in hexadecimal, for `serverCertificateHashes`. */
  readonly certificateHash: string;
  /** Address of the HTTP side, if there is one. */
  readonly httpUrl: string | undefined;
  /** Counters, as the HTTP side gives them. Throws `closed` after `close`. */
  stats(): { readonly [name: string]: Json };
  /** Lets the process end although the relay runs. */
  unref(): void;
  /** Tells clients to go away, waits up to `grace` ms (default 0) for them, and stops. Idempotent. */
  close(options?: { readonly grace?: number }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);

interface RelayInfo {
  readonly url: string;
  readonly memoryUrl: string;
  readonly port: number;
  readonly certificateHash: string;
  readonly httpUrl: string | null;
}

class EmbeddedRelay implements Relay {
  readonly url: string;
  readonly memoryUrl: string;
  readonly port: number;
  readonly certificateHash: string;
  readonly httpUrl: string | undefined;
  readonly #handle: number;
  #closed: Promise<void> | undefined;

  constructor(handle: number) {
    this.#handle = handle;
    const info = JSON.parse(loadAddon().relayInfo(handle)) as RelayInfo;
    this.url = info.url;
    this.memoryUrl = info.memoryUrl;
    this.port = info.port;
    this.certificateHash = info.certificateHash;
    this.httpUrl = info.httpUrl ?? undefined;
  }

  stats(): { readonly [name: string]: Json } {
    const text = this.#closed === undefined ? loadAddon().relayStats(this.#handle) : "";
    if (text === "") throw new MoqError("closed", "The relay is closed. Start another one.");
    return JSON.parse(text) as { [name: string]: Json };
  }

  unref(): void {
    if (this.#closed === undefined) loadAddon().relayKeepAlive(this.#handle, false);
  }

  close(options?: { readonly grace?: number }): Promise<void> {
    const grace = options?.grace ?? 0;
    if (!Number.isInteger(grace) || grace < 0 || grace > 600_000) {
      return Promise.reject(
        new MoqError("invalid_argument", "grace must be a whole number of ms from 0 to 600000."),
      );
    }
    this.#closed ??= loadAddon()
      .relayStop(this.#handle, grace)
      .then(() => {});
    return this.#closed;
  }

  [ASYNC_DISPOSE](): Promise<void> {
    return this.close();
  }
}

/**
 * Starts the embedded relay on a thread of its own. The process stays alive until it is closed, like
 * with any server of Node. Rejects with `invalid_argument`, `certificate`, or `connection_failed` when
 * the port cannot be opened.
 */
export async function startRelay(options: RelayOptions = {}): Promise<Relay> {
  if (typeof options !== "object" || options === null) {
    throw new MoqError("invalid_argument", "The options of startRelay must be an object.");
  }
  const addon = loadAddon();
  const handle = addon.relayStart(JSON.stringify(options));
  if (handle < 0) throw new MoqError(MoqError.codeOf(-handle), addon.lastError());
  return new EmbeddedRelay(handle);
}
