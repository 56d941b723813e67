import type { Delivery } from "../api.js";
import {
  findInteger,
  type KeyValuePair,
  type Properties,
  PropertyType,
} from "../wire/properties.js";
import type { VarInt } from "../wire/varint.js";

/** Values of the Track Property 0x3800. */
const CLASS_VALUES: Readonly<Record<Delivery, number>> = {
  reliable: 1,
  latest: 2,
  deadline: 3,
  datagram: 4,
};

/** Draft-18 "DEFAULT PUBLISHER PRIORITY": the value when the property is absent. */
export const DEFAULT_PRIORITY = 128;

/** Age in ms after which an update of a `deadline` track is worthless, when the publisher names none. */
export const DEFAULT_DEADLINE = 200;

/** SUBGROUP_DELIVERY_TIMEOUT in ms of `latest`: above any idle timeout, so that the newest is never cut. */
const LATEST_TIMEOUT = 60_000;

/** Ours: the group id with which the publisher began, so that a subscriber that came before knows. */
const FIRST_GROUP = 0x3806;

/** What a track says of itself in its Track Properties. */
export interface TrackClass {
  readonly delivery: Delivery;
  /** In ms; counts for `deadline` only. */
  readonly deadline: number;
  /** Publisher priority, 0 the highest. */
  readonly priority: number;
  /** The publisher's first group; `undefined` where it did not say. */
  readonly firstGroup: number | undefined;
}

/** The Track Properties of a class, in ascending order by type. */
export function encodeTrackClass(track: TrackClass): Properties {
  const pairs: KeyValuePair[] = [];
  if (track.delivery === "deadline") {
    pairs.push({ type: PropertyType.ObjectDeliveryTimeout, value: track.deadline });
    pairs.push({ type: PropertyType.SubgroupDeliveryTimeout, value: track.deadline });
  }
  if (track.delivery === "latest") {
    pairs.push({ type: PropertyType.SubgroupDeliveryTimeout, value: LATEST_TIMEOUT });
  }
  if (track.priority !== DEFAULT_PRIORITY) {
    pairs.push({ type: PropertyType.DefaultPublisherPriority, value: track.priority });
  }
  if (track.delivery === "latest") {
    pairs.push({ type: PropertyType.DefaultPublisherGroupOrder, value: 2 });
  }
  if (track.delivery === "reliable") {
    // Subscribers may ask for a keyframe; the application hears it as "keyframe wanted".
    pairs.push({ type: PropertyType.DynamicGroups, value: 1 });
  }
  pairs.push({ type: PropertyType.DeliveryClass, value: CLASS_VALUES[track.delivery] });
  if (track.delivery === "deadline") {
    pairs.push({ type: PropertyType.DeliveryDeadline, value: track.deadline });
  }
  if (track.firstGroup !== undefined) {
    pairs.push({ type: FIRST_GROUP, value: track.firstGroup });
  }
  return pairs;
}

/**
 * Reads a track's properties. `delivery` is `undefined` for tracks of other publishers and for
 * classes of later versions: then the subscriber says how to read it.
 */
export function decodeTrackClass(
  properties: Properties,
): Omit<TrackClass, "delivery"> & { readonly delivery: Delivery | undefined } {
  const value = findInteger(properties, PropertyType.DeliveryClass);
  const entry = Object.entries(CLASS_VALUES).find(([, number]) => number === value);
  const deadline =
    small(findInteger(properties, PropertyType.DeliveryDeadline)) ??
    small(findInteger(properties, PropertyType.ObjectDeliveryTimeout)) ??
    DEFAULT_DEADLINE;
  const firstGroup = findInteger(properties, FIRST_GROUP);
  return {
    firstGroup: typeof firstGroup === "number" ? firstGroup : undefined,
    delivery: entry === undefined ? undefined : (entry[0] as Delivery),
    deadline,
    priority:
      small(findInteger(properties, PropertyType.DefaultPublisherPriority)) ?? DEFAULT_PRIORITY,
  };
}

/**
 * The transport priority of a stream, higher first: the subscriber's wish counts before the
 * publisher's (draft-18 "Scheduling Algorithm"), and both before the order of groups.
 */
export function streamPriority(
  subscriberPriority: number,
  publisherPriority: number,
  group: number,
  newestFirst: boolean,
): number {
  // The low 8 bits order neighbouring groups; the wrap every 256 groups mis-orders two streams once.
  const order = newestFirst ? group % 256 : 255 - (group % 256);
  return ((255 - subscriberPriority) * 256 + (255 - publisherPriority)) * 256 + order;
}

function small(value: VarInt | undefined): number | undefined {
  return typeof value === "number" && value > 0 ? value : undefined;
}
