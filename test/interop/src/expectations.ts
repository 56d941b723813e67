/**
 * What other people's relays are known to lack, and what that does to our promises. A test fails when a relay lacks
 * something else, and also when it no longer lacks what is listed here.
 */
export interface Lack {
  /** Where it shows; all clients when not given. */
  readonly clients?: readonly string[];
  /** It depends on timing: either outcome is right, and the page says "sometimes". */
  readonly sometimes?: boolean;
  /** Part of the probe's complaint. */
  readonly complaint: RegExp;
  /** For the page: the reason, and which promise is weaker. */
  readonly why: string;
}

export const lacks: Readonly<Record<string, Readonly<Record<string, Lack>>>> = {
  "moq-relay-ietf": {
    "`reliable`: 40 groups in one burst, whole and in order": {
      sometimes: true,
      complaint: /^\d+ of 400 objects$/,
      why:
        "The relay keeps the newest 8 groups of a track; a subscriber that has not begun an older one never gets it. " +
        "`reliable` is weaker: our subscriber reports the gap and goes on. Start fewer than 8 groups per round trip.",
    },
    "the end of a namespace's last track": {
      sometimes: true,
      complaint: /INTERNAL_ERROR|got \[\]/,
      why:
        "The relay takes the withdrawal of a namespace (the reset that the draft asks for) as the loss of its tracks: " +
        "what is still on its way may be cancelled, and subscribers see an error or an end too early. `reliable` " +
        "holds for a track that ends while another one of its namespace goes on.",
    },
  },
};
