import {
  type Client,
  type ClientState,
  type ClientStats,
  type CloseOptions,
  currentToken,
  type FetchOptions,
  type Host,
  Listeners,
  MoqError,
  type MoqObject,
  type NamespaceChange,
  type NamespaceLike,
  type ProtocolInfo,
  type Publication,
  type PublishOptions,
  type ResolvedClientOptions,
  resolveCloseOptions,
  resolveFetchOptions,
  resolveNamespacePrefix,
  resolvePublishOptions,
  resolveSubscribeOptions,
  resolveTrack,
  type Signal,
  type SubscribeOptions,
  type Subscription,
  type TrackRef,
  type TrackStatus,
} from "@moq-game/core";
import { workerFailed } from "./worker-failed.js";
import { type Iteration, PageIteration } from "./worker-iteration.js";
import {
  AHEAD,
  type PostedUpdate,
  postError,
  readEnd,
  readError,
  type ToPage,
  type ToWorker,
} from "./worker-protocol.js";
import { PagePublication } from "./worker-publication.js";
import { PageSubscription } from "./worker-subscription.js";

const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);

interface Call {
  readonly resolve: (status: TrackStatus | undefined) => void;
  readonly reject: (error: MoqError) => void;
}

/** The {@link Client} of a page whose connection runs in a worker. */
export class PageClient implements Client {
  readonly host: Host;
  readonly options: ResolvedClientOptions;
  readonly #worker: Worker;
  readonly opened: Promise<void>;
  #open: () => void = () => {};
  #fail: (error: MoqError) => void = () => {};
  #state: ClientState = "connecting";
  #protocol: ProtocolInfo = {
    draft: 18,
    transport: "webtransport",
    peer: undefined,
    capabilities: { fetch: true, discover: true, datagrams: true, subscribeUpdate: true },
  };
  #stats: ClientStats | undefined;
  #clockOffset = 0;
  #nextId = 1;
  readonly #states: Listeners<[ClientState, MoqError | undefined]>;
  readonly #calls = new Map<number, Call>();
  readonly #publications = new Map<number, PagePublication>();
  readonly #subscriptions = new Map<number, PageSubscription>();
  readonly #iterations = new Map<number, Iteration>();
  #updates: PostedUpdate[] = [];
  #closing: Promise<void> | undefined;
  #reconnects = 0;

  constructor(worker: Worker, host: Host, options: ResolvedClientOptions) {
    this.#worker = worker;
    this.host = host;
    this.options = options;
    this.#states = new Listeners((error) => this.listenerFailed(error));
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#fail = reject;
    });
    this.opened.catch(() => {});
    worker.onmessage = (event: MessageEvent<ToPage>) => this.#receive(event.data);
    worker.onerror = (event) => this.#end(workerFailed(event.message || "its script did not load"));
  }

  get state(): ClientState {
    return this.#state;
  }

  get protocol(): ProtocolInfo {
    return this.#protocol;
  }

  publish(track: TrackRef, options?: PublishOptions): Publication {
    const resolved = resolveTrack(track);
    const publish = resolvePublishOptions(options);
    const label = `${resolved.namespace.join("/")}/${resolved.name}`;
    this.#requireOpen(`publish ${label}`);
    for (const other of this.#publications.values()) {
      if (other.label !== label || other.ended) continue;
      throw new MoqError(
        "duplicate",
        `This client publishes ${label} already. Use that publication, or end it first.`,
      );
    }
    const id = this.#nextId++;
    const publication = new PagePublication(this, id, resolved, publish);
    this.#publications.set(id, publication);
    this.post({ type: "publish", id, track: resolved, options: options ?? {} }, []);
    return publication;
  }

  subscribe(track: TrackRef, options?: SubscribeOptions): Subscription {
    const resolved = resolveTrack(track);
    const subscribe = resolveSubscribeOptions(options);
    this.#requireOpen(`subscribe to ${resolved.namespace.join("/")}/${resolved.name}`);
    const id = this.#nextId++;
    const subscription = new PageSubscription(this, id, resolved, subscribe);
    this.#subscriptions.set(id, subscription);
    const { signal: _, ...rest } = options ?? {};
    this.post({ type: "subscribe", id, track: resolved, options: rest }, []);
    return subscription;
  }

  discover(
    prefix: NamespaceLike,
    options?: { readonly signal?: Signal },
  ): AsyncIterable<NamespaceChange> {
    const fields = resolveNamespacePrefix(prefix);
    this.#requireOpen("discover namespaces");
    return this.#iterable<NamespaceChange>(AHEAD.discover, options?.signal, (id) => ({
      type: "discover",
      id,
      prefix: fields,
    }));
  }

  fetch(track: TrackRef, options: FetchOptions): AsyncIterable<readonly MoqObject[]> {
    const resolved = resolveTrack(track);
    const { signal, ...rest } = resolveFetchOptions(options);
    this.#requireOpen("fetch");
    return this.#iterable<readonly MoqObject[]>(AHEAD.fetch, signal, (id) => ({
      type: "fetch",
      id,
      track: resolved,
      options: rest,
    }));
  }

  async status(track: TrackRef, options?: { readonly signal?: Signal }): Promise<TrackStatus> {
    const resolved = resolveTrack(track);
    this.#requireOpen("ask for a status");
    const answer = this.call((call) => ({ type: "status", call, track: resolved }));
    const { signal } = options ?? {};
    if (signal === undefined) return (await answer) as TrackStatus;
    let abort = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(new MoqError("cancelled", "The request was aborted by its signal."));
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
    });
    try {
      return (await Promise.race([answer, aborted])) as TrackStatus;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  stats(): ClientStats {
    const subscriptions = [...this.#subscriptions.values()].map((subscription) => ({
      ...subscription.stats,
      track: subscription.label,
      delivery: subscription.delivery,
    }));
    const publications = [...this.#publications.values()].map((publication) => ({
      ...publication.stats,
      track: publication.label,
      delivery: publication.delivery,
    }));
    return {
      rtt: this.#stats?.rtt,
      bytesSent: this.#stats?.bytesSent,
      bytesReceived: this.#stats?.bytesReceived,
      packetsSent: this.#stats?.packetsSent,
      packetsLost: this.#stats?.packetsLost,
      datagramsDropped: this.#stats?.datagramsDropped ?? 0,
      state: this.#state,
      reconnects: this.#reconnects,
      subscriptions,
      publications,
    };
  }

  /** The worker's own counters for a publication, as of its last report. */
  workerStats(track: string): ClientStats["publications"][number] | undefined {
    return this.#stats?.publications.find((entry) => entry.track === track);
  }

  onState(listener: (state: ClientState, reason: MoqError | undefined) => void): () => void {
    return this.#states.add(listener);
  }

  close(options?: CloseOptions): Promise<void> {
    this.#closing ??= this.#close(resolveCloseOptions("close", options));
    return this.#closing;
  }

  [ASYNC_DISPOSE](): Promise<void> {
    return this.close();
  }

  // ---- for the page's publications and subscriptions

  post(message: ToWorker, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Posts with the other updates of this turn of the event loop. */
  send(update: PostedUpdate): void {
    this.#updates.push(update);
    if (this.#updates.length === 1) Promise.resolve().then(() => this.#postUpdates());
  }

  call(message: (call: number) => ToWorker): Promise<TrackStatus | undefined> {
    if (this.#state === "closed") return Promise.reject(closed("go on"));
    this.#postUpdates();
    const call = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.post(message(call), []);
    });
  }

  forget(id: number): void {
    this.#publications.delete(id);
    this.#subscriptions.delete(id);
    this.#iterations.delete(id);
  }

  listenerFailed(error: unknown): void {
    this.host.log?.("error", `A listener threw: ${String(error)}`);
  }

  abort(): void {
    if (this.#state === "connecting") {
      this.#end(new MoqError("cancelled", "Connecting was aborted by the option signal."));
    } else void this.close();
  }

  // ---- inner workings

  #iterable<T extends NamespaceChange | readonly MoqObject[]>(
    ahead: number,
    signal: Signal | undefined,
    message: (id: number) => ToWorker,
  ): AsyncIterable<T> {
    return {
      [Symbol.asyncIterator]: () => {
        this.#requireOpen("go on");
        const id = this.#nextId++;
        const more = (count: number): void => {
          if (this.#state !== "closed") this.post({ type: "more", id, count }, []);
        };
        const left = (): void => {
          if (!this.#iterations.delete(id) || this.#state === "closed") return;
          this.post({ type: "stop", id }, []);
        };
        const iteration = new PageIteration<T>(ahead, more, left);
        if (!iteration.follow(signal)) return iteration;
        this.#iterations.set(id, iteration as Iteration);
        this.post(message(id), []);
        return iteration;
      },
    };
  }

  #postUpdates(): void {
    const updates = this.#updates;
    if (updates.length === 0) return;
    this.#updates = [];
    if (this.#state === "closed") return;
    this.post(
      { type: "send", updates },
      updates.map(({ bytes }) => bytes.buffer as ArrayBuffer),
    );
  }

  #receive(message: ToPage): void {
    switch (message.type) {
      case "connected":
        this.#protocol = message.protocol;
        this.#clockOffset = message.timeOrigin - performance.timeOrigin;
        if (this.#state !== "connecting") return;
        this.#state = "open";
        this.#open();
        this.#states.emit("open", undefined);
        return;
      case "failed":
        this.#end(readError(message.error));
        return;
      case "state":
        this.#follow(message.state, message.error && readError(message.error));
        return;
      case "token":
        void this.#giveToken(message.call);
        return;
      case "stats":
        this.#stats = message.stats;
        this.#protocol = message.protocol;
        for (const [id, count] of message.subscribers) {
          this.#publications.get(id)?.setSubscribers(count);
        }
        for (const [id, counted] of message.subscriptions) {
          this.#subscriptions.get(id)?.count(counted);
        }
        return;
      case "reply": {
        const call = this.#calls.get(message.call);
        this.#calls.delete(message.call);
        if (message.error === undefined) call?.resolve(message.status);
        else call?.reject(readError(message.error));
        return;
      }
      case "ready": {
        const error = message.error === undefined ? undefined : readError(message.error);
        this.#publications.get(message.id)?.settle(error);
        this.#subscriptions.get(message.id)?.settle(error, message.delivery);
        return;
      }
      case "taken":
        this.#publications.get(message.id)?.taken(message.objects, message.bytes);
        return;
      case "keyframe_wanted":
        this.#publications.get(message.id)?.keyframeWanted();
        return;
      case "objects":
        this.#subscriptions.get(message.id)?.receive(message.batch, this.#clockOffset);
        this.#iterations.get(message.id)?.receive(message.batch, this.#clockOffset);
        return;
      case "gap":
        this.#subscriptions.get(message.id)?.gap(message.gap);
        return;
      case "change":
        this.#iterations.get(message.id)?.change(message.change);
        return;
      case "end": {
        const end = readEnd(message.end);
        this.#publications.get(message.id)?.fail(end.error);
        const subscription = this.#subscriptions.get(message.id);
        if (message.stats !== undefined) subscription?.count(message.stats);
        subscription?.end(end);
        this.#iterations.get(message.id)?.end(end.error);
        this.forget(message.id);
      }
    }
  }

  #follow(state: ClientState, error: MoqError | undefined): void {
    if (state === "closed") {
      this.#end(error);
      return;
    }
    if (this.#state === "closed" || this.#state === state) return;
    if (state === "open") this.#reconnects += 1;
    this.#state = state;
    this.#states.emit(state, error);
  }

  async #giveToken(call: number): Promise<void> {
    try {
      const token = await currentToken(this.options.token);
      if (this.#state !== "closed") this.post({ type: "token", call, token, error: undefined }, []);
    } catch (error) {
      const posted = { type: "token", call, token: undefined, error: postError(error) } as const;
      if (this.#state !== "closed") this.post(posted, []);
    }
  }

  async #close(flush: number): Promise<void> {
    if (this.#state === "closed") return;
    if (this.#state === "open" || this.#state === "reconnecting") {
      await this.call((call) => ({ type: "close", call, flush })).catch(() => {});
    }
    this.#end(undefined);
  }

  #end(error: MoqError | undefined): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    const why = error ?? closed("go on");
    this.#fail(why);
    for (const call of this.#calls.values()) call.reject(why);
    this.#calls.clear();
    for (const publication of [...this.#publications.values()]) publication.fail(why);
    for (const subscription of [...this.#subscriptions.values()]) {
      if (error === undefined) subscription.discard();
      else subscription.end({ kind: "error", error });
    }
    for (const iteration of [...this.#iterations.values()]) iteration.end(error);
    this.#publications.clear();
    this.#subscriptions.clear();
    this.#iterations.clear();
    this.#states.emit("closed", error);
    this.#states.clear();
    this.#worker.terminate();
  }

  #requireOpen(what: string): void {
    if (this.#state === "closed" || this.#closing !== undefined) throw closed(what);
  }
}

function closed(what: string): MoqError {
  return new MoqError(
    "closed",
    `Cannot ${what}: the client is closed. Make a new one with connect.`,
  );
}
