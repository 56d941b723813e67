import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { Heap } from "./heap.js";
import { Lane, type LaneStats, noPackets } from "./lane.js";
import {
  type Address,
  type Change,
  GOOD_NETWORK,
  type ImpairOptions,
  merge,
  parseAddress,
  requireTime,
  type Settings,
  type Step,
} from "./options.js";

/** Clients at one time; packets of further ones are dropped and counted. */
const MAX_FLOWS = 8_192;
/** A client that is silent for this long in ms is forgotten. */
const FLOW_IDLE = 120_000;
/** Bytes that all delayed packets together may hold; what comes on top is dropped and counted. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** Statistics since the start. */
export interface ImpairStats {
  readonly up: Readonly<LaneStats>;
  readonly down: Readonly<LaneStats>;
  /** Clients now. */
  readonly flows: number;
  /** Packets of clients over the limit of 8,192. */
  readonly refused: number;
  readonly rebinds: number;
  /** Packets that wait to be sent on. */
  readonly heldPackets: number;
  readonly heldBytes: number;
}

/** A running proxy. */
export interface Impair {
  readonly host: string;
  readonly port: number;
  readonly seed: number;
  /** Changes impairments from now on, for all clients. */
  set(change: Change): void;
  /** Nothing passes for `ms` from now on; what is on its way already arrives. */
  outage(ms: number): void;
  /** The target sees every client under a new port from now on. */
  rebind(): Promise<void>;
  stats(): ImpairStats;
  /** Idempotent. Packets on their way are dropped. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Flow {
  readonly client: { readonly address: string; readonly port: number };
  upstream: Socket;
  readonly up: Lane;
  readonly down: Lane;
  seenAt: number;
}

interface Held {
  readonly at: number;
  readonly flow: Flow;
  readonly upwards: boolean;
  readonly data: Buffer;
}

/** Starts a proxy. Rejects with an error that names the option, or the system's when the port is taken. */
export async function startImpair(options: ImpairOptions): Promise<Impair> {
  const proxy = new UdpProxy(options);
  try {
    await proxy.start();
  } catch (error) {
    await proxy.close();
    throw error;
  }
  return proxy;
}

class UdpProxy implements Impair {
  readonly seed: number;
  host = "";
  port = 0;
  readonly #target: Address;
  readonly #listen: Address;
  readonly #script: readonly Step[];
  readonly #flows = new Map<string, Flow>();
  readonly #held = new Heap<Held>();
  readonly #scriptTimers: NodeJS.Timeout[] = [];
  readonly #upStats = noPackets();
  readonly #downStats = noPackets();
  #up: Settings = GOOD_NETWORK;
  #down: Settings = GOOD_NETWORK;
  #front: Socket | undefined;
  #targetIp = "";
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #sweeper: NodeJS.Timeout | undefined;
  #outageUntil = 0;
  #heldBytes = 0;
  #refused = 0;
  #rebinds = 0;
  #flowCount = 0;
  #closed = false;

  constructor(options: ImpairOptions) {
    this.#target = parseAddress("target", options.target);
    if (this.#target.port === 0) throw new RangeError("target needs a port that is not 0");
    this.#listen = parseAddress("listen", options.listen ?? "127.0.0.1:0");
    const seed = options.seed ?? Math.floor(Math.random() * 0x1_0000_0000);
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) {
      throw new RangeError(`seed takes a whole number from 0 to ${0xffff_ffff}, not ${seed}`);
    }
    this.seed = seed;
    this.#script = [...(options.script ?? [])].map(checkStep);
    this.set(options);
  }

