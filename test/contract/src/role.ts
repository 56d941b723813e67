/**
 * The suite's only vocabulary. A case is two roles that run in two hosts (Node, Chromium, a Puerts
 * host, a bare context …), each with a client of its own; they meet through the network under test
 * and agree on turns through {@link Role.tell} and {@link Role.told}. Plain ECMAScript 2021, no
 * runner's imports: the same file runs everywhere.
 */
import type { Client } from "@moq-game/core";

/** What one side of a case is given. */
export interface Role {
  /** Connected, and used by this role only. */
  readonly client: Client;
  /** Unique to this run. */
  readonly namespace: string;
  sleep(ms: number): Promise<void>;
  /** Tells the other side something; values are JSON. Each name is told once. */
  tell(name: string, value?: unknown): void;
  /** Waits until the other side told it. */
  told(name: string): Promise<unknown>;
  /** Loses the connections of both sides; new ones can be made at once. For cases with `cut` only. */
  cut(): Promise<void>;
}

/** One promise of the interface, proved from both sides. */
export interface ContractCase {
  readonly name: string;
  /** Set when only a relay between the two can keep this promise; says why. */
  readonly relay?: string;
  /** Set when it needs {@link Role.cut}, and clients that reconnect; says why. */
  readonly cut?: string;
  publisher(role: Role): Promise<void>;
  subscriber(role: Role): Promise<void>;
}

/** Thrown when a promise is not kept. */
export class ContractViolation extends Error {
  override readonly name: string = "ContractViolation";
}

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ContractViolation(message);
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(left === right, `${what}: expected ${right}, got ${left}`);
}

/** Runs something that must throw or reject, and gives the error. */
export async function failure(
  what: string,
  run: () => unknown,
): Promise<Error & { code?: string }> {
  let error: unknown;
  try {
    await run();
  } catch (thrown) {
    error = thrown;
  }
  check(error instanceof Error, `${what}: expected an error, there was none`);
  return error as Error & { code?: string };
}

/** Waits until something holds; fails with the message after `limit` ms. */
export async function until(
  role: Role,
  holds: () => boolean,
  message: () => string,
  limit = 20_000,
): Promise<void> {
  for (let waited = 0; !holds(); waited += 10) {
    if (waited >= limit) throw new ContractViolation(`${message()} (after ${limit} ms)`);
    await role.sleep(10);
  }
}

/** Bytes that name themselves: a 32-bit number, then a pattern made from it. */
export function numbered(number: number, size = 16): Uint8Array {
  const bytes = new Uint8Array(Math.max(4, size));
  bytes[0] = number >>> 24;
  bytes[1] = number >>> 16;
  bytes[2] = number >>> 8;
  bytes[3] = number;
  for (let i = 4; i < bytes.length; i++) bytes[i] = (number * 31 + i * 7) & 255;
  return bytes;
}

/** The number in {@link numbered} bytes; fails when any byte of the pattern is not as it was sent. */
export function numberOf(bytes: Uint8Array): number {
  check(bytes.length >= 4, `an object of ${bytes.length} bytes where at least 4 were sent`);
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  for (let i = 4; i < bytes.length; i++) {
    check(bytes[i] === ((number * 31 + i * 7) & 255), `byte ${i} of object ${number} was changed`);
  }
  return number;
}

/** 0, 1, … count−1. */
export function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => i + from);
}

/** Increasing without repetition. */
export function rising(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? number));
}

/**
 * What keeps `states` from being rounds of a loss and a return. A slow machine may lose a new connection once more, so
 * there may be three, but none is told twice, out of order or without its return.
 */
export function brokenRounds(states: readonly string[], reconnects: number): string | undefined {
  const rounds = states.length / 2;
  const inTurn = states.every((state, i) => state === (i % 2 === 0 ? "reconnecting" : "open"));
  if (inTurn && rounds >= 1 && rounds <= 3 && reconnects === rounds) return undefined;
  return `${reconnects} reconnects were counted, the states told were ${states.join(", ")}`;
}

/** The last element. */
export function last<T>(list: readonly T[]): T | undefined {
  return list[list.length - 1];
}
