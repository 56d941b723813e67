import type { Clock } from "../delivery/clock.js";
import { MoqError } from "../errors.js";
import type { RequestEnd, RequestId } from "../session/types.js";
import { RequestErrorCode, StreamCode } from "../wire/error.js";
import type { RequestError, ResponseMessage } from "../wire/message.js";
import { formatNamespace, type Namespace, namespaceStartsWith } from "../wire/name.js";
import { callError, requestError } from "./errors.js";
import { isSessionEnd, type Link } from "./link.js";
import { passes, RETURN_GRACE, Recovery } from "./recovery.js";
import { NamespaceWatcher } from "./watcher.js";

/** Most repetitions of a request that meets the end of the one before it, and their spacing in ms. */
const OVERLAP_RETRIES = 5;
const OVERLAP_DELAY = 40;
/** After a wider request took over: ms until what it did not name counts as removed. */
const HANDOVER_GRACE = 1_000;

/** What discovery needs of its client. */
export interface DiscoveryOwner {
  readonly clock: Clock;
  decode(namespace: Namespace): readonly string[];
  /** The peer does not offer it. */
  unsupported(): void;
}

/** One SUBSCRIBE_NAMESPACE on the wire. */
interface Wire {
  readonly prefix: Namespace;
  readonly known: Map<string, Namespace>;
  id: RequestId | undefined;
  retries: number;
  /** Set when it takes the place of one on a connection that was lost. */
  readonly recovery: Recovery | undefined;
}

/** Discovery of namespaces: prefixes that overlap share one request, as the draft demands. */
export class Discovery {
  readonly #owner: DiscoveryOwner;
  #link: Link | undefined;
  #wires: Wire[] = [];
  readonly #watchers = new Set<NamespaceWatcher>();

  constructor(owner: DiscoveryOwner) {
    this.#owner = owner;
  }

