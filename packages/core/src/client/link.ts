import { Session } from "../session/session.js";
import type {
  OutgoingRequest,
  PeerInfo,
  RequestEnd,
  RequestId,
  ResolvedToken,
  SessionConfig,
  SessionEnd,
  SessionEvents,
  StreamEnd,
  UpdateResponse,
} from "../session/types.js";
import type { CloseReason, Dir, StreamId, Transport, TransportEvents } from "../transport.js";
import { SessionCode, StreamCode } from "../wire/error.js";
import type { Goaway, RequestMessage, RequestUpdate, ResponseMessage } from "../wire/message.js";
import type { FetchItem, ObjectDatagram, SubgroupHeader, SubgroupObject } from "../wire/object.js";
import { clockOf, type Host } from "./host.js";
import { Liveness, type LivenessOptions } from "./liveness.js";
import { discardsPadding } from "./tolerances.js";

/** Whoever made a request, or answers one of the peer's. */
export interface RequestOwner {
  response?(response: ResponseMessage): void;
  update?(update: RequestUpdate): void;
  updateResponse?(response: UpdateResponse): void;
  subgroupOpened?(stream: StreamId, header: SubgroupHeader): void;
  fetchOpened?(stream: StreamId): void;
  datagram?(datagram: ObjectDatagram): void;
  goaway?(goaway: Goaway): void;
  /** Exactly once, unless {@link Link.disown} was called. */
  closed(end: RequestEnd): void;
}

/** Whether a request ended because the whole session did. */
export function isSessionEnd(end: RequestEnd): boolean {
  return end.by === "local" && end.code === StreamCode.SessionClosed;
}

/** Whoever reads a data stream. */
export interface InStreamOwner {
  object?(object: SubgroupObject): void;
  fetchItem?(item: FetchItem): void;
  ended(end: StreamEnd): void;
}

/** Whoever writes a data stream. */
export interface OutStreamOwner {
  writable(stream: StreamId): void;
  acked(stream: StreamId): void;
  stopped(stream: StreamId, code: number): void;
}

/** Whoever waits for stream credit or for datagrams to be taken. */
export interface CreditWaiter {
  streamsAvailable(): void;
  datagramsAvailable(): void;
}

/** What concerns the connection as a whole. */
export interface LinkOwner {
  ready(peer: PeerInfo): void;
  request(id: RequestId, request: RequestMessage, tokens: readonly ResolvedToken[]): void;
  goaway(goaway: Goaway): void;
  closed(end: SessionEnd): void;
}

/**
 * One session on one connection: hands the session's events to those whom they concern and runs its
 * timer. Publications and subscriptions outlive it, so that a new connection can take over.
 */
export class Link {
  readonly session: Session;
  readonly #owner: LinkOwner;
  readonly #host: Host;
  readonly #requests = new Map<RequestId, RequestOwner>();
  readonly #inStreams = new Map<StreamId, InStreamOwner>();
  readonly #outStreams = new Map<StreamId, OutStreamOwner>();
  readonly #waiters = new Set<CreditWaiter>();
  readonly #afterEvent = new Set<() => void>();
  readonly #liveness: Liveness | undefined;
  #transportEvents: TransportEvents | undefined;
  #timer: (() => void) | undefined;
  #due = Infinity;
  #depth = 0;
  #closed = false;
  #retired = false;

