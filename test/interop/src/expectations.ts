/**
 * What other people's relays are known to lack, and what that does to our promises. A test fails when a relay lacks
 * something else, and also when it no longer lacks what is listed here.
 */
export interface Lack {
  /** Where it shows; all clients when not given. */
  readonly clients?: readonly string[];
  /** Part of the probe's complaint. */
  readonly complaint: RegExp;
  /** For the page: the reason, and which promise is weaker. */
  readonly why: string;
}

export const lacks: Readonly<Record<string, Readonly<Record<string, Lack>>>> = {
  "moq-relay-ietf": {},
};
