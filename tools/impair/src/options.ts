/** What the proxy does to packets of one direction. Everything left out is as on a good network. */
export interface Impairment {
  /** One-way delay in ms. Default 0; at most 60,000. */
  readonly delay?: number;
  /** Each packet takes up to this much longer, in ms, uniformly; packets overtake each other. Default 0. */
  readonly jitter?: number;
  /** With it, jitter keeps the order of packets. Default false. */
  readonly keepOrder?: boolean;
  /** Share of packets lost, 0–1. Default 0. */
  readonly loss?: number;
  /** Share of packets, 0–1, held back by `reorderDelay`. Default 0. */
  readonly reorder?: number;
  /** In ms. Default 10. */
  readonly reorderDelay?: number;
  /** Share of packets delivered twice, 0–1. Default 0. */
  readonly duplicate?: number;
  /**
   * Bytes a second for each client, UDP and IPv4 headers (28 bytes a packet) included. 0: no limit, the
   * default.
   */
  readonly rate?: number;
  /** Bytes that may wait for the rate; what comes on top is dropped. Default 64 KiB. */
  readonly queue?: number;
}

/** A change of impairments; fields of {@link Impairment} that are left out keep their value. */
export interface Change {
  readonly both?: Impairment;
  /** From the client to the target. */
  readonly up?: Impairment;
  /** From the target to the client. */
  readonly down?: Impairment;
}

/** One line of a script. */
export interface Step extends Change {
  /** ms after the start. */
  readonly at: number;
  /** Nothing passes for this many ms. */
  readonly outage?: number;
  /** The target sees every client under a new port from now on, as after a NAT's time-out. */
  readonly rebind?: boolean;
}

export interface ImpairOptions extends Change {
  /** `HOST:PORT` of the server, for example `127.0.0.1:4443`. */
  readonly target: string;
  /** UDP address that clients use instead. Default `127.0.0.1:0`: any free port. */
  readonly listen?: string;
  /** The same seed, script and packets give the same fates. Default: drawn, see {@link Impair.seed}. */
  readonly seed?: number;
  readonly script?: readonly Step[];
}

/** {@link Impairment} with nothing left out. */
export type Settings = Required<Impairment>;

export const GOOD_NETWORK: Settings = {
  delay: 0,
  jitter: 0,
  keepOrder: false,
  loss: 0,
  reorder: 0,
  reorderDelay: 10,
  duplicate: 0,
  rate: 0,
  queue: 64 * 1024,
};

const LIMITS: Readonly<Record<Exclude<keyof Settings, "keepOrder">, readonly [number, string]>> = {
  delay: [60_000, "ms"],
  jitter: [60_000, "ms"],
  loss: [1, "(a share: 3 % is 0.03)"],
  reorder: [1, "(a share: 3 % is 0.03)"],
  reorderDelay: [60_000, "ms"],
  duplicate: [1, "(a share: 3 % is 0.03)"],
  rate: [10_000_000_000, "bytes a second"],
  queue: [64 * 1024 * 1024, "bytes"],
};

/** `settings` with the fields of `change` that are given. Throws RangeError or TypeError. */
export function merge(settings: Settings, change: Impairment | undefined): Settings {
  const next: { -readonly [K in keyof Settings]: Settings[K] } = { ...settings };
  for (const [name, value] of Object.entries(change ?? {})) {
    if (value === undefined) continue;
    if (name === "keepOrder") {
      if (typeof value !== "boolean")
        throw new TypeError(`keepOrder is true or false, not ${value}`);
      next.keepOrder = value;
      continue;
    }
    const limit = LIMITS[name as keyof typeof LIMITS];
    if (limit === undefined) {
      const names = Object.keys(GOOD_NETWORK).join(", ");
      throw new TypeError(`there is no impairment "${name}"; there are ${names}`);
    }
    const [most, unit] = limit;
    if (typeof value !== "number" || !(value >= 0) || value > most) {
      throw new RangeError(`${name} takes a number from 0 to ${most} ${unit}, not ${value}`);
    }
    next[name as keyof typeof LIMITS] = value;
  }
  return next;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`, `[V6]:PORT`. */
export function parseAddress(name: string, text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new TypeError(`${name} is HOST:PORT, for example 127.0.0.1:4443, not "${text}"`);
  }
  return { host: match[1] ?? match[2] ?? "", port };
}

/** A time in ms that a caller gives. */
export function requireTime(name: string, value: number): number {
  if (typeof value !== "number" || !(value >= 0) || value > 86_400_000) {
    throw new RangeError(`${name} takes ms from 0 to 86,400,000, not ${value}`);
  }
  return value;
}
