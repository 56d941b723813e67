import type { ClientState, ProtocolInfo } from "../api.js";
import { MoqError } from "../errors.js";
import type { ResolvedClientOptions } from "../options.js";
import type { PeerInfo, RequestId, SessionEnd } from "../session/types.js";
import type { TransportStats } from "../transport.js";
import { SessionCode } from "../wire/error.js";
import type { Goaway, RequestMessage } from "../wire/message.js";
import { Connector, type ConnectorOwner, type ConnectorSetup } from "./connector.js";
import { deferred } from "./deferred.js";
import { sessionError } from "./errors.js";
import type { Link } from "./link.js";
import { Listeners } from "./listeners.js";
import { canReconnect } from "./reconnect.js";

/** What a connection tells its client, whose publications and subscriptions it carries. */
export interface ConnectionOwner {
  /** A session stands; `again`: in place of one that was lost. */
  attach(link: Link, again: boolean): void;
  /** The session is over and another one may come. */
  detach(): void;
  request(link: Link, id: RequestId, request: RequestMessage): void;
  /** Nothing follows. */
  ended(error: MoqError | undefined): void;
}

/** The client's connection through its life: the session that stands now, and the state to show for it. */
export class Connection implements ConnectorOwner {
  readonly #options: ResolvedClientOptions;
  readonly #log: (level: "info" | "warn", message: string) => void;
  readonly #owner: ConnectionOwner;
  readonly #connector: Connector;
  readonly #opened = deferred<void>();
  readonly #states: Listeners<[ClientState, MoqError | undefined]>;
  #state: ClientState = "connecting";
  #link: Link | undefined;
  #peer: string | undefined;
  /** Whether the newest session carried datagrams. */
  #datagrams = false;
  #reconnects = 0;
  /** Counters of sessions that are over. */
  #before: TransportStats | undefined;

  constructor(
    setup: ConnectorSetup,
    owner: ConnectionOwner,
    listenerFailed: (error: unknown) => void,
  ) {
    this.#options = setup.options;
    this.#log = (level, message) => setup.host.log?.(level, message);
    this.#owner = owner;
    this.#states = new Listeners(listenerFailed);
    this.#connector = new Connector(setup, this);
  }

  /** Begins to connect; `opened` settles with the peer's SETUP. */
  start(): void {
    if (this.#state === "connecting") this.#connector.connect();
  }

  /** Resolves once the peer's SETUP arrived; rejects when the first attempt fails. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** The session that carries the client; `undefined` between two. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** The peer's MOQT_IMPLEMENTATION, when it told. */
  get peer(): ProtocolInfo["peer"] {
    return this.#peer;
  }

  /** Whether datagrams are carried; between two sessions: what the last one could. */
  get datagrams(): boolean {
    const link = this.#link;
    return link === undefined ? this.#datagrams : link.session.maxDatagramSize() !== undefined;
  }

  get reconnects(): number {
    return this.#reconnects;
  }

  onState(listener: (state: ClientState, reason: MoqError | undefined) => void): () => void {
    return this.#states.add(listener);
  }

  /** Counters of all sessions so far; estimates of the newest. `undefined` before the first. */
  get transportStats(): TransportStats | undefined {
    const now = this.#link?.session.transportStats();
    const before = this.#before;
    return now === undefined || before === undefined ? (now ?? before) : addStats(before, now);
  }

  /** Resolves when a session stands, or with the end, or after `ms`. */
  restored(ms: number): Promise<void> {
    if (this.#state !== "reconnecting") return Promise.resolve();
    const done = deferred<void>();
    const stop = this.#connector.clock.after(ms, () => done.resolve());
    const forget = this.#states.add(() => done.resolve());
    return done.promise.then(() => {
      stop();
      forget();
    });
  }

  /** Ends it, with `error` unless it was wanted. */
  end(error: MoqError | undefined): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#connector.stop();
    const link = this.#link;
    this.#opened.reject(
      error ?? new MoqError("cancelled", "The client was closed before the connection stood."),
    );
    const over = (): void => {
      link?.close(SessionCode.NoError, "");
      this.#owner.ended(error);
    };
    if (link === undefined) over();
    else link.batch(over);
    this.#log(error === undefined ? "info" : "warn", error?.message ?? "The client was closed.");
    this.#states.emit("closed", error);
    this.#states.clear();
  }

  // ---- ConnectorOwner

  connected(link: Link, peer: PeerInfo): void {
    const before = this.#link;
    if (before !== undefined) {
      // Sent elsewhere by a GOAWAY: the old session stood until now.
      this.#detach();
      before.close(SessionCode.NoError, "");
    }
    const first = this.#state === "connecting";
    this.#link = link;
    this.#peer = peer.options.implementation;
    this.#datagrams = link.session.maxDatagramSize() !== undefined;
    this.#state = "open";
    if (!first) {
      this.#reconnects += 1;
      this.#log("info", "The connection stands again.");
    }
    this.#opened.resolve();
    link.batch(() => this.#owner.attach(link, !first));
    // What it was given may have ended it at once.
    if (this.#link === link && !link.isClosed) this.#states.emit("open", undefined);
  }

  request(link: Link, id: RequestId, request: RequestMessage): void {
    this.#owner.request(link, id, request);
  }

  goaway(link: Link, { uri }: Goaway): void {
    if (link !== this.#link) return;
    const where = uri === "" ? "" : ` It names ${uri}.`;
    const reason = new MoqError("going_away", `The relay goes away.${where}`);
    if (this.#options.reconnect === undefined) {
      this.#log("warn", reason.message);
      return;
    }
    // What it carries goes on until another session stands, or until the relay ends it.
    link.retire();
    this.#restore(reason, uri);
  }

  lost(link: Link, end: SessionEnd): void {
    if (link !== this.#link) return;
    const error = sessionError(end, true);
    const { reconnect, token } = this.#options;
    const hopeless = error === undefined || !canReconnect(error, typeof token === "function");
    if (reconnect === undefined || hopeless) {
      this.end(error);
      return;
    }
    this.#detach();
    this.#restore(error);
  }

  failed(error: MoqError): void {
    this.end(error);
  }

  #detach(): void {
    this.#owner.detach();
    this.#before = this.transportStats;
    this.#link = undefined;
  }

  #restore(reason: MoqError, uri = ""): void {
    this.#log("warn", reason.message);
    this.#connector.restore(reason, uri);
    if (this.#state === "reconnecting") return;
    this.#state = "reconnecting";
    this.#states.emit("reconnecting", reason);
  }
}

function addStats(before: TransportStats, now: TransportStats): TransportStats {
  return {
    ...now,
    bytesSent: before.bytesSent + now.bytesSent,
    bytesReceived: before.bytesReceived + now.bytesReceived,
    packetsSent: before.packetsSent + now.packetsSent,
    packetsLost: before.packetsLost + now.packetsLost,
  };
}
