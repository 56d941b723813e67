/** What the page offers to the tests: `window.moq`, called through Playwright. */
import {
  type Client,
  connect,
  MoqError,
  type Subscription,
  type WebClientOptions,
} from "@moq-game/web";

const clients = new Map<string, Client>();
const readers = new Map<string, Subscription>();
const logs = new Map<string, unknown[]>();

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function plain(error: unknown): { code: string; message: string; isMoqError: boolean } {
  const { code, message } = error as MoqError;
  return { code, message, isMoqError: error instanceof MoqError };
}

function client(name: string): Client {
  const found = clients.get(name);
  if (found === undefined) throw new Error(`no client ${name}`);
  return found;
}

const publications = new Map<string, ReturnType<Client["publish"]>>();

export const page = {
  /**
   * Connects and keeps the client under a name; gives what was negotiated, or the error. `tokens`: one
   * for each connection, the last one for all others.
   */
  async connect(
    name: string,
    url: string,
    { tokens, ...options }: WebClientOptions & { readonly tokens?: readonly string[] },
  ) {
    const given: string[] = [];
    logs.set(`${name}:tokens`, given);
    const token = (): string => {
      given.push(tokens?.[Math.min(given.length, tokens.length - 1)] ?? "");
      return given[given.length - 1] ?? "";
    };
    try {
      const made = await connect(url, tokens === undefined ? options : { ...options, token });
      clients.set(name, made);
      const states: unknown[] = [];
      logs.set(`${name}:state`, states);
      made.onState((state, reason) => states.push([state, reason?.code]));
      return { protocol: made.protocol };
    } catch (error) {
      return { error: plain(error) };
    }
  },
  state: (name: string) => client(name).state,
  states: (name: string) => logs.get(`${name}:state`),
  async close(name: string) {
    await client(name).close({ flush: 2_000 });
    return client(name).state;
  },
  /** Closes what a test left open. */
  async closeAll() {
    await Promise.all([...clients.values()].map((each) => each.close()));
    clients.clear();
  },
  async publish(name: string, track: string, options: Parameters<Client["publish"]>[1]) {
    const publication = client(name).publish(["browser", track], options);
    publications.set(track, publication);
    await publication.ready;
  },
  subscribers: (track: string) => publications.get(track)?.subscribers,
  /** Sends texts; an asterisk before one makes it a keyframe. Gives how many were accepted. */
  send(track: string, texts: string[]) {
    const publication = publications.get(track);
    if (publication === undefined) throw new Error(`no publication ${track}`);
    let accepted = 0;
    for (const text of texts) {
      const taken = text.startsWith("*")
        ? publication.keyframe(bytes(text.slice(1)))
        : publication.send(bytes(text));
      if (!taken) break;
      accepted += 1;
    }
    return accepted;
  },
  sendError(track: string, size: number) {
    try {
      publications.get(track)?.send(new Uint8Array(size));
      return undefined;
    } catch (error) {
      return plain(error);
    }
  },
  async end(track: string) {
    await publications.get(track)?.end({ flush: 5_000 });
  },
  async subscribe(name: string, track: string, options: Parameters<Client["subscribe"]>[1]) {
    const reader = client(name).subscribe(["browser", track], options);
    readers.set(track, reader);
    const gaps: unknown[] = [];
    const ends: unknown[] = [];
    logs.set(`${track}:gaps`, gaps);
    logs.set(`${track}:ends`, ends);
    reader.onGap((gap) => gaps.push(gap));
    reader.onEnd((reason) => ends.push([reason.kind, reason.error?.code]));
    try {
      await reader.ready;
      return { delivery: reader.delivery };
    } catch (error) {
      return { error: plain(error) };
    }
  },
  /** Texts of what waits. */
  drain(track: string) {
    const texts: string[] = [];
    const decoder = new TextDecoder();
    readers.get(track)?.drain((object) => texts.push(decoder.decode(object.bytes)));
    return texts;
  },
  /** Begins a group and asks a question every few ms: the end of some stream is always under way. */
  keepBusy(name: string, track: string, every: number) {
    setInterval(() => {
      if (client(name).state !== "open") return;
      publications.get(track)?.keyframe(new Uint8Array(200));
      client(name)
        .status(["browser", track])
        .catch(() => undefined);
    }, every);
  },
  log: (what: string) => logs.get(what),
  stats: (track: string) => readers.get(track)?.stats,
  clientStats: (name: string) => client(name).stats(),
};

export type Page = typeof page;

(globalThis as { moq?: Page }).moq = page;
