import {
  type Client,
  type ClientOptions,
  MoqError,
  type MoqObject,
  type Publication,
  resolveClientOptions,
  type Subscription,
} from "@moq-game/core";
import { connectHere } from "./connect.js";
import {
  AHEAD,
  encodeBatch,
  type PostedClientOptions,
  type PostedTrack,
  type PostedUpdate,
  postEnd,
  postError,
  readError,
  type ToPage,
  type ToWorker,
} from "./worker-protocol.js";

/** Interval in ms of statistics to the page. */
const STATS_INTERVAL = 250;
/** Most objects and bytes in one message to the page. */
const MAX_BATCH = { maxObjects: 4_096, maxBytes: 4 * 1024 * 1024 };

type Post = (message: ToPage, transfer: Transferable[]) => void;

interface Track {
  readonly publication: Publication;
  /** Updates that the publication did not take yet; the page bounds them. */
  waiting: PostedUpdate[];
  draining: boolean;
}

interface Reader {
  readonly subscription: Subscription;
  held: boolean;
}

/** A `discover` or `fetch` of the page. */
interface Iteration {
  readonly iterator: AsyncIterator<unknown>;
  /** Results that the page has room for. */
  room: number;
  /** Called when there is room again. */
  resume: () => void;
}

/** The worker's side: the real client, driven by the page's messages. Returns their receiver. */
export function serveWorker(post: Post, exit: () => void): (message: ToWorker) => void {
  const server = new Server(post, exit);
  return (message) => server.receive(message);
}

