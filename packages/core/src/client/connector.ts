import type { Signal } from "../api.js";
import type { Clock } from "../delivery/clock.js";
import { MoqError } from "../errors.js";
import { currentToken } from "../options/credentials.js";
import type { ResolvedClientOptions } from "../options.js";
import type { PeerInfo, Role, SessionEnd } from "../session/types.js";
import type { Transport } from "../transport.js";
import { SessionCode } from "../wire/error.js";
import type { Utf8 } from "../wire/utf8.js";
import { sessionError } from "./errors.js";
import { clockOf, type Host } from "./host.js";
import { Link, type LinkOwner } from "./link.js";
import { Backoff, Effort } from "./reconnect.js";

/** MOQT_IMPLEMENTATION of this client. */
export const IMPLEMENTATION = "moq-game/0.1.0 (core)";

/** Attempts at an address that a GOAWAY named before the original one has its turn again. */
const GOAWAY_ATTEMPTS = 3;

/** Where and how to make one connection. */
export interface DialTo {
  /** An address that the relay sent us to; `undefined`: the one given to `connect`. */
  readonly url: string | undefined;
  /** In ms. */
  readonly timeout: number;
  /** The connection is not wanted any more. */
  readonly signal: Signal;
}

/** Makes a connection; rejects with a MoqError. */
export type Dial = (to: DialTo) => Promise<Transport>;

/** What a connector tells its client. */
export interface ConnectorOwner {
  /** A session stands. */
  connected(link: Link, peer: PeerInfo): void;
  /** The first attempt failed, or further ones cannot help. */
  failed(error: MoqError): void;
  request(link: Link, ...request: Parameters<LinkOwner["request"]>): void;
  goaway(link: Link, ...goaway: Parameters<LinkOwner["goaway"]>): void;
  /** A session that stood is over. */
  lost(link: Link, end: SessionEnd): void;
}

export interface ConnectorSetup {
  readonly options: ResolvedClientOptions;
  readonly host: Host;
  readonly utf8: Utf8;
  readonly role: Role;
  /** Makes connections, or is one that stands and cannot be replaced. */
  readonly source: Transport | Dial;
  /**
   * Time in ms of a further attempt where the host may hold connections back. Default: as the first,
   * `connectTimeout`.
   */
  readonly redialTimeout?: number | undefined;
}

/** Makes sessions: the first one, and others in place of those that are lost. */
export class Connector {
  readonly #setup: ConnectorSetup;
  readonly #owner: ConnectorOwner;
  readonly clock: Clock;
  readonly #backoff: Backoff;
  #effort: Effort | undefined;
  /** The attempt under way. */
  #attempt: Attempt | undefined;
  #timer: (() => void) | undefined;
  #elsewhere: { readonly url: string; failures: number } | undefined;
  #last: MoqError | undefined;

  constructor(setup: ConnectorSetup, owner: ConnectorOwner) {
    this.#setup = setup;
    this.#owner = owner;
    this.clock = clockOf(setup.host);
    const random = setup.host.random ?? Math.random;
    const { reconnect } = setup.options;
    this.#backoff = new Backoff(reconnect ?? { initialDelay: 0, maxDelay: 0 }, () => random());
  }

  /** The first session: one attempt. */
  connect(): void {
    const { source, options } = this.#setup;
    const { token } = options;
    if (typeof source === "function" || typeof token === "function") void this.#try();
    // All that it takes is at hand.
    else this.#open(this.#begin(), source, token);
  }

