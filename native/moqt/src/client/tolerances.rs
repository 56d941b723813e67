//! What peers do against the draft and that is taken for what it means. Towards them nothing changes:
//! the session ends with the code that the draft names. Only the application is told something else.

use crate::session::{SessionClose, CONTROL_FINISHED, CONTROL_RESET};
use crate::wire::session_codes;

/// A peer that drops its control stream (draft-18 "Session initialization" forbids it) is about to
/// end the session: `moq-relay` 0.17 resets all streams when it stops, a moment before it says so.
/// That is a connection lost, and worth another one, not a peer that no client can talk to.
pub(super) fn is_peer_leaving(close: &SessionClose) -> bool {
    matches!(
        close,
        SessionClose::Local { code: session_codes::PROTOCOL_VIOLATION, reason }
            if reason == CONTROL_RESET || reason == CONTROL_FINISHED
    )
}
