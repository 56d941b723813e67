import { parseArgs } from "node:util";

/** How the demonstration was started. */
export interface ArenaOptions {
  readonly match: string;
  readonly bots: number;
  /** Port of the web page; the relay takes a UDP port of its own. */
  readonly port: number;
  readonly host: string;
  readonly relayPort: number;
  readonly headless: boolean;
  /** Ends by itself after so many seconds; undefined runs until interrupted. */
  readonly seconds: number | undefined;
}

export const HELP = `Arena: a live physics match over MoQ.

  npm run demo                            play and watch in a browser
  npm run demo -- --headless --seconds 10 no browser; prints a JSON summary as its last line

  --port N        port of the web page (default 8080; 0 takes any)
  --host ADDRESS  address to listen on (default 127.0.0.1)
  --relay-port N  UDP port of the relay (default 0: any)
  --bots N        computer players, 0-16 (default 8)
  --match NAME    name of the match (default demo)
  --headless      no web page; a spectator in this process watches instead
  --seconds N     stop after N seconds
  --help          this text
`;

/** Throws Error with one actionable line. */
export function parseOptions(args: readonly string[]): ArenaOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "8080" },
      host: { type: "string", default: "127.0.0.1" },
      "relay-port": { type: "string", default: "0" },
      bots: { type: "string", default: "8" },
      match: { type: "string", default: "demo" },
      headless: { type: "boolean", default: false },
      seconds: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  if (!/^[\w-]{1,32}$/.test(values.match)) {
    throw new Error("--match takes 1-32 letters, digits, _ or -");
  }
  return {
    match: values.match,
    host: values.host,
    port: integer("--port", values.port, 0, 65_535),
    relayPort: integer("--relay-port", values["relay-port"], 0, 65_535),
    bots: integer("--bots", values.bots, 0, 16),
    headless: values.headless,
    seconds:
      values.seconds === undefined ? undefined : integer("--seconds", values.seconds, 1, 86_400),
  };
}

function integer(option: string, given: string, min: number, max: number): number {
  const value = Number(given);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Error(`${option} takes a whole number from ${min} to ${max}, not "${given}"`);
  }
  return value;
}
