import type { EndReason } from "../api.js";
import { MoqError } from "../errors.js";
import { RecordObjects, SpareObjects } from "./objects.js";
import { type NativeHost, type NativePort, type NativeTurn, POLL_TOO_SMALL } from "./port.js";
import { RecordCursor, RecordKind } from "./records.js";
import { portError, type RecordSink } from "./sink.js";
import { type Slab, Slabs } from "./slabs.js";

/** What the clients of a port poll into, and the objects that they show. A port belongs to one script thread. */
interface Memory {
  readonly slabs: Slabs;
  readonly spare: SpareObjects;
}

const MEMORY = new WeakMap<NativePort, Memory>();
/** Polls in a row, and ms that they may take, before other work of the script's thread has its turn. */
const MAX_POLLS = 32;
const POLL_MS = 4;
/** In a bounded turn the clock is asked after so many objects, and after every other record. */
const OBJECTS_BETWEEN = 64;

/** What an inbox tells its client. */
export interface InboxOwner {
  /** The library takes no more polls, or gives what cannot be read: the client is to end. */
  failed(error: MoqError): void;
  listenerFailed(error: unknown): void;
}

/** The records of one client: taken out of the library, and handed to the sinks that they are for. */
export class Inbox {
  /** Makes objects of records. */
  readonly objects: RecordObjects;
  readonly #port: NativePort;
  readonly #host: NativeHost;
  readonly #handle: number;
  readonly #owner: InboxOwner;
  readonly #sinks = new Map<number, RecordSink>();
  /** Whose record came last: many of one handle come in a row. */
  #lastHandle = 0;
  #lastSink: RecordSink | undefined;
  readonly #slabs: Slabs;
  readonly #cursor = new RecordCursor();
  /** For a record that does not fit where others go. */
  #large: Slab | undefined;
  /** What a bounded turn has left of a slab: the cursor stands in it. */
  #unfinished: Slab | undefined;
  #polling = false;
  #over = false;
  #later: (() => void)[] = [];
  #laterScheduled = false;

