/**
 * What other people's relays are known to lack, and what that does to our promises. A test fails when a relay lacks
 * something else, and also when it no longer lacks what is listed here.
 */
export interface Lack {
  /** Where it shows; all clients when not given. */
  readonly clients?: readonly string[];
  /** It depends on timing inside the relay: either outcome is right, and the page says "not always". */
  readonly sometimes?: boolean;
  /** Part of the probe's complaint. */
  readonly complaint: RegExp;
  /** For the page: the reason, and which promise is weaker. */
  readonly why: string;
}

type Lacks = Readonly<Record<string, Lack>>;

const moqRelayIetf: Lacks = {
  "`reliable`: 40 groups in one burst, whole and in order": {
    sometimes: true,
    complaint: /^\d+ of 400 objects$/,
    why:
      "The relay keeps the newest 8 groups of a track; a subscriber that has not begun an older one never gets it. " +
      "`reliable` is weaker: our subscriber reports the gap and goes on. Start fewer than 8 groups per round trip.",
  },
  "the end of a namespace's last track": {
    sometimes: true,
    complaint: /INTERNAL_ERROR|got \[\]|no end/,
    why:
      "The relay takes the withdrawal of a namespace (the reset that the draft asks for) as the loss of its tracks: " +
      "what is still on its way may be cancelled, and subscribers see an end too early or go on asking for a lost " +
      "track. `reliable` holds for a track that ends while another one of its namespace goes on.",
  },
  "FETCH of a past group": {
    complaint: /cancelled the fetch|before it was complete/,
    why:
      "The relay keeps no history and asks the publisher, and publishers of ours keep the current group only. `fetch` " +
      "reaches no further back than that.",
  },
  "priority of the publisher, on a narrow path": {
    complaint: /bytes of bulk between/,
    why:
      "The relay sends the less urgent track first: it hands the number on as it is, and its QUIC library reads high " +
      "numbers as urgent. Where the path is narrow, `latest` and `deadline` tracks arrive late behind bulk. Give all " +
      "tracks of one publisher the same priority there.",
  },
  "priority of the subscriber, on a narrow path": {
    complaint: /bytes of bulk between/,
    why: "Without effect: tracks share the path alike, and the urgent ones are slower for it.",
  },
};

/** A subscriber of `moq-relay` that came before the first object. */
const BEGINS_LATE =
  "A subscription that is accepted begins at the newest group that the relay has when it starts to serve it, a moment " +
  "later: of groups that begin in this moment only the last may arrive. `reliable` is weaker there, and the subscriber " +
  "is not told. Publish one group, and let it arrive, before a subscriber counts on the next.";

const moqRelay: Lacks = {
  "`reliable`: 500 objects in 5 groups, whole and in order": {
    sometimes: true,
    complaint: /^\d+ of 500 objects$/,
    why: BEGINS_LATE,
  },
  "`reliable`: 40 groups in one burst, whole and in order": {
    sometimes: true,
    complaint: /^\d+ of 400 objects$/,
    why: "For the same reason.",
  },
  "track properties: the class of a track": {
    complaint: /the class arrives as/,
    why:
      "The relay passes on the track properties that it knows and drops others, the delivery class among them. Every " +
      "class works when the subscriber names it (option `delivery`); left out, the track is read as `reliable`.",
  },
  "object properties: the time of an update": {
    complaint: /without its time/,
    why:
      "Dropped like those of a track. `deadline` is weaker: how long an update was under way is not known, so none is " +
      "dropped for being late; order still holds.",
  },
  "FETCH of the current group": {
    complaint: /the fetch does not end/,
    why:
      "The answer comes when the group has ended. FETCH of past groups works, and so does joining late: the relay " +
      "starts a new subscriber at the first object of the current group by itself.",
  },
  TRACK_STATUS: {
    complaint: /TRACK_STATUS is not supported/,
    why: "Not offered, and refused as such: `status` rejects with `unsupported`.",
  },
  "rendezvous: the subscriber comes first": {
    complaint: /unroutable/,
    why:
      "RENDEZVOUS_TIMEOUT is ignored: a subscription of a track that nobody publishes yet is refused at once, " +
      "whatever its option `wait` says. Discover the namespace first, or subscribe again.",
  },
  "priority of the publisher, on a narrow path": {
    complaint: /bytes of bulk between/,
    why: "Lost on the way; the subscriber's own priority has effect.",
  },
};

export const lacks: Readonly<Record<string, Lacks>> = {
  "moq-relay-ietf": moqRelayIetf,
  "moq-relay": moqRelay,
};

/** The same for cases of `moq-test-client` that can fail although our relay does its part. */
export const unsteadyCases: Readonly<Record<string, Omit<Lack, "clients" | "sometimes">>> =
  Object.fromEntries(
    ["moq-test-datagram", "moq-test-datagram-eog"].map((name) => [
      name,
      {
        complaint: /verification failed: missing /,
        why:
          "On a busy machine it can miss a datagram that it has received: the client holds only the newest until it " +
          "reads it, and none that it handles after the end of the subscription.",
      },
    ]),
  );

/** What `@moq/net` lacks, by case. */
export const moqNetLacks: Lacks = {
  "it subscribes to a track that has objects": {
    complaint: /exceeds max size/,
    why:
      "It reads a length before the Location in LARGEST_OBJECT, where draft-18 has two integers and nothing else, and " +
      "so ends the subscription. Other clients and relays of its makers read it as we write it.",
  },
};
