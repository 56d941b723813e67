/**
 * What every process of a contender speaks, as native/moqt-bench with --stdio does: JSON lines on stdout (`ready`
 * with details, then `result`), and one word a line on stdin: `start` (publishers send), `measure`, `stop`. It ends
 * when stdin ends.
 */
import { createInterface } from "node:readline";
import type { Load } from "../load.js";
import { hearAcks, tellAcks } from "../meter/acks.js";
import { monotonic } from "../meter/clock.js";
import { Meter } from "../meter/meter.js";
import { type Outlet, Pacer } from "../meter/pacer.js";

export interface RoleArguments {
  readonly load: Load;
  /** The socket of meter/acks.ts. */
  readonly acks?: string;
  readonly url?: string;
  readonly port?: number;
  readonly certificateHash?: string;
  readonly [name: string]: unknown;
}

/** What a role does at each word; what `stop` gives is in the result. */
export interface Role {
  /** For whoever connects. */
  readonly details?: object;
  start?(): void;
  measure?(): void;
  stop?(): object | Promise<object>;
}

function say(event: string, more: object): void {
  process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
}

/** The main function of a role's program. */
export function play(body: (args: RoleArguments) => Promise<Role>): void {
  const args = JSON.parse(process.argv[2] ?? "{}") as RoleArguments;
  const lines = createInterface({ input: process.stdin });
  lines.on("close", () => process.exit(0));
  body(args).then((role) => {
    lines.on("line", (word) => {
      if (word === "start") role.start?.();
      else if (word === "measure") role.measure?.();
      else if (word === "stop") {
        Promise.resolve(role.stop?.() ?? {}).then((result) => say("result", result), fail);
      }
    });
    say("ready", role.details ?? {});
  }, fail);
}

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
}

/** A role that publishes. */
export async function publisher(args: RoleArguments, outlet: Outlet): Promise<Role> {
  const pacer = new Pacer(args.load, outlet);
  if (args.acks !== undefined) await hearAcks(args.acks, (passed) => pacer.acknowledge(passed));
  return {
    start: () => pacer.start(),
    measure: () => pacer.measure(),
    stop: () => {
      pacer.stop();
      return pacer.result();
    },
  };
}

/** A meter for a role that subscribes, and the role. */
export function subscriber(
  args: RoleArguments,
  details: object = {},
): { meter: Meter; role: Role } {
  const meter = new Meter(monotonic);
  if (args.acks !== undefined) {
    tellAcks(args.acks, meter, Math.max(1, args.load.subscribers), args.load.window);
  }
  return { meter, role: metered(meter, details) };
}

export function metered(meter: Meter, details: object = {}): Role {
  return { details, measure: () => meter.measure(), stop: () => meter.result() };
}

/** Several roles in one process: what they count is added up. */
export function both(roles: readonly Role[]): Role {
  return {
    start: () => {
      for (const role of roles) role.start?.();
    },
    measure: () => {
      for (const role of roles) role.measure?.();
    },
    stop: () => {
      const sum: Record<string, unknown> = {};
      for (const [name, value] of roles.flatMap((role) => Object.entries(role.stop?.() ?? {}))) {
        const before = sum[name];
        sum[name] =
          typeof value === "number" && typeof before === "number" ? before + value : value;
      }
      return sum;
    },
  };
}
