import type { EndReason, Gap, MoqObject, Subscription } from "@moq-game/core";
import { numberOf } from "./role.js";

/** Everything that a subscription told, read with `drain`. */
export interface Collected {
  /** Numbers of the objects in the order of delivery; −1 for an empty one. */
  readonly numbers: number[];
  readonly objects: Pick<MoqObject, "group" | "object" | "keyframe">[];
  readonly gaps: Gap[];
  readonly ends: EndReason[];
}

/** Reads a subscription the way a game loop would. */
export function collect(subscription: Subscription): Collected {
  const collected: Collected = { numbers: [], objects: [], gaps: [], ends: [] };
  const read = (): void => {
    subscription.drain(({ bytes, group, object, keyframe }) => {
      collected.numbers.push(bytes.length === 0 ? -1 : numberOf(bytes));
      collected.objects.push({ group, object, keyframe });
    });
  };
  subscription.onReadable(read);
  subscription.onGap((gap) => collected.gaps.push(gap));
  subscription.onEnd((reason) => {
    read();
    collected.ends.push(reason);
  });
  read();
  return collected;
}
