import type { Publication, PublishOptions, Subscription, TrackStatus } from "@moq-game/core";
import { type Collected, collect } from "./collect.js";
import { ContractViolation, type Role } from "./role.js";

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

/**
 * Asks for a track's status until it `holds`: what was sent is on its way for a while, and from a worker it leaves a
 * little later.
 */
export async function statusUntil(
  role: Role,
  name: string,
  holds: (status: TrackStatus) => boolean,
): Promise<TrackStatus> {
  const ask = () => role.client.status([role.namespace, name]);
  let status = await ask();
  for (let tries = 0; !holds(status); tries++) {
    if (tries === 400)
      throw new ContractViolation(`status: it still was ${JSON.stringify(status)}`);
    await role.sleep(50);
    status = await ask();
  }
  return status;
}
