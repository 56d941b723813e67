/** What peers do against the draft, and what is done about it. */

import { CONTROL_CLOSED, CONTROL_RESET } from "../session/incoming.js";
import type { PeerInfo, SessionEnd } from "../session/types.js";
import { SessionCode } from "../wire/error.js";

/**
 * A peer that drops its control stream (draft-18 "Session initialization" forbids it) is about to end the session:
 * `moq-relay` 0.17 resets all streams when it stops, a moment before it says so. That is a connection lost, and worth
 * another one, not a peer that no client can talk to. Towards it nothing changes: the session ends with the code that
 * the draft names; only the application is told something else.
 */
export function isPeerLeaving(end: SessionEnd): boolean {
  return (
    end.kind === "error" &&
    end.code === SessionCode.ProtocolViolation &&
    (end.reason === CONTROL_RESET || end.reason === CONTROL_CLOSED)
  );
}

/**
 * Whether a peer discards padding, as draft-18 "Padding Streams" wants it. `moq-relay-ietf` 0.8 ends the session
 * instead; it also says nothing of its implementation, and so a peer that does not is sent none.
 */
export function discardsPadding(peer: PeerInfo): boolean {
  return peer.options.implementation !== undefined;
}
