import type { EndReason, Gap, MoqObject, Subscription } from "@moq-game/core";
import { ContractViolation, numberOf } from "./role.js";

/** Everything that a subscription told, read with `drain`. */
export interface Collected {
  /** Numbers of the objects in the order of delivery; −1 for an empty one, NaN for one that was changed or cut. */
  readonly numbers: number[];
  readonly objects: Omit<MoqObject, "subgroup" | "bytes">[];
  readonly gaps: Gap[];
  readonly ends: EndReason[];
}

/** Reads a subscription the way a game loop would. */
export function collect(subscription: Subscription): Collected {
  const collected: Collected = { numbers: [], objects: [], gaps: [], ends: [] };
  const read = (): void => {
    subscription.drain(({ bytes, group, object, keyframe, receivedAt, publishedAt }) => {
      collected.numbers.push(bytes.length === 0 ? -1 : wholeNumber(bytes));
      collected.objects.push({ group, object, keyframe, receivedAt, publishedAt });
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

function wholeNumber(bytes: Uint8Array): number {
  try {
    return numberOf(bytes);
  } catch (error) {
    if (error instanceof ContractViolation) return Number.NaN;
    throw error;
  }
}
