import {
  type Client,
  closeError,
  type Dial,
  draft18,
  type Host,
  MoqError,
  type ResolvedClientOptions,
  startClient,
} from "@moq-game/core";
import { browserHost } from "./host.js";
import { resolveUrl, resolveWebOptions, type WebClientOptions } from "./options.js";
import { WebTransportLink } from "./transport.js";
import {
  findWebTransport,
  type WebTransportConstructor,
  type WebTransportSession,
} from "./webtransport.js";
import { connectWorker } from "./worker-connect.js";

/**
 * Time in ms of an attempt to reconnect. After handshakes that failed, Chromium holds back the next one
 * of a page: 10 ms, twice as long for each further failure within 5 minutes, up to 90 s. One that is
 * given up meanwhile has to queue again, so it is waited for; once begun, browsers end it themselves.
 */
const REDIAL_TIMEOUT = 120_000;

/** What the WebTransport handshake offers. */
const PROTOCOL = draft18().protocol;

/**
 * Connects to a relay over WebTransport. Rejects with `invalid_argument`, `unsupported` (no
 * WebTransport here), `connection_failed`, `timeout`, `protocol_mismatch`, `unauthorized` or
 * `cancelled`.
 */
export async function connect(url: string | URL, options?: WebClientOptions): Promise<Client> {
  const target = resolveUrl(url);
  const { client, makeWorker } = resolveWebOptions(options);
  if (makeWorker !== undefined) return connectWorker(target, client, makeWorker, browserHost());
  return connectHere(target, client);
}

/** Connects on this thread. */
export async function connectHere(url: URL, options: ResolvedClientOptions): Promise<Client> {
  const WebTransport = findWebTransport();
  if (WebTransport === undefined) throw unsupported();
  const host = browserHost();
  const dial: Dial = async ({ url: elsewhere, timeout, signal }) => {
    const target = elsewhere === undefined ? url : goawayUrl(elsewhere);
    const attempt = { ...options, connectTimeout: timeout, signal };
    return new WebTransportLink(await handshake(WebTransport, target, attempt, host));
  };
  return startClient(dial, options, host, {
    transport: "webtransport",
    redialTimeout: Math.max(REDIAL_TIMEOUT, options.connectTimeout),
  });
}

/** The address in a GOAWAY; MOQT over QUIC and over WebTransport share the relay's port. */
function goawayUrl(uri: string): URL {
  try {
    return resolveUrl(uri.replace(/^moqt:/, "https:"));
  } catch (cause) {
    const message = `The relay sent this client to ${JSON.stringify(uri)}, which is no address for browsers.`;
    throw new MoqError("connection_failed", message, { cause });
  }
}

function unsupported(): MoqError {
  const secure = (globalThis as { isSecureContext?: boolean }).isSecureContext !== false;
  return new MoqError(
    "unsupported",
    secure
      ? "This browser has no WebTransport. Use a current Chrome, Edge, Firefox or Safari."
      : "WebTransport exists in secure contexts only. Serve the page over https:// or from http://localhost.",
  );
}

async function handshake(
  WebTransport: WebTransportConstructor,
  url: URL,
  options: ResolvedClientOptions,
  host: Host,
): Promise<WebTransportSession> {
  const { serverCertificateHashes: hashes, connectTimeout, signal } = options;
  if (signal?.aborted) throw cancelled();
  let session: WebTransportSession;
  try {
    session = new WebTransport(url.href, {
      protocols: [PROTOCOL],
      requireUnreliable: true,
      ...(hashes.length === 0
        ? {}
        : {
            serverCertificateHashes: hashes.map((value) => ({ algorithm: "sha-256", value })),
          }),
    });
  } catch (error) {
    throw new MoqError(
      "invalid_argument",
      `The browser refused the connection's parameters: ${text(error)}. Check URL and options.`,
      { cause: error },
    );
  }
  session.closed.catch(() => {});
  let stop: () => void = () => {};
  const given = new Promise<never>((_, reject) => {
    const timer = host.setTimer(() => {
      reject(
        closeError({ kind: "timed_out" }, false) ?? new MoqError("timeout", "The relay is silent."),
      );
    }, connectTimeout);
    const abort = (): void => reject(cancelled());
    signal?.addEventListener("abort", abort);
    stop = () => {
      host.clearTimer(timer);
      signal?.removeEventListener("abort", abort);
    };
  });
  try {
    await Promise.race([session.ready, given]);
  } catch (error) {
    session.ready.catch(() => {});
    try {
      session.close({ closeCode: 0, reason: "" });
    } catch {
      // It never opened.
    }
    throw error instanceof MoqError ? error : failed(url, options, error);
  } finally {
    stop();
  }
  const { protocol } = session;
  // Browsers without the option offer nothing; then SETUP decides.
  if (typeof protocol === "string" && protocol !== "" && protocol !== PROTOCOL) {
    session.close({ closeCode: 0x15, reason: "protocol" });
    throw new MoqError(
      "protocol_mismatch",
      `The relay chose ${JSON.stringify(protocol)} and this client speaks ${PROTOCOL}. Use a relay that speaks draft-18.`,
    );
  }
  return session;
}

/** Browsers hide why a handshake failed from pages: the message lists what it can be. */
function failed(url: URL, options: ResolvedClientOptions, error: unknown): MoqError {
  const certificate =
    options.serverCertificateHashes.length === 0
      ? "its certificate is one that this browser trusts (or pass its SHA-256 in serverCertificateHashes)"
      : "serverCertificateHashes holds the SHA-256 of the relay's present certificate, which must be ECDSA and valid for at most 14 days";
  return new MoqError(
    "connection_failed",
    `Could not connect to ${url.host} (${text(error)}). Check that a relay listens there on UDP, ` +
      `that ${certificate}, that the path ${url.pathname} is served and that the relay speaks draft-18.`,
    { cause: error },
  );
}

function cancelled(): MoqError {
  return new MoqError("cancelled", "Connecting was aborted by the option signal.");
}

function text(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}
