import type { Collected } from "@moq-game/contract";
import type { Delivery, SubscriptionStats } from "@moq-game/core";

/** What a publisher did on one track: updates 0, 1, … count−1 were accepted. */
export interface Sent {
  readonly delivery: Delivery;
  readonly count: number;
  /** How often `send` said that the queue is full. */
  readonly refused: number;
  /** Dropped by the publisher before they were sent. */
  readonly dropped: number;
  /** Most bytes seen waiting, and the bound that the application set. */
  readonly maxQueuedBytes: number;
  readonly queueBytes: number;
  /** Size of one update. */
  readonly bytes: number;
}

/** What a subscriber was given of one track until its end. */
export interface Seen extends Collected {
  readonly stats: SubscriptionStats;
}