  attach(link: Link): void {
    this.#link = link;
    for (const watcher of this.#watchers) this.#cover(watcher.prefix, true);
  }

  /** The connection is gone. */
  detach(): void {
    this.#link = undefined;
    this.#wires = [];
  }

  /** Ends every watcher. */
  finish(error: MoqError | undefined): void {
    for (const watcher of [...this.#watchers]) watcher.end(error);
    this.#watchers.clear();
    this.#wires = [];
  }

  watch(prefix: Namespace): NamespaceWatcher {
    const watcher: NamespaceWatcher = new NamespaceWatcher(
      prefix,
      (namespace) => this.#owner.decode(namespace),
      () => this.#left(watcher),
    );
    this.#watchers.add(watcher);
    const covering = this.#wires.find((wire) => namespaceStartsWith(prefix, wire.prefix));
    if (covering === undefined) this.#cover(prefix);
    else for (const namespace of covering.known.values()) watcher.add(namespace);
    return watcher;
  }

  /** Makes the request for `prefix`, in place of narrower ones. */
  #cover(prefix: Namespace, again = false): void {
    const link = this.#link;
    // The next connection covers all watchers.
    if (!link?.takesRequests) return;
    if (this.#wires.some((wire) => namespaceStartsWith(prefix, wire.prefix))) return;
    const narrower = this.#wires.filter((wire) => namespaceStartsWith(wire.prefix, prefix));
    this.#wires = this.#wires.filter((wire) => !narrower.includes(wire));
    for (const wire of narrower) {
      if (wire.id !== undefined) link.cancel(wire.id, StreamCode.Cancelled);
    }
    const recovery = again ? new Recovery(this.#owner.clock) : undefined;
    recovery?.begin(RETURN_GRACE);
    const wire: Wire = { prefix, known: new Map(), id: undefined, retries: 0, recovery };
    this.#wires.push(wire);
    this.#request(link, wire);
    if (narrower.length > 0) {
      this.#owner.clock.after(HANDOVER_GRACE, () => this.#forgetUnnamed(wire));
    }
  }

  #request(link: Link, wire: Wire): void {
    try {
      wire.id = link.request(
        { type: "subscribe_namespace", namespace: wire.prefix, params: {} },
        {
          response: (response) => this.#response(wire, response),
          closed: (end) => this.#closed(wire, end),
        },
      );
    } catch (error) {
      this.#fail(wire, callError(this.#what(wire), error));
    }
  }

  #what(wire: Wire): string {
    return `discover ${this.#owner.decode(wire.prefix).join("/") || "all namespaces"}`;
  }

  #response(wire: Wire, response: ResponseMessage): void {
    if (response.type === "request_error") {
      this.#refused(wire, response);
      return;
    }
    if (response.type === "request_ok" && wire.recovery !== undefined) {
      // Nothing says where the list of what is there now ends, and others may still be on their way back.
      this.#owner.clock.after(RETURN_GRACE, () => this.#forgetUnnamed(wire));
    }
    if (response.type !== "namespace" && response.type !== "namespace_done") return;
    const namespace = [...wire.prefix, ...response.suffix];
    const key = formatNamespace(namespace);
    if (response.type === "namespace") {
      wire.known.set(key, namespace);
      for (const watcher of [...this.#watchers]) watcher.add(namespace);
    } else if (wire.known.delete(key)) {
      for (const watcher of [...this.#watchers]) watcher.remove(namespace);
    }
  }

  #refused(wire: Wire, error: RequestError): void {
    if (error.code === RequestErrorCode.PrefixOverlap && wire.retries < OVERLAP_RETRIES) {
      // Our request overtook the end of the one before it.
      wire.retries += 1;
      this.#again(wire, OVERLAP_DELAY * wire.retries);
      return;
    }
    const { recovery } = wire;
    if (recovery !== undefined && !recovery.isOver && passes(error)) {
      this.#again(wire, recovery.next());
      return;
    }
    if (error.code === RequestErrorCode.NotSupported) this.#owner.unsupported();
    this.#fail(wire, requestError(this.#what(wire), error));
  }

  /** Makes the request once more after `ms`. */
  #again(wire: Wire, ms: number): void {
    if (wire.id !== undefined) this.#link?.cancel(wire.id, StreamCode.Cancelled);
    wire.id = undefined;
    this.#owner.clock.after(ms, () => {
      const link = this.#link;
      if (!link?.takesRequests || !this.#wires.includes(wire)) return;
      link.batch(() => this.#request(link, wire));
    });
  }

  #closed(wire: Wire, end: RequestEnd): void {
    wire.id = undefined;
    if (isSessionEnd(end)) return;
    if (!this.#wires.includes(wire)) return;
    this.#fail(
      wire,
      new MoqError("closed", `The peer ended the request to ${this.#what(wire)}. Try again.`, {
        peerCode: end.by === "peer" ? end.code : undefined,
        retryable: true,
      }),
    );
  }

  #fail(wire: Wire, error: MoqError): void {
    this.#wires = this.#wires.filter((other) => other !== wire);
    for (const watcher of [...this.#watchers]) {
      if (!namespaceStartsWith(watcher.prefix, wire.prefix)) continue;
      this.#watchers.delete(watcher);
      watcher.end(error);
    }
  }

  #forgetUnnamed(wire: Wire): void {
    if (!this.#wires.includes(wire)) return;
    for (const watcher of this.#watchers) {
      if (!namespaceStartsWith(watcher.prefix, wire.prefix)) continue;
      for (const namespace of watcher.known()) {
        if (!wire.known.has(formatNamespace(namespace))) watcher.remove(namespace);
      }
    }
  }

  #left(watcher: NamespaceWatcher): void {
    if (!this.#watchers.delete(watcher)) return;
    const unused = this.#wires.filter((wire) => {
      for (const other of this.#watchers) {
        if (namespaceStartsWith(other.prefix, wire.prefix)) return false;
      }
      return true;
    });
    for (const wire of unused) {
      this.#wires = this.#wires.filter((other) => other !== wire);
      if (wire.id !== undefined) this.#link?.cancel(wire.id, StreamCode.Cancelled);
    }
  }
}
