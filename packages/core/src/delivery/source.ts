import type { Properties } from "../wire/properties.js";
import { encodeProperties, PropertyType } from "../wire/properties.js";
import { encodeTrackClass, type TrackClass } from "./class.js";

/** One object as its publisher holds it: the payload is copied once and shared by all senders. */
export interface SourceObject {
  readonly group: number;
  readonly object: number;
  readonly payload: Uint8Array;
  /** Encoded object properties; empty when there are none. */
  readonly properties: Uint8Array;
  /** When `send` took it, in ms of the monotonic clock. */
  readonly sentAt: number;
}

/** The newest group (or for other classes than `reliable` the newest update), kept for late joiners. */
export interface RetainedGroup {
  readonly group: number;
  /** In order; the first may be later than object 0 when the bound was reached. */
  readonly objects: SourceObject[];
}

/** What a {@link TrackSource} is made with. */
export interface SourceConfig extends TrackClass {
  /** Bytes of the current group kept for late joiners. */
  readonly retainBytes: number;
  /** First group id: the clock in unix ms, so that a restarted publisher never reuses one. */
  readonly firstGroup: number;
}

const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * A track as its original publisher knows it: assigns group and object ids and retains the newest
 * group. Group ids are contiguous; they run ahead of the clock, and could meet those of a later
 * publisher of the same track, only when more than 1,000 groups a second are published throughout.
 */
export class TrackSource {
  readonly config: SourceConfig;
  readonly properties: Properties;
  #nextGroup: number;
  #retained: RetainedGroup | undefined;
  #retainedBytes = 0;
  #largest: { group: number; object: number } | undefined;

  constructor(config: SourceConfig) {
    this.config = config;
    this.properties = encodeTrackClass(config);
    this.#nextGroup = config.firstGroup;
  }

  /** Place of the newest object. */
  get largest(): { readonly group: number; readonly object: number } | undefined {
    return this.#largest;
  }

  get retained(): RetainedGroup | undefined {
    return this.#retained;
  }

  /** The group id that the next group will have. */
  get nextGroup(): number {
    return this.#nextGroup;
  }

  /** Makes the next object. `keyframe` starts a group; every class but `reliable` always does. */
  next(payload: Uint8Array, keyframe: boolean, now: number, unixTime: number): SourceObject {
    const { delivery, retainBytes } = this.config;
    const starts = keyframe || delivery !== "reliable" || this.#largest === undefined;
    const group = starts ? this.#nextGroup : (this.#largest?.group ?? this.#nextGroup);
    const object = starts ? 0 : (this.#largest?.object ?? -1) + 1;
    if (starts) this.#nextGroup += 1;
    let properties: Uint8Array = EMPTY;
    if (delivery === "deadline") {
      properties = encodeProperties([{ type: PropertyType.PublisherTime, value: unixTime }]);
    }
    const made: SourceObject = { group, object, payload, properties, sentAt: now };
    this.#largest = { group, object };
    this.#retain(made, starts, delivery === "reliable" ? retainBytes : Infinity);
    return made;
  }

  #retain(made: SourceObject, starts: boolean, limit: number): void {
    if (starts || this.#retained === undefined) {
      // A new array: joiners that hold the old group go on reading it.
      this.#retained = { group: made.group, objects: [] };
      this.#retainedBytes = 0;
    }
    const { objects } = this.#retained;
    objects.push(made);
    this.#retainedBytes += made.payload.byteLength;
    while (this.#retainedBytes > limit && objects.length > 0) {
      this.#retainedBytes -= objects.shift()?.payload.byteLength ?? 0;
    }
  }
}
