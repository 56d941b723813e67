/**
 * Named events with values, over a `reliable` track: what happens, as against where things are. Values are
 * JSON. A dispatcher of a Blueprint is bound once: binding a script function anew for each call would leak
 * an engine object each time.
 */
import type {
  Client,
  DrainOptions,
  Publication,
  PublishOptions,
  SubscribeOptions,
  Subscription,
  TrackRef,
} from "@moq-game/core";
import { MoqError } from "@moq-game/core";
import { decodeUtf8, encodeUtf8 } from "@moq-game/core/native";
import { listenerThrew } from "../log.js";
import type { DelegateLike } from "./types.js";

/** A JSON value. `NaN` and infinities are none: they arrive as `null`. */
export type EventValue =
  | string
  | number
  | boolean
  | null
  | readonly EventValue[]
  | { readonly [name: string]: EventValue };

/** Sends events. */
export interface EventSender {
  readonly publication: Publication;
  /** Events that were not taken because the queue was full. */
  readonly dropped: number;
  /**
   * Sends an event; false when the queue is full and it was not taken. Throws `invalid_argument` for a name that is
   * none, for more than 255 values and for values that JSON cannot carry (such as the `bigint` of an `int64`), and once
   * the track has ended the reason of that.
   */
  emit(name: string, ...values: EventValue[]): boolean;
  /**
   * Sends an event whenever the dispatcher fires; bound once. Call what it gives to unbind. What cannot be sent is
   * thrown into the dispatcher; after the end of the track only once, for it is unbound then.
   */
  forward<Args extends EventValue[]>(delegate: DelegateLike<Args>, name: string): () => void;
  /** Unbinds every dispatcher and ends the track. */
  close(): Promise<void>;
}

/** Receives events. */
export interface EventReceiver {
  /** For `ready`, `onEnd`, `onGap` and `stats`. `update` reads it. */
  readonly subscription: Subscription;
  /**
   * Hears events of a name, in order. Call what it gives to stop. A listener that throws hurts no other; the log says
   * so. Values come from another program: check what you use.
   */
  on(name: string, listener: (...values: EventValue[]) => void): () => void;
  /** Call it every frame: hands out what arrived, at most 256 or within a budget; gives how many. */
  update(budget?: number | DrainOptions): number;
  /** Events that could not be read, or had more than 255 values, and so were skipped. */
  readonly malformed: number;
  /** Stops: no listener is called any more. */
  close(): void;
}

/** Events that one update hands out when nobody says otherwise. */
const MOST_EVENTS = 256;
/** Values of an event. Each becomes an argument of a call, and engines bound how many there may be. */
const MOST_VALUES = 255;

/** Publishes events on a track. Each is a group of its own: who joins gets those that come from then on. */
export function sendEvents(
  client: Client,
  track: TrackRef,
  options: Omit<PublishOptions, "delivery"> = {},
): EventSender {
  const publication = client.publish(track, { ...options, delivery: "reliable" });
  const bound = new Set<() => void>();
  let dropped = 0;
  const send = (bytes: Uint8Array): boolean => {
    const taken = publication.keyframe(bytes);
    if (!taken) dropped += 1;
    return taken;
  };
  return {
    publication,
    get dropped() {
      return dropped;
    },
    emit: (name, ...values) => send(encodeEvent(name, values)),
    forward(delegate, name) {
      requireName(name);
      const listener = (...values: EventValue[]): void => {
        const bytes = encodeEvent(name, values);
        try {
          send(bytes);
        } catch (error) {
          // The track has ended. The engine would log that whenever the dispatcher fires.
          if ((error as MoqError).code !== "too_large") unbind();
          throw error;
        }
      };
      const unbind = (): void => {
        if (bound.delete(unbind)) delegate.Remove(listener);
      };
      delegate.Add(listener);
      bound.add(unbind);
      return unbind;
    },
    close() {
      for (const unbind of bound) {
        try {
          unbind();
        } catch {
          // The engine destroyed the object to which the dispatcher belongs, and the binding with it.
        }
      }
      return publication.end();
    },
  };
}

/** Reads what {@link sendEvents} publishes; `start` is `next` unless told otherwise. */
export function receiveEvents(
  client: Client,
  track: TrackRef,
  options: Omit<SubscribeOptions, "delivery" | "unordered"> = {},
): EventReceiver {
  const subscription = client.subscribe(track, {
    start: "next",
    ...options,
    delivery: "reliable",
  });
  type Listener = (...values: EventValue[]) => void;
  /** By name, each list another one after a change. */
  const listeners = new Map<string, readonly Listener[]>();
  let malformed = 0;
  const tell = (name: string, values: readonly EventValue[]): void => {
    for (const listener of listeners.get(name) ?? []) {
      // Removed by one that was called before it, or all of them by `close`.
      if (listeners.get(name)?.includes(listener) !== true) continue;
      try {
        listener(...values);
      } catch (error) {
        listenerThrew(error);
      }
    }
  };
  return {
    subscription,
    on(name, listener) {
      requireName(name);
      if (typeof listener !== "function") {
        throw new MoqError("invalid_argument", `Who hears ${name} must be a function.`);
      }
      // Wrapped, so that one function added twice is removed one at a time.
      const entry: Listener = (...values) => listener(...values);
      listeners.set(name, [...(listeners.get(name) ?? []), entry]);
      return () => {
        const rest = (listeners.get(name) ?? []).filter((other) => other !== entry);
        if (rest.length > 0) listeners.set(name, rest);
        else listeners.delete(name);
      };
    },
    update(budget = MOST_EVENTS) {
      const drained = subscription.drain(
        (object) => {
          const event = decodeEvent(object.bytes);
          if (event === undefined) malformed += 1;
          else tell(event[0], event.slice(1));
        },
        typeof budget === "number" ? { maxObjects: budget } : budget,
      );
      return drained.objects;
    },
    get malformed() {
      return malformed;
    },
    close() {
      listeners.clear();
      subscription.close();
    },
  };
}

function requireName(name: unknown): void {
  if (typeof name === "string" && name !== "") return;
  throw new MoqError("invalid_argument", "An event needs a name, a string that is not empty.");
}

function encodeEvent(name: string, values: readonly EventValue[]): Uint8Array {
  requireName(name);
  if (values.length > MOST_VALUES) {
    const most = `at most ${MOST_VALUES} are possible. Put them into an array`;
    throw new MoqError("invalid_argument", `${name} has ${values.length} values; ${most}.`);
  }
  let json: string;
  try {
    json = JSON.stringify([name, ...values]);
  } catch (error) {
    const why = error instanceof Error ? error.message : typeof error;
    throw new MoqError("invalid_argument", `JSON cannot carry the values of ${name}: ${why}.`, {
      cause: error,
    });
  }
  return encodeUtf8(json);
}

/** Name and values; `undefined` when it is no event. */
function decodeEvent(bytes: Uint8Array): [string, ...EventValue[]] | undefined {
  try {
    const event = JSON.parse(decodeUtf8(bytes)) as unknown;
    if (!Array.isArray(event) || event.length > 1 + MOST_VALUES) return undefined;
    return typeof event[0] === "string" ? (event as [string, ...EventValue[]]) : undefined;
  } catch {
    // Not JSON.
    return undefined;
  }
}
