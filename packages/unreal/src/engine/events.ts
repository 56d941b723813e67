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
  TrackRef,
} from "@moq-game/core";
import { MoqError } from "@moq-game/core";
import { decodeUtf8, encodeUtf8 } from "@moq-game/core/native";
import type { DelegateLike } from "./types.js";

/** A JSON value. */
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
  /** Sends an event; false when the queue is full and it was not taken. */
  emit(name: string, ...values: EventValue[]): boolean;
  /** Sends an event whenever the dispatcher fires; bound once. Call what it gives to unbind. */
  forward<Args extends EventValue[]>(delegate: DelegateLike<Args>, name: string): () => void;
  /** Unbinds every dispatcher and ends the track. */
  close(): Promise<void>;
}

/** Receives events. */
export interface EventReceiver {
  /** Hears events of a name, in order. Call what it gives to stop. */
  on(name: string, listener: (...values: EventValue[]) => void): () => void;
  /** Call it every frame: hands out what arrived, at most 256 or within a budget; gives how many. */
  update(budget?: number | DrainOptions): number;
  /** Events that could not be read, and so were skipped. */
  readonly malformed: number;
  close(): void;
}

/** Events that one update hands out when nobody says otherwise. */
const MOST_EVENTS = 256;

/** Publishes events on a track. Each is a group of its own: who joins gets those that come from then on. */
export function sendEvents(
  client: Client,
  track: TrackRef,
  options: Omit<PublishOptions, "delivery"> = {},
): EventSender {
  const publication = client.publish(track, { ...options, delivery: "reliable" });
  const bound: (() => void)[] = [];
  const sender: EventSender = {
    publication,
    emit(name, ...values) {
      if (typeof name !== "string" || name === "") {
        throw new MoqError("invalid_argument", "An event needs a name.");
      }
      return publication.keyframe(encodeUtf8(JSON.stringify([name, ...values])));
    },
    forward(delegate, name) {
      const listener = (...values: EventValue[]): void => {
        sender.emit(name, ...values);
      };
      delegate.Add(listener);
      let there = true;
      const unbind = (): void => {
        if (there) delegate.Remove(listener);
        there = false;
      };
      bound.push(unbind);
      return unbind;
    },
    close() {
      for (const unbind of bound.splice(0)) unbind();
      return publication.end();
    },
  };
  return sender;
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
  const listeners = new Map<string, Set<(...values: EventValue[]) => void>>();
  let malformed = 0;
  return {
    on(name, listener) {
      const all = listeners.get(name) ?? new Set();
      listeners.set(name, all.add(listener));
      return () => {
        all.delete(listener);
      };
    },
    update(budget = MOST_EVENTS) {
      const drained = subscription.drain(
        (object) => {
          const event = eventOf(object.bytes);
          if (event === undefined) {
            malformed += 1;
            return;
          }
          const [name, ...values] = event;
          for (const listener of [...(listeners.get(name) ?? [])]) listener(...values);
        },
        typeof budget === "number" ? { maxObjects: budget } : budget,
      );
      return drained.objects;
    },
    get malformed() {
      return malformed;
    },
    close: () => subscription.close(),
  };
}

function eventOf(bytes: Uint8Array): [string, ...EventValue[]] | undefined {
  try {
    const event = JSON.parse(decodeUtf8(bytes)) as unknown;
    if (Array.isArray(event) && typeof event[0] === "string") {
      return event as [string, ...EventValue[]];
    }
  } catch {
    // Not JSON.
  }
  return undefined;
}
