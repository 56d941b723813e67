/** What is sent in a cell. */
export interface Load {
  /** Bytes of an update, at least 16. */
  readonly size: number;
  /** Updates a second; 0: as many as go through. */
  readonly rate: number;
  /** With rate 0: updates in flight. */
  readonly window: number;
  /** Updates in a group, where there are groups. */
  readonly group: number;
  /** Bytes of the first update of a group, where it is larger. */
  readonly keyframe?: number;
  /** Subscribers, each on a connection of its own. 0: the script in the server reads. */
  readonly subscribers: number;
  /** Tracks that all carry this at a time; one when it is left out. */
  readonly tracks?: number;
}

/** Seconds before it is measured, and measured. */
export interface Times {
  readonly warmup: number;
  readonly seconds: number;
}
