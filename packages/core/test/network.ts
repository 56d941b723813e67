/** Two clients that find each other again after each loss: no relay, no sockets, a clock moved by hand. */
import type { Client, ClientOptions } from "../src/api.js";
import { startClient } from "../src/client/connect.js";
import type { Dial, DialTo } from "../src/client/connector.js";
import { MoqError } from "../src/errors.js";
import { type MemoryPair, memoryPair } from "../src/memory.js";
import { resolveClientOptions } from "../src/options.js";
import type { Role } from "../src/session/types.js";
import type { CloseReason, Transport } from "../src/transport.js";
import { TestHost } from "./client-pair.js";

const LOST: CloseReason = { kind: "transport", reason: "the cable was pulled" };
const RECONNECT = { initialDelay: 100, maxDelay: 1_000, timeout: 60_000 };

/** A network between two clients: each connection is a new pair, once both have dialled. */
export class TestNetwork {
  readonly host: TestHost & { random?: () => number } = new TestHost();
  /** Attempts of the client side. */
  readonly dialled: DialTo[] = [];
  pair: MemoryPair | undefined;
  /** Attempts fail at once. */
  down = false;
  #waiting: { role: Role; resolve: (transport: Transport) => void }[] = [];

  constructor() {
    this.host.random = () => 0.5;
  }

  /** A client that subscribes and one that publishes, connected. */
  async connect(
    reader: ClientOptions = {},
    writer: ClientOptions = {},
  ): Promise<{ readonly reader: Client; readonly writer: Client; readonly states: string[] }> {
    const clients = Promise.all([this.start("client", reader), this.start("server", writer)]);
    await this.settle();
    const [a, b] = await clients;
    const states: string[] = [];
    a.onState((state, reason) =>
      states.push(reason === undefined ? state : `${state} ${reason.code}`),
    );
    return { reader: a, writer: b, states };
  }

  start(role: Role, options: ClientOptions): Promise<Client> {
    const resolved = resolveClientOptions({ reconnect: RECONNECT, ...options });
    return startClient(this.#dial(role), resolved, this.host, { role });
  }

  /** Both ends see that the connection is gone. */
  async lose(reason: CloseReason = LOST): Promise<void> {
    this.pair?.disconnect(reason);
    await this.settle();
  }

  /** Delivers everything that is on its way. */
  async settle(): Promise<void> {
    // Promises and events cause each other; a few rounds without any end it.
    for (let idle = 0; idle < 8; ) {
      idle = (this.pair?.run() ?? 0) === 0 ? idle + 1 : 0;
      await Promise.resolve();
      await Promise.resolve();
    }
  }

  /** Delivers `events` of what is on its way. */
  async run(events: number): Promise<void> {
    for (let i = 0; i < events; i++) {
      if (this.pair?.step() !== true) break;
      await Promise.resolve();
    }
  }

  /** Lets time pass in steps, with everything that it causes. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      this.host.advance(Math.min(50, left));
      await this.settle();
    }
  }

  /** Lets time pass until something holds. */
  async until(holds: () => boolean, what: string, limit = 60_000): Promise<void> {
    await this.settle();
    for (let waited = 0; !holds(); waited += 50) {
      if (waited >= limit) throw new Error(`${what}: not within ${limit} ms`);
      await this.advance(50);
    }
  }

  #dial(role: Role): Dial {
    return (to) => {
      if (role === "client") this.dialled.push(to);
      if (this.down) {
        return Promise.reject(new MoqError("connection_failed", "the network is down"));
      }
      return new Promise((resolve, reject) => {
        // What an attempt that was given up left behind.
        this.#waiting = this.#waiting.filter((other) => other.role !== role);
        const timer = this.host.setTimer(() => {
          reject(new MoqError("timeout", "nobody answers"));
        }, to.timeout);
        this.#waiting.push({
          role,
          resolve: (transport) => {
            this.host.clearTimer(timer);
            resolve(transport);
          },
        });
        to.signal.addEventListener("abort", () => {
          this.host.clearTimer(timer);
          reject(new MoqError("cancelled", "given up"));
        });
        const [a, b] = this.#waiting;
        if (a === undefined || b === undefined) return;
        this.#waiting = [];
        this.pair = memoryPair({ schedule: "manual" });
        a.resolve(a.role === "client" ? this.pair.a : this.pair.b);
        b.resolve(b.role === "client" ? this.pair.a : this.pair.b);
      });
    };
  }
}