  /**
   * Works on another session until one stands or there is no hope. `url`: where a GOAWAY sent us;
   * empty for the same address.
   */
  restore(reason: MoqError, url = ""): void {
    if (url !== "") this.#elsewhere = { url, failures: 0 };
    if (this.#effort !== undefined) return;
    const { reconnect, token } = this.#setup.options;
    if (reconnect === undefined) return;
    this.#last = reason;
    this.#effort = new Effort(reconnect, typeof token === "function", this.clock.now());
    this.#backoff.reset();
    this.#schedule();
  }

  /** No connection is wanted any more. */
  stop(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#effort = undefined;
    this.#attempt?.cancel();
    this.#attempt = undefined;
  }

  #schedule(): void {
    const now = this.clock.now();
    const left = this.#effort?.left(now) ?? 0;
    this.#timer = this.clock.after(Math.max(0, Math.min(left, this.#backoff.next())), () => {
      this.#timer = undefined;
      const effort = this.#effort;
      if (effort === undefined) return;
      if (effort.left(this.clock.now()) > 0) void this.#try();
      else this.#fail(effort.gaveUp(this.#last as MoqError, this.clock.now()));
    });
  }

  #begin(): Attempt {
    const now = this.clock.now();
    const { options, redialTimeout } = this.#setup;
    const first = this.#effort === undefined;
    const time = first ? options.connectTimeout : (redialTimeout ?? options.connectTimeout);
    this.#attempt = new Attempt(now + Math.min(time, this.#effort?.left(now) ?? Infinity));
    return this.#attempt;
  }

  async #try(): Promise<void> {
    const attempt = this.#begin();
    try {
      const token = await this.#token(attempt);
      if (attempt.aborted) return;
      const transport = await this.#transport(attempt);
      if (attempt.aborted) transport.close(SessionCode.NoError, "");
      else this.#open(attempt, transport, token);
    } catch (error) {
      this.#failed(attempt, error);
    }
  }

  async #transport(attempt: Attempt): Promise<Transport> {
    const { source } = this.#setup;
    if (typeof source !== "function") return source;
    return source({ url: this.#elsewhere?.url, timeout: this.#left(attempt), signal: attempt });
  }

  /** The token for this attempt, which has the attempt's time and no more. */
  async #token(attempt: Attempt): Promise<string | Uint8Array | undefined> {
    const { token } = this.#setup.options;
    if (typeof token !== "function") return token;
    return new Promise((resolve, reject) => {
      const stop = this.clock.after(this.#step(attempt), () => {
        const message = "The option token gave nothing within connectTimeout.";
        reject(new MoqError("unauthorized", message, { retryable: true }));
      });
      attempt.addEventListener("abort", stop);
      currentToken(token).then(resolve, reject).then(stop, stop);
    });
  }

  /** ms for a part of the attempt in which the host holds nothing back. */
  #step(attempt: Attempt): number {
    return Math.min(this.#left(attempt), this.#setup.options.connectTimeout);
  }

  #left(attempt: Attempt): number {
    return Math.max(1, Math.ceil(attempt.until - this.clock.now()));
  }

  /** SETUP on a connection that stands. */
  #open(attempt: Attempt, transport: Transport, token: string | Uint8Array | undefined): void {
    const { host, utf8, options, role } = this.#setup;
    const value = typeof token === "string" ? utf8.encode(token) : token;
    let stands = false;
    const link: Link = new Link(
      transport,
      {
        role,
        now: () => host.now(),
        utf8,
        setup: {
          implementation: IMPLEMENTATION,
          ...(value === undefined
            ? {}
            : { tokens: [{ kind: "use_value" as const, tokenType: 0, value }] }),
        },
        limits: {
          maxObjectSize: options.maxObjectSize,
          setupTimeout: this.#step(attempt),
          responseTimeout: options.requestTimeout,
        },
      },
      host,
      options,
      {
        ready: (peer) => {
          if (attempt.aborted) return;
          stands = true;
          this.#attempt = undefined;
          this.#effort = undefined;
          if (this.#elsewhere !== undefined) this.#elsewhere.failures = 0;
          this.#owner.connected(link, peer);
        },
        request: (...request) => this.#owner.request(link, ...request),
        goaway: (...goaway) => this.#owner.goaway(link, ...goaway),
        closed: (end) => {
          if (stands) this.#owner.lost(link, end);
          else if (!attempt.aborted) this.#failed(attempt, sessionError(end, false));
        },
      },
    );
    attempt.addEventListener("abort", () => link.close(SessionCode.NoError, ""));
    link.start();
  }

  #failed(attempt: Attempt, reason: unknown): void {
    if (attempt.aborted || this.#attempt !== attempt) return;
    this.#attempt = undefined;
    const error = asMoqError(reason);
    const final = this.#effort === undefined ? error : this.#effort.failed(error);
    if (final !== undefined) {
      this.#fail(final);
      return;
    }
    this.#last = error;
    const elsewhere = this.#elsewhere;
    if (elsewhere !== undefined) {
      elsewhere.failures += 1;
      if (elsewhere.failures >= GOAWAY_ATTEMPTS) this.#elsewhere = undefined;
    }
    this.#schedule();
  }

  #fail(error: MoqError): void {
    this.stop();
    this.#owner.failed(error);
  }
}

/** One attempt; the signal for those who work on it. */
class Attempt implements Signal {
  aborted = false;
  /** When its time is over, in ms of the clock. */
  readonly until: number;
  readonly #listeners = new Set<() => void>();

  constructor(until: number) {
    this.until = until;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  cancel(): void {
    this.aborted = true;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }
}

function asMoqError(reason: unknown): MoqError {
  if (reason instanceof MoqError) return reason;
  return new MoqError("connection_failed", `The connection failed: ${String(reason)}.`);
}