  /** `handle`: the client's. */
  constructor(port: NativePort, host: NativeHost, handle: number, owner: InboxOwner) {
    this.#port = port;
    this.#host = host;
    this.#handle = handle;
    this.#owner = owner;
    const memory = MEMORY.get(port) ?? { slabs: new Slabs(), spare: new SpareObjects() };
    MEMORY.set(port, memory);
    this.#slabs = memory.slabs;
    this.objects = new RecordObjects(this.#slabs, memory.spare, host.now() - port.now() / 1_000);
  }

  get sinks(): Iterable<RecordSink> {
    return this.#sinks.values();
  }

  /** From now on `sink` gets the records of `handle`. */
  add(handle: number, sink: RecordSink): void {
    this.#sinks.set(handle, sink);
  }

  /** Nothing more is told of `handle`; gives the sink that it had. */
  remove(handle: number): RecordSink | undefined {
    const sink = this.#sinks.get(handle);
    this.#sinks.delete(handle);
    if (handle === this.#lastHandle) this.#lastSink = undefined;
    return sink;
  }

  /** Takes what waits in the library and hands it out, within the host's turn if it is bounded. */
  poll(): void {
    if (this.#polling || this.#isOver()) return;
    const { turn } = this.#host;
    const bounded = turn !== undefined && turn.until !== Infinity ? turn : undefined;
    this.#polling = true;
    let more = true;
    let until = bounded?.until ?? 0;
    try {
      for (let round = 0; more && round < MAX_POLLS && !this.#isOver(); round++) {
        more = this.#pollOnce(bounded);
        if (!more) break;
        // The clock is not asked for what one poll takes, as almost always.
        const now = this.#host.now();
        if (round === 0 && bounded === undefined) until = now + POLL_MS;
        else if (now >= until) break;
      }
    } catch (error) {
      // The library breaks its own format: nothing that follows can be trusted.
      more = false;
      this.#owner.failed(
        error instanceof MoqError
          ? error
          : new MoqError("internal", `What the native library gave cannot be read: ${error}.`, {
              cause: error,
            }),
      );
    } finally {
      this.#polling = false;
      this.#runLater(bounded);
    }
    if (!more || this.#isOver()) return;
    // The next turn goes on; without turns others come first: the library wakes no second time for the rest.
    if (bounded !== undefined) bounded.left = true;
    else this.#host.schedule(() => this.poll());
  }

  /** Runs `work` when the records at hand are dealt with. */
  later(work: () => void): void {
    this.#later.push(work);
    if (this.#polling || this.#laterScheduled) return;
    this.#laterScheduled = true;
    this.#host.schedule(() => this.#runLater());
  }

  /** Hands nothing out any more: every sink is told `reason`. {@link settle} comes after it. */
  close(reason: EndReason): void {
    this.#over = true;
    const sinks = [...this.#sinks.values()];
    this.#sinks.clear();
    this.#lastSink = undefined;
    if (this.#unfinished !== undefined) this.#slabs.release(this.#unfinished);
    this.#unfinished = undefined;
    for (const sink of sinks) sink.discard(reason);
  }

  /** Readers that wait hear of the end even when nobody polls any more. */
  settle(): void {
    if (!this.#polling) this.#runLater();
  }

  /** A call, because listeners change it while a loop looks at it. */
  #isOver(): boolean {
    return this.#over;
  }

  /** True when more records wait. */
  #pollOnce(turn: NativeTurn | undefined): boolean {
    if (this.#unfinished !== undefined) {
      this.#handOut(this.#unfinished, turn);
      return true;
    }
    const slab = this.#large ?? this.#slabs.take();
    this.#large = undefined;
    const from = slab.used;
    const result = this.#port.poll(this.#handle, slab.bytes, from);
    if (result < POLL_TOO_SMALL) {
      this.#large = this.#slabs.large(POLL_TOO_SMALL - result);
      return true;
    }
    if (result < 0) {
      this.#owner.failed(portError(this.#port, result));
      return false;
    }
    const length = Math.floor(result / 2);
    if (length > 0) {
      slab.used = from + length;
      this.#cursor.reset(slab, from, slab.used);
      // Held meanwhile: listeners read what was just handed out, and other clients poll.
      slab.live += 1;
      this.#handOut(slab, turn);
    }
    return result % 2 === 1 || this.#unfinished !== undefined;
  }

  /** Hands out the records before which the cursor stands; a bounded turn may leave some of them. */
  #handOut(slab: Slab, turn: NativeTurn | undefined): void {
    const records = this.#cursor;
    let unasked = OBJECTS_BETWEEN;
    this.#unfinished = undefined;
    try {
      while (records.next() && !this.#over) {
        const { handle } = records;
        if (handle !== this.#lastHandle) {
          this.#lastSink = this.#sinks.get(handle);
          this.#lastHandle = handle;
        }
        this.#lastSink?.record(records);
        if (turn === undefined || (records.kind === RecordKind.Object && --unasked > 0)) continue;
        unasked = OBJECTS_BETWEEN;
        if (!records.atEnd && this.#host.now() >= turn.until && !this.#isOver()) {
          this.#unfinished = slab;
          return;
        }
      }
    } finally {
      if (this.#unfinished === undefined) this.#slabs.release(slab);
    }
  }

  /** A bounded turn may leave some of it for the next poll. */
  #runLater(turn?: NativeTurn): void {
    this.#laterScheduled = false;
    while (this.#later.length > 0) {
      const all = this.#later;
      this.#later = [];
      for (let done = 0; done < all.length; done++) {
        // The first one always: every turn gets on.
        if (turn !== undefined && done > 0 && this.#host.now() >= turn.until && !this.#isOver()) {
          this.#later = [...all.slice(done), ...this.#later];
          turn.left = true;
          return;
        }
        try {
          all[done]?.();
        } catch (error) {
          this.#owner.listenerFailed(error);
        }
      }
    }
  }
}
