/** Two sessions over the in-memory pair, with every event recorded. */
import { type MemoryOptions, type MemoryPair, memoryPair } from "../src/memory.js";
import {
  type RequestId,
  Session,
  type SessionConfig,
  type SessionEvents,
} from "../src/session/index.js";
import type {
  FullTrackName,
  Namespace,
  ObjectDatagram,
  SubgroupHeader,
  SubgroupObject,
} from "../src/wire/index.js";
import { EMPTY, encodeUtf8, ObjectStatus } from "../src/wire/index.js";

/** One event: its name and arguments. */
export type Recorded = readonly [name: keyof SessionEvents, ...args: readonly unknown[]];

export class Side {
  readonly events: Recorded[] = [];
  /** Called on each event, after it was recorded. */
  onEvent: ((event: Recorded) => void) | undefined;
  session!: Session;

  /** Arguments of the events called `name`, oldest first. */
  all<K extends keyof SessionEvents>(name: K): Parameters<SessionEvents[K]>[] {
    return this.events
      .filter(([found]) => found === name)
      .map(([, ...args]) => args as Parameters<SessionEvents[K]>);
  }

  last<K extends keyof SessionEvents>(name: K): Parameters<SessionEvents[K]> {
    const all = this.all(name);
    const found = all[all.length - 1];
    if (found === undefined) {
      throw new Error(`no ${name} among ${this.events.map(([event]) => event).join(", ")}`);
    }
    return found;
  }

  names(): string[] {
    return this.events.map(([name]) => name);
  }

  recorder(): SessionEvents {
    const record =
      (name: keyof SessionEvents) =>
      (...args: readonly unknown[]): void => {
        const event: Recorded = [name, ...args];
        this.events.push(event);
        this.onEvent?.(event);
      };
    return {
      ready: record("ready"),
      request: record("request"),
      response: record("response"),
      update: record("update"),
      updateResponse: record("updateResponse"),
      requestClosed: record("requestClosed"),
      subgroupOpened: record("subgroupOpened"),
      object: record("object"),
      fetchOpened: record("fetchOpened"),
      fetchItem: record("fetchItem"),
      streamEnded: record("streamEnded"),
      datagram: record("datagram"),
      stopped: record("stopped"),
      acked: record("acked"),
      writable: record("writable"),
      streamsAvailable: record("streamsAvailable"),
      datagramsAvailable: record("datagramsAvailable"),
      goaway: record("goaway"),
      closed: record("closed"),
    };
  }
}

export interface Pair {
  readonly client: Side;
  readonly server: Side;
  readonly memory: MemoryPair;
  /** Delivers everything. */
  run(): void;
  /** Moves the clock and fires what is due on both sides. */
  advance(ms: number): void;
}

export interface PairOptions {
  readonly memory?: Omit<MemoryOptions, "schedule">;
  readonly client?: Partial<SessionConfig>;
  readonly server?: Partial<SessionConfig>;
  /** Do not run the set-up. */
  readonly raw?: boolean;
}

export function sessionPair(options: PairOptions = {}): Pair {
  const memory = memoryPair({ ...options.memory, schedule: "manual" });
  let now = 1000;
  const clock = () => now;
  const client = new Side();
  const server = new Side();
  client.session = new Session(
    memory.a,
    { role: "client", now: clock, ...options.client },
    client.recorder(),
  );
  server.session = new Session(
    memory.b,
    { role: "server", now: clock, ...options.server },
    server.recorder(),
  );
  const run = () => void memory.run();
  const pair = {
    client,
    server,
    memory,
    run,
    advance: (ms: number) => {
      now += ms;
      client.session.onTimeout(now);
      server.session.onTimeout(now);
      run();
    },
  };
  if (options.raw !== true) {
    client.session.start();
    server.session.start();
    run();
  }
  return pair;
}

export const bytes = (text: string): Uint8Array => encodeUtf8(text);
export const namespace = (...fields: string[]): Namespace => fields.map(bytes);
export const track = (...fields: string[]): FullTrackName => ({
  namespace: namespace(...fields.slice(0, -1)),
  name: bytes(fields[fields.length - 1] ?? ""),
});

/** The client subscribes, the server accepts with `alias`; gives the request id. */
export function subscribed(pair: Pair, alias = 7, name = "pose"): RequestId {
  const id = pair.client.session.request({
    type: "subscribe",
    track: track("match", name),
    params: {},
  });
  pair.run();
  pair.server.session.respond(id, {
    type: "subscribe_ok",
    trackAlias: alias,
    params: {},
    properties: [],
  });
  pair.run();
  return id;
}

export const headerOf = (trackAlias: number, group: number): SubgroupHeader => ({
  trackAlias,
  group,
  subgroup: 0,
  hasProperties: false,
  endOfGroup: true,
  firstObject: true,
});

const payloadOf = (text: string): Uint8Array => (text === "" ? EMPTY : bytes(text));

export const objectOf = (object: number, payload: string): SubgroupObject => ({
  object,
  status: ObjectStatus.Normal,
  properties: EMPTY,
  payload: payloadOf(payload),
});

export const datagramOf = (trackAlias: number, group: number, payload: string): ObjectDatagram => ({
  trackAlias,
  group,
  object: 0,
  priority: 3,
  properties: EMPTY,
  endOfGroup: false,
  status: ObjectStatus.Normal,
  payload: payloadOf(payload),
});
