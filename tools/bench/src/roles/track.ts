import type { MoqObject, Subscription } from "@moq-game/core";
import type { Load } from "../load.js";
import type { Subscriber } from "../meter/meter.js";

/** The one track of a cell. */
export const NAMESPACE = "bench/cell";
export const TRACK = "updates";

/** Those of a cell that may have many. */
export function trackNames({ tracks }: Load): string[] {
  return tracks === undefined ? [TRACK] : Array.from({ length: tracks }, (_, i) => `${TRACK}-${i}`);
}

/** Reads all that comes, as it comes. */
export function readAll(subscription: Subscription, reader: Subscriber): void {
  const { clock } = reader;
  let at = 0;
  const visit = ({ bytes }: MoqObject): void => reader.take(bytes, at);
  subscription.onReadable(() => {
    // Once for what was handed over together, as native/moqt-bench does.
    at = clock();
    subscription.drain(visit);
  });
}
