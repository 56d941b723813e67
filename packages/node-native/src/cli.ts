#!/usr/bin/env node
/** The command `moq-game`. */
import { parseArgs } from "node:util";
import { MoqError } from "@moq-game/core";
import { ImpairUsageError, runImpair } from "@moq-game/impair/cli";
import { type RelayLimits, type RelayOptions, startRelay } from "./relay.js";

// The options are those of the stand-alone relay, in its words (`native/moqt-relay/src/cli/options.txt`).
const HELP = `moq-game: MoQ Transport for games

Usage: moq-game relay [OPTIONS]    starts a relay and prints its address
       moq-game impair [OPTIONS]   a bad network in front of one; moq-game impair --help

moq-game relay

Listening
  --listen ADDR          UDP address for WebTransport and raw QUIC; may be repeated
                         [default: 127.0.0.1:4443; [::]:4443 for every interface; port 0: any]
  --http ADDR | off      TCP address of the HTTP side: /certificate.sha256, /stats, /metrics
                         [default: the same port number on the loopback address]

Certificate
  --cert FILE            PEM certificate chain, leaf first (with --key)
  --key FILE             PEM private key (with --cert)
  --dev-cert             self-signed certificate made at the start, valid less than 14 days
                         [default when --cert is not given]
  --dev-name NAME        a further host name or address for it; may be repeated
  --client-ca FILE       PEM file with an authority of client certificates, which clients must then
                         show; may be repeated [default: clients are not asked]
  --client-cert-optional  with --client-ca: clients without a certificate are let in too

Admission
  --tokens FILE          JSON: {"tokens": {"SECRET": {"publish": ["match"], "subscribe": ["*"]}},
                         "anonymous": {"subscribe": ["lobby"]}}  [default: everyone may do everything]

Shutdown (SIGINT, SIGTERM)
  --goaway-uri URI       where clients are told to go [default: nowhere in particular]
  --drain MS             how long they may take to leave [default: 3000]

Limits
  --max-sessions N           [default: 10000]
  --max-sessions-per-address N  from one IPv4 address or IPv6 /64 network [default: 1024]
  --max-handshakes N         in progress; from half of it on, clients prove their address first
                             [default: 512]
  --max-handshakes-per-address N  [default: 64]
  --exempt-address ADDR      no limit per address for it, such as a proxy; may be repeated
                             [default: 127.0.0.1 and ::1]
  --max-requests N           live requests of one session [default: 1024]
  --max-fetches N            live fetches of one session [default: 64]
  --session-bytes BYTES      unfinished messages and objects of one session [default: 33554432]
  --all-session-bytes BYTES  that, requests and unread answers of all sessions [default: 536870912]
  --max-namespaces N         published namespaces [default: 65536]
  --max-tracks N             [default: 65536]
  --max-subscriptions N      [default: 100000]
  --max-object-bytes BYTES   [default: 16777216]
  --cache-bytes BYTES        all tracks together [default: 268435456]
  --track-cache-bytes BYTES  one track [default: 16777216]
  --queue-bytes BYTES        waiting for one subscriber, beyond it TOO_FAR_BEHIND
                             [default: 4194304]

Rates (0: no limit; a burst is what may come at once after a pause)
  --connects-per-second N    new connections; beyond it they are refused [default: 1000]
  --connect-burst N          [default: 4096]
  --connects-per-second-per-address N  from one address or network [default: 50]
  --connect-burst-per-address N  [default: 512]
  --requests-per-second N    of one session; beyond it EXCESSIVE_LOAD [default: 500]
  --request-burst N          [default: 2048]
  --publishes-per-second N   PUBLISH and PUBLISH_NAMESPACE of one session [default: 100]
  --publish-burst N          [default: 1024]
  --fetch-bytes-per-second BYTES  that fetches of one session get; beyond it they wait
                             [default: 8388608]
  --fetch-burst BYTES        [default: 16777216]

  -h, --help             this text
`;

const TEXT = { type: "string" } as const;
const LIST = { type: "string", multiple: true } as const;
const FLAG = { type: "boolean" } as const;

/** Flag of the command and name of the limit. */
const LIMITS = {
  "max-sessions": "sessions",
  "max-sessions-per-address": "sessionsPerAddress",
  "max-handshakes": "handshakes",
  "max-handshakes-per-address": "handshakesPerAddress",
  "connects-per-second": "connectsPerSecond",
  "connect-burst": "connectBurst",
  "connects-per-second-per-address": "connectsPerSecondPerAddress",
  "connect-burst-per-address": "connectBurstPerAddress",
  "requests-per-second": "requestsPerSecond",
  "request-burst": "requestBurst",
  "publishes-per-second": "publishesPerSecond",
  "publish-burst": "publishBurst",
  "fetch-bytes-per-second": "fetchBytesPerSecond",
  "fetch-burst": "fetchBurst",
  "max-requests": "requestsPerSession",
  "max-fetches": "fetchesPerSession",
  "session-bytes": "sessionBytes",
  "all-session-bytes": "allSessionBytes",
  "max-namespaces": "namespaces",
  "max-tracks": "tracks",
  "max-subscriptions": "subscriptions",
  "max-object-bytes": "objectBytes",
  "cache-bytes": "cacheBytes",
  "track-cache-bytes": "trackCacheBytes",
  "queue-bytes": "queueBytes",
} as const satisfies Record<string, keyof RelayLimits>;