  constructor(
    transport: Transport,
    config: SessionConfig,
    host: Host,
    liveness: LivenessOptions,
    owner: LinkOwner,
  ) {
    this.#owner = owner;
    this.#host = host;
    if (transport.needsProbes === true) {
      this.#liveness = new Liveness(transport, clockOf(host), liveness, () => {
        this.#transportEvents?.closed({ kind: "timed_out" });
        transport.close(SessionCode.NoError, "");
      });
    }
    this.session = new Session(this.#observe(transport), config, this.#events());
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** False: what is asked for now waits for the next connection, which is to come. */
  get takesRequests(): boolean {
    return !this.#closed && !this.#retired;
  }

  /** The peer is going away: what ends on it may go on elsewhere. */
  get isRetired(): boolean {
    return this.#retired;
  }

  /** The peer is going away and another connection will take over: no new requests on this one. */
  retire(): void {
    this.#retired = true;
  }

  start(): void {
    this.session.start();
    this.#arm();
  }

  /** Runs `work`; what was put off with {@link later} runs once, when the outermost batch ends. */
  batch(work: () => void): void {
    this.#depth += 1;
    try {
      work();
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) {
        this.#flush();
        this.#arm();
      }
    }
  }

  /** Puts `work` off until the event at hand is dealt with, or runs it now when there is none. */
  later(work: () => void): void {
    if (this.#depth === 0) work();
    else this.#afterEvent.add(work);
  }

  /** Sends a request whose answers go to `owner`. Throws SessionError. */
  request(request: OutgoingRequest, owner: RequestOwner): RequestId {
    const id = this.session.request(request);
    this.#requests.set(id, owner);
    this.#arm();
    return id;
  }

  /** `owner` answers the peer's request `id` and hears of its updates and end. */
  adopt(id: RequestId, owner: RequestOwner): void {
    this.#requests.set(id, owner);
  }

  owner(id: RequestId): RequestOwner | undefined {
    return this.#requests.get(id);
  }

  /** Cancels a request; its owner hears nothing any more. */
  cancel(id: RequestId, code: number): void {
    this.#requests.delete(id);
    if (!this.#closed) this.session.cancel(id, code);
  }

  adoptInStream(stream: StreamId, owner: InStreamOwner): void {
    this.#inStreams.set(stream, owner);
  }

  /** Stops an incoming stream; its owner hears nothing any more. */
  stopStream(stream: StreamId, code: number): void {
    if (this.#inStreams.delete(stream) && !this.#closed) this.session.stopStream(stream, code);
  }

  adoptOutStream(stream: StreamId, owner: OutStreamOwner | undefined): void {
    if (owner === undefined) this.#outStreams.delete(stream);
    else this.#outStreams.set(stream, owner);
  }

  /** `waiter` hears when streams or datagrams are taken again, until it is removed. */
  addWaiter(waiter: CreditWaiter): void {
    this.#waiters.add(waiter);
  }

  removeWaiter(waiter: CreditWaiter): void {
    this.#waiters.delete(waiter);
  }

  close(code: number, reason: string): void {
    if (!this.#closed) this.batch(() => this.session.close(code, reason));
  }

  #flush(): void {
    // What runs here may put off more.
    for (const work of this.#afterEvent) {
      this.#afterEvent.delete(work);
      work();
    }
  }

  #arm(): void {
    const due = this.#closed ? undefined : this.session.nextTimeout();
    if (due === undefined) {
      this.#timer?.();
      this.#timer = undefined;
      this.#due = Infinity;
      return;
    }
    if (due === this.#due && this.#timer !== undefined) return;
    this.#timer?.();
    this.#due = due;
    const clock = clockOf(this.#host);
    this.#timer = clock.after(Math.max(0, due - clock.now()), () => {
      this.#timer = undefined;
      this.#due = Infinity;
      this.batch(() => this.session.onTimeout(this.#host.now()));
    });
  }

  #events(): SessionEvents {
    const requests = this.#requests;
    const inStreams = this.#inStreams;
    return {
      ready: (peer) => {
        if (discardsPadding(peer)) this.#liveness?.start();
        this.#owner.ready(peer);
      },
      request: (id, request, tokens) => this.#owner.request(id, request, tokens),
      response: (id, response) => requests.get(id)?.response?.(response),
      update: (id, update) => requests.get(id)?.update?.(update),
      updateResponse: (id, response) => requests.get(id)?.updateResponse?.(response),
      requestClosed: (id, end) => {
        const owner = requests.get(id);
        requests.delete(id);
        owner?.closed(end);
      },
      subgroupOpened: (stream, id, header) => requests.get(id)?.subgroupOpened?.(stream, header),
      object: (stream, object) => inStreams.get(stream)?.object?.(object),
      fetchOpened: (stream, id) => requests.get(id)?.fetchOpened?.(stream),
      fetchItem: (stream, item) => inStreams.get(stream)?.fetchItem?.(item),
      streamEnded: (stream, end) => {
        const owner = inStreams.get(stream);
        inStreams.delete(stream);
        owner?.ended(end);
      },
      datagram: (id, datagram) => requests.get(id)?.datagram?.(datagram),
      stopped: (stream, code) => this.#outStreams.get(stream)?.stopped(stream, code),
      acked: (stream) => this.#outStreams.get(stream)?.acked(stream),
      writable: (stream) => this.#outStreams.get(stream)?.writable(stream),
      streamsAvailable: (dir: Dir) => {
        if (dir === "uni") for (const waiter of [...this.#waiters]) waiter.streamsAvailable();
      },
      datagramsAvailable: () => {
        for (const waiter of [...this.#waiters]) waiter.datagramsAvailable();
      },
      goaway: (goaway, id) => {
        if (id === undefined) this.#owner.goaway(goaway);
        else requests.get(id)?.goaway?.(goaway);
      },
      closed: (end) => {
        this.#closed = true;
        this.#liveness?.stop();
        this.#requests.clear();
        this.#inStreams.clear();
        this.#outStreams.clear();
        this.#waiters.clear();
        this.#owner.closed(end);
      },
    };
  }

  /** `transport`, with every event run inside a batch and noticed as a sign of life. */
  #observe(transport: Transport): Transport {
    const liveness = this.#liveness;
    const batch = (event: () => void): void => {
      liveness?.heard();
      this.batch(event);
    };
    return {
      start: (events: TransportEvents) => {
        const observed: TransportEvents = {
          data: (id, dir, data, fin) => batch(() => events.data(id, dir, data, fin)),
          reset: (id, code) => batch(() => events.reset(id, code)),
          stopped: (id, code) => batch(() => events.stopped(id, code)),
          writable: (id) => batch(() => events.writable(id)),
          acked: (id) => {
            if (liveness?.acked(id) !== true) batch(() => events.acked(id));
          },
          streamsAvailable: (dir) => batch(() => events.streamsAvailable(dir)),
          datagramsAvailable: () => this.batch(() => events.datagramsAvailable()),
          datagram: (data) => batch(() => events.datagram(data)),
          closed: (reason: CloseReason) => batch(() => events.closed(reason)),
        };
        this.#transportEvents = observed;
        transport.start(observed);
      },
      open: (dir) => transport.open(dir),
      write: (id, data) => transport.write(id, data),
      finish: (id) => transport.finish(id),
      reset: (id, code) => transport.reset(id, code),
      stop: (id, code) => transport.stop(id, code),
      setPriority: (id, priority) => transport.setPriority(id, priority),
      pause: (id, paused) => transport.pause(id, paused),
      sendDatagram: (data) => transport.sendDatagram(data),
      maxDatagramSize: () => transport.maxDatagramSize(),
      close: (code, reason) => transport.close(code, reason),
      stats: () => transport.stats(),
    };
  }
}