class Server {
  readonly #post: Post;
  readonly #exit: () => void;
  #client: Client | undefined;
  readonly #tracks = new Map<number, Track>();
  readonly #readers = new Map<number, Reader>();
  readonly #iterations = new Map<number, Iteration>();
  /** Questions for the page's token that it has not answered. */
  readonly #tokens = new Map<number, (answer: ToWorker & { type: "token" }) => void>();
  #nextToken = 1;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(post: Post, exit: () => void) {
    this.#post = post;
    this.#exit = exit;
  }

  receive(message: ToWorker): void {
    if (message.type === "connect") {
      void this.#connect(message.url, message.options);
      return;
    }
    if (message.type === "token") {
      this.#tokens.get(message.call)?.(message);
      return;
    }
    const client = this.#client;
    if (client === undefined) return;
    switch (message.type) {
      case "publish":
        this.#publish(client, message);
        return;
      case "send":
        for (const update of message.updates) this.#send(update);
        return;
      case "end":
        void this.#reply(message.call, () => this.#end(message.id, message.flush));
        return;
      case "subscribe":
        this.#subscribe(client, message);
        return;
      case "hold":
        this.#hold(message.id, message.held);
        return;
      case "stop":
        this.#stop(message.id);
        return;
      case "discover":
        void this.#iterate(
          message.id,
          AHEAD.discover,
          () => client.discover(message.prefix),
          (change) => this.#post({ type: "change", id: message.id, change }, []),
        );
        return;
      case "fetch":
        void this.#iterate(
          message.id,
          AHEAD.fetch,
          () => client.fetch(ref(message.track), message.options),
          (batch) => this.#postObjects(message.id, batch),
        );
        return;
      case "more": {
        const iteration = this.#iterations.get(message.id);
        if (iteration === undefined) return;
        iteration.room += message.count;
        iteration.resume();
        return;
      }
      case "status":
        void this.#status(client, message.call, message.track);
        return;
      case "close":
        void this.#reply(message.call, () => client.close({ flush: message.flush })).then(() => {
          clearInterval(this.#timer);
          this.#exit();
        });
    }
  }

  async #connect(url: string, posted: PostedClientOptions): Promise<void> {
    try {
      const options: ClientOptions = {
        ...posted,
        ...this.#token(posted.token),
        serverCertificateHashes: posted.serverCertificateHashes.map((value) => ({
          algorithm: "sha-256" as const,
          value,
        })),
      } as ClientOptions;
      const client = await connectHere(new URL(url), resolveClientOptions(options));
      this.#client = client;
      client.onState((state, reason) =>
        this.#post(
          { type: "state", state, error: reason === undefined ? undefined : postError(reason) },
          [],
        ),
      );
      const { timeOrigin } = performance;
      this.#post({ type: "connected", protocol: client.protocol, timeOrigin }, []);
      this.#timer = setInterval(() => this.#postStats(client), STATS_INTERVAL);
    } catch (error) {
      this.#post({ type: "failed", error: postError(error) }, []);
      this.#exit();
    }
  }

  #token(posted: PostedClientOptions["token"]): Pick<ClientOptions, "token"> {
    if (posted === undefined) return {};
    if (typeof posted === "string" || ArrayBuffer.isView(posted)) return { token: posted };
    return { token: () => this.#askToken() };
  }

  #askToken(): Promise<string | Uint8Array> {
    const call = this.#nextToken++;
    // Only the newest question matters: those before belong to attempts that were given up.
    this.#tokens.clear();
    return new Promise((resolve, reject) => {
      this.#tokens.set(call, ({ token, error }) => {
        this.#tokens.delete(call);
        if (token === undefined) reject(error === undefined ? undefined : readError(error));
        else resolve(token);
      });
      this.#post({ type: "token", call }, []);
    });
  }

  // ---- publications

  #publish(client: Client, message: ToWorker & { type: "publish" }): void {
    const { id } = message;
    try {
      const publication = client.publish(ref(message.track), message.options);
      this.#tracks.set(id, { publication, waiting: [], draining: false });
      publication.onKeyframeWanted(() => this.#post({ type: "keyframe_wanted", id }, []));
      this.#postReady(id, publication);
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  #send(update: PostedUpdate): void {
    const track = this.#tracks.get(update.publication);
    if (track === undefined) return;
    track.waiting.push(update);
    if (!track.draining) void this.#drainTrack(update.publication, track);
  }

  /** Hands the publication what waits, as it takes it. */
  async #drainTrack(id: number, track: Track): Promise<void> {
    track.draining = true;
    try {
      while (track.waiting.length > 0) {
        let objects = 0;
        let bytes = 0;
        for (const update of track.waiting) {
          const { publication } = track;
          const taken = update.keyframe
            ? publication.keyframe(update.bytes)
            : publication.send(update.bytes);
          if (!taken) break;
          objects += 1;
          bytes += update.bytes.byteLength;
        }
        track.waiting.splice(0, objects);
        if (objects > 0) this.#post({ type: "taken", id, objects, bytes }, []);
        if (track.waiting.length > 0) await track.publication.writable();
      }
    } catch (error) {
      // It ended, or the path carries less than the page knew: what waits is lost with it.
      track.waiting = [];
      this.#post({ type: "end", id, end: postEnd({ kind: "error", error: asMoq(error) }) }, []);
    } finally {
      track.draining = false;
    }
  }

  async #end(id: number, flush: number): Promise<void> {
    const track = this.#tracks.get(id);
    if (track === undefined) return;
    this.#tracks.delete(id);
    await track.publication.end({ flush });
  }

  // ---- subscriptions

  #subscribe(client: Client, message: ToWorker & { type: "subscribe" }): void {
    const { id } = message;
    try {
      const subscription = client.subscribe(ref(message.track), message.options);
      const reader: Reader = { subscription, held: false };
      this.#readers.set(id, reader);
      subscription.onReadable(() => this.#forward(id, reader));
      subscription.onGap((gap) => this.#post({ type: "gap", id, gap }, []));
      subscription.onEnd((reason) => {
        reader.held = false;
        this.#forward(id, reader);
        this.#readers.delete(id);
        this.#post({ type: "end", id, end: postEnd(reason), stats: subscription.stats }, []);
      });
      this.#postReady(id, subscription);
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  #hold(id: number, held: boolean): void {
    const reader = this.#readers.get(id);
    if (reader === undefined) return;
    reader.held = held;
    if (!held) this.#forward(id, reader);
  }

  #forward(id: number, reader: Reader): void {
    while (!reader.held) {
      const batch: MoqObject[] = [];
      const { more } = reader.subscription.drain((object) => batch.push(object), MAX_BATCH);
      if (batch.length > 0) this.#postObjects(id, batch);
      if (!more) return;
    }
  }

  #stop(id: number): void {
    const reader = this.#readers.get(id);
    this.#readers.delete(id);
    reader?.subscription.close();
    const iteration = this.#iterations.get(id);
    this.#iterations.delete(id);
    void iteration?.iterator.return?.();
    iteration?.resume();
  }

  // ---- discovery, fetch, status

  /** Posts what `source` gives, as far as the page has room; what it has none for stays where it is. */
  async #iterate<T>(
    id: number,
    ahead: number,
    source: () => AsyncIterable<T>,
    post: (value: T) => void,
  ): Promise<void> {
    try {
      const iterator = source()[Symbol.asyncIterator]();
      const iteration: Iteration = { iterator, room: ahead, resume: () => {} };
      this.#iterations.set(id, iteration);
      for (;;) {
        while (iteration.room === 0 && this.#iterations.get(id) === iteration) {
          await new Promise<void>((resolve) => {
            iteration.resume = resolve;
          });
        }
        const { done, value } = await iterator.next();
        if (done) break;
        iteration.room -= 1;
        post(value);
      }
      this.#post({ type: "end", id, end: { kind: "ended", error: undefined } }, []);
    } catch (error) {
      this.#refuse(id, error);
    } finally {
      this.#iterations.delete(id);
    }
  }

  async #status(client: Client, call: number, track: PostedTrack): Promise<void> {
    try {
      const status = await client.status(ref(track));
      this.#post({ type: "reply", call, error: undefined, status }, []);
    } catch (error) {
      this.#post({ type: "reply", call, error: postError(error) }, []);
    }
  }

  // ---- messages

  async #reply(call: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#post({ type: "reply", call, error: undefined }, []);
    } catch (error) {
      this.#post({ type: "reply", call, error: postError(error) }, []);
    }
  }

  #refuse(id: number, error: unknown): void {
    this.#post({ type: "end", id, end: { kind: "error", error: postError(error) } }, []);
  }

  #postReady(id: number, what: Publication | Subscription): void {
    what.ready.then(
      () => this.#post({ type: "ready", id, error: undefined, delivery: what.delivery }, []),
      (error) =>
        this.#post({ type: "ready", id, error: postError(error), delivery: what.delivery }, []),
    );
  }

  #postObjects(id: number, objects: readonly MoqObject[]): void {
    const batch = encodeBatch(objects);
    this.#post({ type: "objects", id, batch }, [
      batch.bytes.buffer as ArrayBuffer,
      batch.numbers.buffer as ArrayBuffer,
    ]);
  }

  #postStats(client: Client): void {
    const subscribers: (readonly [number, number])[] = [];
    for (const [id, { publication }] of this.#tracks) {
      subscribers.push([id, publication.subscribers]);
    }
    const subscriptions = [...this.#readers].map(
      ([id, { subscription }]) => [id, subscription.stats] as const,
    );
    const { protocol } = client;
    const stats = client.stats();
    this.#post({ type: "stats", stats, protocol, subscribers, subscriptions }, []);
  }
}

function ref(track: PostedTrack): readonly [readonly string[], string] {
  return [track.namespace, track.name];
}

function asMoq(error: unknown): MoqError {
  return error instanceof MoqError ? error : new MoqError("internal", String(error));
}
