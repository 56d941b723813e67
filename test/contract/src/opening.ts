import type { Publication, PublishOptions, Subscription } from "@moq-game/core";
import { type Collected, collect } from "./collect.js";
import type { Role } from "./role.js";

/** How most cases begin for the publisher: a track that the other side reads. */
export async function publishing(
  role: Role,
  name: string,
  options?: PublishOptions,
): Promise<Publication> {
  const track = role.client.publish([role.namespace, name], options);
  await track.ready;
  role.tell("published");
  await role.told("subscribed");
  return track;
}

/** The other side of {@link publishing}: a subscription to that track, and what it tells. */
export async function subscribing(
  role: Role,
  name: string,
): Promise<{ readonly subscription: Subscription; readonly seen: Collected }> {
  await role.told("published");
  const subscription = role.client.subscribe([role.namespace, name]);
  await subscription.ready;
  const seen = collect(subscription);
  role.tell("subscribed");
  return { subscription, seen };
}
