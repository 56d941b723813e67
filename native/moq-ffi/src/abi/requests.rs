//! Subscriptions, fetches, discoveries and status requests.

use super::client::MoqHandle;
use super::{guard, text, write};
use crate::client::{ClientShared, FETCH_QUEUE_BYTES};
use crate::commands::Command;
use crate::error::*;
use crate::{handles, options};
use std::ffi::c_char;
use std::sync::Arc;

/// What all requests share: read the options, check the place for the result, open.
unsafe fn open(
    client: MoqHandle,
    options_json: *const c_char,
    length: usize,
    out: *mut MoqHandle,
    start: impl FnOnce(&Arc<ClientShared>, &[u8]) -> Result<u64>,
) -> Result<()> {
    let client = handles::client(client)?;
    // SAFETY: the caller's promise.
    let options = unsafe { text("options_json", options_json, length)? };
    // SAFETY: as above; checked first, so that no request is left behind.
    unsafe { write("handle", out, 0)? };
    let handle = start(&client, options)?;
    // SAFETY: as above.
    unsafe { write("handle", out, handle) }
}

/// Subscribes to a track. `READY` follows with the class in force, then `OBJECT` and `GAP`, and
/// exactly one `END`, also when the peer refuses.
///
/// `options_json`, copied: `namespace`, `name`, `start` (`latest-group` default, `next`, `now`),
/// `delivery` (how to read a track that does not say its class, default `reliable`), `unordered`,
/// `priority`, `wait` (ms for a publisher to appear), `maxAge` (ms in the queue, 0 is no limit),
/// `queueBytes` (default 8 MiB: when full, `reliable` pauses its intake, the others drop the oldest
/// object and count it), `gapTimeout` (ms, default 2000), `timeout` (ms until `READY`, see the table
/// of timeouts above).
///
/// Errors: `INVALID_ARGUMENT`, `CLOSED`, `LIMIT_EXCEEDED`, `RATE_LIMITED`. Any thread, also inside
/// callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_subscription_open(
    client: MoqHandle,
    options_json: *const c_char,
    length: usize,
    subscription: *mut MoqHandle,
) -> MoqResultCode {
    guard(|| {
        let start = |client: &Arc<ClientShared>, json: &[u8]| {
            let options = Box::new(options::subscribe(json)?);
            let (bytes, age) = (options.queue_bytes, options.max_age_ms);
            client.open_request(bytes, age, |handle| Command::Subscribe { handle, options })
        };
        // SAFETY: passed on.
        unsafe { open(client, options_json, length, subscription, start) }
    })
}

/// Reads past objects: `OBJECT` records, then `END`.
///
/// `options_json`, copied: `namespace`, `name`, `fromGroup`, `toGroup` (inclusive), `order`
/// (`ascending` default, `descending`), `priority`, `timeout` (ms until `END`).
///
/// Errors and threads as `moq_subscription_open`.
#[no_mangle]
pub unsafe extern "C" fn moq_fetch_open(
    client: MoqHandle,
    options_json: *const c_char,
    length: usize,
    fetch: *mut MoqHandle,
) -> MoqResultCode {
    guard(|| {
        let start = |client: &Arc<ClientShared>, json: &[u8]| {
            let options = Box::new(options::fetch(json)?);
            client.open_request(FETCH_QUEUE_BYTES, 0, |handle| Command::Fetch {
                handle,
                options,
            })
        };
        // SAFETY: passed on.
        unsafe { open(client, options_json, length, fetch, start) }
    })
}

/// Discovers namespaces at or under a prefix: `NAMESPACE` records for those that exist, then for
/// changes, until it is closed or the client ends.
///
/// `options_json`, copied: `prefix` (list of strings, or one string split on `/`; empty is all),
/// `timeout` (ms until the peer has accepted it).
///
/// Errors and threads as `moq_subscription_open`.
#[no_mangle]
pub unsafe extern "C" fn moq_discovery_open(
    client: MoqHandle,
    options_json: *const c_char,
    length: usize,
    discovery: *mut MoqHandle,
) -> MoqResultCode {
    guard(|| {
        let start = |client: &Arc<ClientShared>, json: &[u8]| {
            let options = Box::new(options::discover(json)?);
            client.open_request(0, 0, |handle| Command::Discover { handle, options })
        };
        // SAFETY: passed on.
        unsafe { open(client, options_json, length, discovery, start) }
    })
}

/// Asks what the next hop knows of a track: one `STATUS` record, then `END`.
///
/// `options_json`, copied: `namespace`, `name`, `timeout` (ms until `END`).
///
/// Errors and threads as `moq_subscription_open`.
#[no_mangle]
pub unsafe extern "C" fn moq_status_open(
    client: MoqHandle,
    options_json: *const c_char,
    length: usize,
    status: *mut MoqHandle,
) -> MoqResultCode {
    guard(|| {
        let start = |client: &Arc<ClientShared>, json: &[u8]| {
            let options = Box::new(options::status(json)?);
            client.open_request(0, 0, |handle| Command::Status { handle, options })
        };
        // SAFETY: passed on.
        unsafe { open(client, options_json, length, status, start) }
    })
}

/// Changes a live subscription. `options_json`, copied: `priority` (0 highest to 255).
///
/// Errors: `INVALID_ARGUMENT`, `CLOSED`, `WOULD_BLOCK` when very many changes wait. Any thread, also
/// inside callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_subscription_update(
    subscription: MoqHandle,
    options_json: *const c_char,
    length: usize,
) -> MoqResultCode {
    guard(|| {
        let client = handles::request(subscription)?;
        // SAFETY: the caller's promise.
        let priority = options::update(unsafe { text("options_json", options_json, length)? })?;
        client.command_bounded(Command::Priority {
            handle: subscription,
            priority,
        })
    })
}

/// Closes a publication, subscription, fetch, discovery or status request, whether or not it has
/// ended: this is how a call is cancelled, from any thread. When this returns the handle is gone and
/// no record comes for it, not even `END`. A publication that was
/// not ended is ended; what it accepted and did not send yet may be lost.
///
/// Errors: `CLOSED` when it was closed before. Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub extern "C" fn moq_handle_close(handle: MoqHandle) -> MoqResultCode {
    guard(|| {
        match handles::get(handle)? {
            handles::Entry::Publication(publication) => {
                publication.set_ended();
                publication.client.close_child(handle);
            }
            handles::Entry::Request(client) => client.close_child(handle),
            handles::Entry::Client(_) | handles::Entry::Relay(_) => {
                return Err(Error::invalid(format!(
                    "handle {handle} is a client or a relay; use moq_client_close or moq_relay_stop"
                )));
            }
        }
        Ok(())
    })
}
