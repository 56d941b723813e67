import type { Location } from "./location.js";
import type { Namespace } from "./name.js";
import type { AuthToken } from "./token.js";
import type { VarInt } from "./varint.js";

/** Order of groups: in a FETCH response, and in priorities. */
export type GroupOrder = "ascending" | "descending";

/** Which objects a subscription passes (draft-18 "Subscription Filters"). */
export type SubscriptionFilter =
  | { readonly kind: "next_group_start" }
  | { readonly kind: "largest_object" }
  | { readonly kind: "absolute_start"; readonly start: Location }
  | {
      readonly kind: "absolute_range";
      readonly start: Location;
      /** Last group minus the group of `start`. */
      readonly endGroupDelta: VarInt;
    };

/** Message parameters (draft-18 "Message Parameters"). Times are in milliseconds. */
export interface Parameters {
  /** 0x02 */
  readonly objectDeliveryTimeout?: VarInt | undefined;
  /** 0x03, may be repeated. */
  readonly tokens?: readonly AuthToken[] | undefined;
  /** 0x04 */
  readonly rendezvousTimeout?: VarInt | undefined;
  /** 0x06 */
  readonly subgroupDeliveryTimeout?: VarInt | undefined;
  /** 0x08 */
  readonly expires?: VarInt | undefined;
  /** 0x09 */
  readonly largestObject?: Location | undefined;
  /** 0x0A */
  readonly fillTimeout?: VarInt | undefined;
  /** 0x10; absent means true, except in REQUEST_UPDATE: unchanged. */
  readonly forward?: boolean | undefined;
  /** 0x20; 0 is the highest, absent means 128. */
  readonly subscriberPriority?: number | undefined;
  /** 0x21 */
  readonly subscriptionFilter?: SubscriptionFilter | undefined;
  /** 0x22 */
  readonly groupOrder?: GroupOrder | undefined;
  /** 0x32: largest group that the subscriber knows plus one; 0: it knows none. */
  readonly newGroupRequest?: VarInt | undefined;
  /** 0x34 */
  readonly trackNamespacePrefix?: Namespace | undefined;
}
