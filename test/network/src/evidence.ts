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
  /**
   * Most bytes that waited for five looks at a time, and the bound that the application set. What was handed over waits
   * beside the queue until the thread that sends has its turn, which on a busy machine is after the next look.
   */
  readonly maxQueuedBytes: number;
  readonly queueBytes: number;
  /** Size of one update. */
  readonly bytes: number;
}

/** What a subscriber was given of one track until its end. */
export interface Seen extends Collected {
  readonly stats: SubscriptionStats;
}