  async start(): Promise<void> {
    const { address } = await lookup(this.#target.host);
    this.#targetIp = address;
    const front = createSocket({ type: this.#listen.host.includes(":") ? "udp6" : "udp4" });
    this.#front = front;
    front.bind(this.#listen.port, this.#listen.host);
    await once(front, "listening");
    grow(front);
    front.on("message", (data, from) => this.#fromClient(data, from));
    front.on("error", () => {});
    const bound = front.address();
    this.host = bound.address;
    this.port = bound.port;
    this.#sweeper = setInterval(() => this.#sweep(), FLOW_IDLE / 4);
    this.#sweeper.unref();
    for (const step of this.#script) {
      this.#scriptTimers.push(setTimeout(() => this.#run(step), step.at));
    }
  }

  set(change: Change): void {
    const up = merge(merge(this.#up, change.both), change.up);
    const down = merge(merge(this.#down, change.both), change.down);
    this.#up = up;
    this.#down = down;
    for (const flow of this.#flows.values()) {
      flow.up.settings = up;
      flow.down.settings = down;
    }
  }

  outage(ms: number): void {
    const until = performance.now() + requireTime("outage", ms);
    this.#outageUntil = Math.max(this.#outageUntil, until);
  }

  async rebind(): Promise<void> {
    this.#rebinds += 1;
    const flows = [...this.#flows.values()];
    const fresh = flows.map(async (flow) => {
      const old = flow.upstream;
      const next = this.#upstream(flow);
      // Bound before the old one closes, so that the system cannot hand out the same port again.
      next.bind(0);
      await once(next, "listening");
      flow.upstream = next;
      old.removeAllListeners("message");
      old.close();
    });
    await Promise.all(fresh);
  }

  stats(): ImpairStats {
    return {
      up: { ...this.#upStats },
      down: { ...this.#downStats },
      flows: this.#flows.size,
      refused: this.#refused,
      rebinds: this.#rebinds,
      heldPackets: this.#held.size,
      heldBytes: this.#heldBytes,
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#sweeper);
    for (const timer of this.#scriptTimers) clearTimeout(timer);
    this.#held.clear();
    this.#heldBytes = 0;
    const sockets = [...this.#flows.values()].map((flow) => flow.upstream);
    this.#flows.clear();
    if (this.#front !== undefined) sockets.push(this.#front);
    await Promise.all(sockets.map((socket) => closeSocket(socket)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #run(step: Step): void {
    this.set(step);
    if (step.outage !== undefined) this.outage(step.outage);
    if (step.rebind) void this.rebind();
  }

  #fromClient(data: Buffer, from: { address: string; port: number }): void {
    const key = `${from.address} ${from.port}`;
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      if (this.#flows.size >= MAX_FLOWS) {
        this.#refused += 1;
        return;
      }
      flow = this.#makeFlow(from);
      this.#flows.set(key, flow);
    }
    this.#take(flow, true, data);
  }

  #makeFlow(from: { address: string; port: number }): Flow {
    // Flows are numbered in the order of their first packets: no client's own port enters the dice.
    const number = this.#flowCount++;
    const up = new Lane(this.seed + 2 * number, this.#upStats);
    const down = new Lane(this.seed + 2 * number + 1, this.#downStats);
    up.settings = this.#up;
    down.settings = this.#down;
    const client = { address: from.address, port: from.port };
    const flow = { client, up, down, seenAt: performance.now() } as Flow;
    flow.upstream = this.#upstream(flow);
    return flow;
  }

  #upstream(flow: Flow): Socket {
    const socket = createSocket({ type: this.#targetIp.includes(":") ? "udp6" : "udp4" });
    socket.on("message", (data) => this.#take(flow, false, data));
    // The target's port is closed: the client learns it from the silence, as on a network.
    socket.on("error", () => {});
    socket.once("listening", () => grow(socket));
    return socket;
  }

  #take(flow: Flow, upwards: boolean, data: Buffer): void {
    if (this.#closed) return;
    const now = performance.now();
    flow.seenAt = now;
    const lane = upwards ? flow.up : flow.down;
    for (const at of lane.plan(now, data.length, now < this.#outageUntil)) {
      if (at <= now && this.#held.size === 0) this.#forward({ at, flow, upwards, data });
      else if (this.#heldBytes + data.length > MAX_HELD_BYTES) lane.stats.overflow += 1;
      else {
        this.#heldBytes += data.length;
        this.#held.push({ at, flow, upwards, data });
      }
    }
    this.#arm(now);
  }

  #arm(now: number): void {
    const next = this.#held.peek()?.at ?? Infinity;
    if (next >= this.#timerAt || next === Infinity) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(() => this.#release(), Math.max(0, next - now));
  }

  #release(): void {
    this.#timerAt = Infinity;
    const now = performance.now();
    for (let next = this.#held.peek(); next !== undefined && next.at <= now; ) {
      this.#held.pop();
      this.#heldBytes -= next.data.length;
      this.#forward(next);
      next = this.#held.peek();
    }
    this.#arm(now);
  }

  #forward(held: Held): void {
    const { flow, upwards, data } = held;
    const { stats } = upwards ? flow.up : flow.down;
    stats.packetsOut += 1;
    stats.bytesOut += data.length;
    // A full socket buffer or a closed port loses the packet, as a network would.
    const done = (): void => {};
    if (upwards) flow.upstream.send(data, this.#target.port, this.#targetIp, done);
    else this.#front?.send(data, flow.client.port, flow.client.address, done);
  }

  #sweep(): void {
    const limit = performance.now() - FLOW_IDLE;
    for (const [key, flow] of this.#flows) {
      if (flow.seenAt > limit) continue;
      this.#flows.delete(key);
      flow.upstream.close();
    }
  }
}

function checkStep(step: Step): Step {
  requireTime("at", step.at);
  if (step.outage !== undefined) requireTime("outage", step.outage);
  for (const change of [step.both, step.up, step.down]) merge(GOOD_NETWORK, change);
  return step;
}

function grow(socket: Socket): void {
  try {
    socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
    socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
  } catch {
    // The system's own size serves.
  }
}

function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    try {
      socket.close(() => resolve());
    } catch {
      resolve();
    }
  });
}
