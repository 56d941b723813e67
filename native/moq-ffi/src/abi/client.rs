//! Clients: open, close, wake, statistics.

use super::{bytes, copy_text, guard, text, write};
use crate::client::Waker;
use crate::commands::Command;
use crate::error::*;
use crate::{handles, lifecycle, options, stats};
use bytes::Bytes;
use std::ffi::{c_char, c_void};
use std::time::Duration;

/// A client, publication, subscription, fetch, discovery, status request or relay. Never 0, never
/// reused, below 2^53. A handle that was closed gives `MOQ_ERROR_CLOSED`, a number that never was
/// a handle `MOQ_ERROR_INVALID_ARGUMENT`.
pub type MoqHandle = u64;

/// Most bytes kept of a reason.
const MAX_REASON_BYTES: usize = 1_024;

/// Called once whenever the client's empty record queue became non-empty; answer by having the
/// client polled soon. Called from a thread of the library, with no lock held. Any function may be
/// called inside, except `moq_shutdown` and `moq_relay_stop`, which give `MOQ_ERROR_BUSY`.
pub type MoqWaker = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Opens a client and returns at once; `STATE`, then records of what happens, or `END` follow.
///
/// `options_json` is UTF-8 JSON of `length` bytes, copied:
/// - `url`: `https://host:port/path` (WebTransport), `moqt://…` or `quic://…` (QUIC), or the memory
///   URL of a relay of this process;
/// - `token`: string, or bytes as `{"hex":"…"}`; sent with SETUP;
/// - `serverCertificateHashes`: list of SHA-256 in hexadecimal; `caFile`: PEM file or list of them;
///   `insecure`: true accepts any certificate (development only, a warning is logged);
/// - `clientCertificate` and `clientKey`: what a relay that asks for it is shown: PEM text, or the
///   path of a PEM file;
/// - `askToken`: true has each connection ask for a token of its own, with a `TOKEN_WANTED` record;
/// - `connectTimeout` (ms, default 10000, for the token, the connection and SETUP together),
///   `keepAlive` (ms, default 4000, 0 is off), `idleTimeout` (ms of silence after which the
///   connection counts as lost, default 15000), `maxObjectSize` (bytes, default 16 MiB, at most
///   64 MiB), `requestTimeout` (ms, default 30000, for the answer to each request);
/// - `requestsPerSecond` with `requestBurst` (publications, subscriptions, fetches, discoveries and
///   status requests opened), `publishesPerSecond` with `publishBurst` (updates of all publications):
///   what is above gives `RATE_LIMITED`. 0, the default, is no limit; a burst is by default what a
///   second allows;
/// - `reconnect`: true (the default) repairs a connection that is lost, false closes the client with
///   it; or `{"initialDelay":200,"maxDelay":5000,"timeout":120000}`: upper bound of the wait before
///   the second attempt, which doubles with each, longest wait, and after how long without a
///   connection the client ends (0: never), in ms.
///
/// Publications, subscriptions and discoveries outlive connections: while `STATE` is `RECONNECTING`
/// they take what they take while it is `OPEN`, and go on from where they stood when it is `OPEN`
/// again. What cannot be had any more shows as `GAP` with `MOQ_GAP_RECONNECTED`. Fetches and status
/// requests end with `NOT_CONNECTED`. A relay that goes away is left for the one that it names. The
/// first connection is one attempt. A client on a memory URL lives on its relay's thread and ends
/// with it.
///
/// Errors: `INVALID_ARGUMENT` naming the field and what is accepted; `CERTIFICATE` for a
/// `clientCertificate` or `clientKey` that cannot be used; `NOT_FOUND` for the memory URL of no relay. Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_client_open(
    options_json: *const c_char,
    length: usize,
    client: *mut MoqHandle,
) -> MoqResultCode {
    guard(|| {
        // SAFETY: the caller's promise, see above.
        let options = options::client(unsafe { text("options_json", options_json, length)? })?;
        // SAFETY: as above; checked first, so that no client is left behind.
        unsafe { write("client", client, 0)? };
        let handle = lifecycle::open_client(options)?;
        // SAFETY: as above.
        unsafe { write("client", client, handle) }
    })
}

