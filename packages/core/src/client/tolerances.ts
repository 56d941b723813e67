/**
 * What peers do against the draft and that is taken for what it means. Towards them nothing changes: the session ends
 * with the code that the draft names. Only the application is told something else.
 */

import { CONTROL_CLOSED, CONTROL_RESET } from "../session/incoming.js";
import type { SessionEnd } from "../session/types.js";
import { SessionCode } from "../wire/error.js";

/**
 * A peer that drops its control stream (draft-18 "Session initialization" forbids it) is about to end the session:
 * `moq-relay` 0.17 resets all streams when it stops, a moment before it says so. That is a connection lost, and worth
 * another one, not a peer that no client can talk to.
 */
export function isPeerLeaving(end: SessionEnd): boolean {
  return (
    end.kind === "error" &&
    end.code === SessionCode.ProtocolViolation &&
    (end.reason === CONTROL_RESET || end.reason === CONTROL_CLOSED)
  );
}
