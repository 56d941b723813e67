//! Announcing namespaces, and hearing of them.

use super::calls::{may_wait, result, text};
use super::objects;
use super::session::To;
use super::types::*;
use crate::commands::Command;
use crate::error::*;
use crate::options;
use serde_json::json;
use std::ffi::{c_char, c_void};

/// Inherited: announces a namespace, its fields separated by `/`, and waits for the relay's answer,
/// at most for the connect timeout. It stays announced, also across reconnects, until the client is
/// disconnected; announcing it again does nothing. `moq_create_publisher` announces its namespace by
/// itself.
///
/// Errors: `NOT_CONNECTED`, `INVALID_ARGUMENT`, `UNAUTHORIZED` and other reasons of the relay,
/// `TIMEOUT`. Any thread, also inside callbacks of these functions; `BUSY` in a waker or the log.
/// Blocks.
#[no_mangle]
pub unsafe extern "C" fn moq_announce_namespace(
    client: *mut MoqClient,
    ns: *const c_char,
) -> MoqResult {
    result(|| {
        let client = objects::client(client)?;
        // SAFETY: the caller's promise.
        let name = unsafe { text("namespace", ns)? };
        let namespace = options::announce(json!({ "namespace": name }).to_string().as_bytes())?;
        let session = client.session()?;
        may_wait("moq_announce_namespace")?;
        if session.is_announced(&namespace) {
            return Ok(());
        }
        let command = namespace.clone();
        let to = To::Announcement(namespace.clone());
        let handle = session.request(to, true, 0, |handle| Command::Announce {
            handle,
            namespace: command,
        })?;
        session
            .wait(handle, &format!("announcing {name}"))
            .inspect_err(|error| log::warn!("{name} is not announced: {error}"))?;
        session.set_announced(namespace, handle);
        Ok(())
    })
}

/// Inherited: calls `track_callback` for every namespace that is announced to the relay, those that
/// are announced already first; each once, and again when it comes back after it went away. Works
/// before `moq_connect` and holds across connections, until NULL is given or the client is destroyed.
/// Another function takes the place of the one before, which is not running on another thread and
/// will not be called again when this returns. That a namespace went away is not told here: see
/// `moq_discovery_open`.
///
/// Errors: `INVALID_ARGUMENT`. A relay that does not tell namespaces is named in the log. Any thread,
/// also inside callbacks. Does not wait for the relay.
#[no_mangle]
pub unsafe extern "C" fn moq_subscribe_announces(
    client: *mut MoqClient,
    track_callback: MoqTrackCallback,
    user_data: *mut c_void,
) -> MoqResult {
    result(|| {
        let client = objects::client(client)?;
        client.announces.set(Call::new(track_callback, user_data));
        match (client.session(), client.announces.wanted()) {
            (Ok(session), true) => session.watch_announces(),
            (Ok(session), false) => {
                session.unwatch_announces();
                Ok(())
            }
            // The next connection asks.
            (Err(error), _) if error.code == MOQ_ERROR_NOT_CONNECTED => Ok(()),
            (Err(error), _) => Err(error),
        }
    })
}