/// Closes a client with everything that belongs to it.
///
/// With `flush_ms` 0: at once. When this returns, the handle and all handles of its publications
/// and requests are gone, no record comes, the waker is not running on another thread and will not
/// be called; so do not call it holding a lock that the waker takes. What was accepted and not sent
/// yet is lost.
///
/// With `flush_ms` above 0: begins to close and returns at once. Publishing gives `CLOSED`; the
/// client is polled on until its `END`, which comes when the next hop has acknowledged everything
/// accepted, or after this time. Then free the handle with a second call with 0.
///
/// Errors: `CLOSED` for a second graceful close. Any thread, also inside callbacks.
#[no_mangle]
pub extern "C" fn moq_client_close(client: MoqHandle, flush_ms: u32) -> MoqResultCode {
    guard(|| {
        let client = handles::client(client)?;
        match flush_ms {
            0 => client.close_now(),
            ms => client.close_gracefully(Duration::from_millis(u64::from(ms)))?,
        }
        Ok(())
    })
}

/// Answers a `TOKEN_WANTED` record: the token of `length` bytes (1 to 16384, copied) for the attempt
/// whose number the record has in `extra`. An answer to an attempt that is over is ignored.
///
/// Errors: `INVALID_ARGUMENT`, `CLOSED`, `WOULD_BLOCK` when very many commands wait. Any thread, also
/// inside callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_client_supply_token(
    client: MoqHandle,
    attempt: u64,
    token: *const u8,
    length: usize,
) -> MoqResultCode {
    guard(|| {
        let client = handles::client(client)?;
        // SAFETY: the caller's promise.
        let token = unsafe { bytes("token", token, length)? };
        if !(1..=options::MAX_TOKEN_BYTES).contains(&token.len()) {
            return Err(Error::invalid(format!(
                "the token has {length} bytes; 1 to {} are accepted",
                options::MAX_TOKEN_BYTES
            )));
        }
        let token = Box::new(Ok(Bytes::copy_from_slice(token)));
        client.command_bounded(Command::Token { attempt, token })
    })
}

/// Answers a `TOKEN_WANTED` record when there is no token: that attempt fails with
/// `MOQ_ERROR_UNAUTHORIZED` and `reason` (UTF-8 of `length` bytes, copied), the next one asks again.
///
/// Errors and threads as `moq_client_supply_token`.
#[no_mangle]
pub unsafe extern "C" fn moq_client_refuse_token(
    client: MoqHandle,
    attempt: u64,
    reason: *const c_char,
    length: usize,
) -> MoqResultCode {
    guard(|| {
        let client = handles::client(client)?;
        // SAFETY: the caller's promise.
        let reason = unsafe { text("reason", reason, length.min(MAX_REASON_BYTES))? };
        let token = Box::new(Err(String::from_utf8_lossy(reason).into_owned()));
        client.command_bounded(Command::Token { attempt, token })
    })
}

/// Sets the function that says that records wait, or takes it back with NULL. When this returns,
/// the one set before is not running on another thread and will not be called again; so do not call
/// it holding a lock that the function takes. If records wait already, the new one is called soon,
/// possibly before this returns, on this thread.
///
/// Any thread, also inside callbacks. `user_data` must stay valid until the function is taken back.
#[no_mangle]
pub unsafe extern "C" fn moq_set_waker(
    client: MoqHandle,
    waker: MoqWaker,
    user_data: *mut c_void,
) -> MoqResultCode {
    guard(|| {
        let client = handles::client(client)?;
        client.gate.set(waker.map(|call| Waker { call, user_data }));
        if waker.is_some() && client.queue.has_records() {
            client.call_waker();
        }
        Ok(())
    })
}

/// Statistics as JSON with the names of `ClientStats` in TypeScript, each track with its `handle`;
/// a few ms old. UTF-8 without NUL; `needed` always gets its size in bytes.
///
/// Errors: `BUFFER_TOO_SMALL`. Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_client_stats(
    client: MoqHandle,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> MoqResultCode {
    guard(|| {
        let json = stats::client_json(&*handles::client(client)?);
        // SAFETY: the caller's promise.
        unsafe { copy_text(&json, buffer, capacity, needed) }
    })
}