class UsageError extends Error {}

function number(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < least) {
    throw new UsageError(
      `--${flag} takes a whole number from ${least}, not ${JSON.stringify(text)}`,
    );
  }
  return value;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        listen: LIST,
        http: TEXT,
        cert: TEXT,
        key: TEXT,
        "dev-cert": FLAG,
        "dev-name": LIST,
        "client-ca": LIST,
        "client-cert-optional": FLAG,
        tokens: TEXT,
        "goaway-uri": TEXT,
        drain: TEXT,
        "max-sessions": TEXT,
        "max-sessions-per-address": TEXT,
        "max-handshakes": TEXT,
        "max-handshakes-per-address": TEXT,
        "exempt-address": LIST,
        "connects-per-second": TEXT,
        "connect-burst": TEXT,
        "connects-per-second-per-address": TEXT,
        "connect-burst-per-address": TEXT,
        "requests-per-second": TEXT,
        "request-burst": TEXT,
        "publishes-per-second": TEXT,
        "publish-burst": TEXT,
        "fetch-bytes-per-second": TEXT,
        "fetch-burst": TEXT,
        "max-requests": TEXT,
        "max-fetches": TEXT,
        "session-bytes": TEXT,
        "all-session-bytes": TEXT,
        "max-namespaces": TEXT,
        "max-tracks": TEXT,
        "max-subscriptions": TEXT,
        "max-object-bytes": TEXT,
        "cache-bytes": TEXT,
        "track-cache-bytes": TEXT,
        "queue-bytes": TEXT,
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function relay(args: string[]): Promise<void> {
  const flags = parse(args);
  if (flags.help) {
    process.stdout.write(HELP);
    return;
  }
  if (flags["dev-cert"] && (flags.cert !== undefined || flags.key !== undefined)) {
    throw new UsageError("--dev-cert and --cert/--key exclude each other");
  }
  if (flags["client-cert-optional"] && flags["client-ca"] === undefined) {
    throw new UsageError("--client-cert-optional belongs to --client-ca");
  }
  const grace = number("drain", flags.drain ?? "3000", 0);
  const limits: { -readonly [K in keyof RelayLimits]: RelayLimits[K] } = {};
  for (const flag of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    const text = flags[flag];
    // A rate of 0 is no limit.
    const least = flag.includes("per-second") ? 0 : 1;
    if (text !== undefined) limits[LIMITS[flag]] = number(flag, text, least);
  }
  const options: { -readonly [K in keyof RelayOptions]: RelayOptions[K] } = {
    listen: flags.listen ?? ["127.0.0.1:4443"],
    http: flags.http ?? "same-port",
    limits,
  };
  if (flags.cert !== undefined) options.certificate = flags.cert;
  if (flags.key !== undefined) options.key = flags.key;
  if (flags["dev-name"] !== undefined) options.names = flags["dev-name"];
  if (flags["client-ca"] !== undefined) {
    options.clientCaFile = flags["client-ca"];
    options.requireClientCertificate = flags["client-cert-optional"] !== true;
  }
  if (flags.tokens !== undefined) options.tokenFile = flags.tokens;
  if (flags["exempt-address"] !== undefined) options.exemptAddresses = flags["exempt-address"];
  if (flags["goaway-uri"] !== undefined) options.goawayUri = flags["goaway-uri"];

  const running = await startRelay(options);
  const http = running.httpUrl === undefined ? "" : `  http         ${running.httpUrl}/\n`;
  process.stdout.write(
    `moq-game relay is ready\n  url          ${running.url}\n  sha-256      ${running.certificateHash}\n${http}`,
  );
  await signalled();
  process.stdout.write(`shutting down (up to ${grace} ms for clients to leave)\n`);
  await running.close({ grace });
}

/** The first SIGINT or SIGTERM; the second ends the process as it would without us. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      process.off("SIGINT", done);
      process.off("SIGTERM", done);
      resolve();
    };
    process.on("SIGINT", done);
    process.on("SIGTERM", done);
  });
}

async function main(args: string[]): Promise<void> {
  const [command, ...rest] = args;
  if (command === "relay") return relay(rest);
  if (command === "impair") return runImpair(rest, signalled);
  if (command === "--help" || command === "-h") {
    process.stdout.write(HELP);
    return;
  }
  throw new UsageError(
    command === undefined ? "no command given" : `unknown command ${JSON.stringify(command)}`,
  );
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const usage = error instanceof UsageError || error instanceof ImpairUsageError;
  const known = usage || error instanceof MoqError;
  const text =
    error instanceof Error
      ? known
        ? error.message
        : (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`moq-game: ${text}${usage ? "\nTry: moq-game --help" : ""}\n`);
  process.exitCode = usage ? 2 : 1;
});
