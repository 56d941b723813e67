//! The embedded relay.

use super::client::MoqHandle;
use super::{copy_text, guard, text, write};
use crate::error::*;
use crate::{handles, options};
use std::ffi::c_char;

/// Starts a relay on its own I/O thread.
///
/// `options_json`, copied, all optional: `listen` (UDP address or list of them, default
/// `127.0.0.1:0`: any free port), `certificate` and `key` (PEM files; without them a development
/// certificate is made, for `names` too), `clientCaFile` (PEM file or list of them: authorities of
/// client certificates, which clients must then show, unless `requireClientCertificate` is false), `tokenFile` or `tokens` (the content of such a file:
/// `{"tokens":{"secret":{"publish":["*"],"subscribe":["*"]}},"anonymous":{…}}`; without them
/// everybody may do everything), `http` (TCP address of statistics and certificate hash,
/// `same-port`, or `off`, the default), `goawayUri`, `exemptAddresses` (IP addresses to which the
/// limits per address do not apply, default this machine's), and `limits` with `sessions`,
/// `sessionsPerAddress`, `handshakes`, `handshakesPerAddress`, `requestsPerSession`,
/// `fetchesPerSession`, `sessionBytes`, `allSessionBytes`, `namespaces`, `tracks`, `subscriptions`,
/// `objectBytes`, `cacheBytes`, `trackCacheBytes`, `queueBytes`, and the rates `connectsPerSecond`,
/// `connectBurst`, `connectsPerSecondPerAddress`, `connectBurstPerAddress`, `requestsPerSecond`,
/// `requestBurst`, `publishesPerSecond`, `publishBurst`, `fetchBytesPerSecond`, `fetchBurst` (a rate
/// of 0: no limit); docs/limits.md has their defaults.
///
/// Errors: `INVALID_ARGUMENT`, `CERTIFICATE`, `CONNECTION_FAILED` when the port cannot be opened. Not
/// from inside a callback: `BUSY`. Blocks for some ms while the port is opened.
#[no_mangle]
pub unsafe extern "C" fn moq_relay_start(
    options_json: *const c_char,
    length: usize,
    relay: *mut MoqHandle,
) -> MoqResultCode {
    guard(|| {
        // SAFETY: the caller's promise.
        let options = options::relay(unsafe { text("options_json", options_json, length)? })?;
        // SAFETY: as above.
        unsafe { write("relay", relay, 0)? };
        let handle = crate::relay::start(options)?;
        // SAFETY: as above.
        unsafe { write("relay", relay, handle) }
    })
}

/// What is known of a relay as JSON: `{"url":"https://…","quicUrl":"moqt://…","memoryUrl":"memory://…",
/// "port":4443,"certificateHash":"…","httpUrl":"http://…"}`. UTF-8 without NUL; `needed` always gets
/// its size in bytes.
///
/// Errors: `BUFFER_TOO_SMALL`. Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_relay_info(
    relay: MoqHandle,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> MoqResultCode {
    guard(|| {
        let json = handles::relay(relay)?.info_json();
        // SAFETY: the caller's promise.
        unsafe { copy_text(&json, buffer, capacity, needed) }
    })
}

/// Statistics of a relay as JSON, as its HTTP page gives them. `BUSY` on the relay's own
/// thread. Otherwise as `moq_relay_info`.
#[no_mangle]
pub unsafe extern "C" fn moq_relay_stats(
    relay: MoqHandle,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> MoqResultCode {
    guard(|| {
        let json = handles::relay(relay)?.stats_json()?;
        // SAFETY: the caller's promise.
        unsafe { copy_text(&json, buffer, capacity, needed) }
    })
}

/// Stops a relay: its clients are told to go away, its port is closed, its thread joined. The handle
/// is gone when this returns. `grace_ms` is how long clients may take to leave by themselves.
///
/// Not from inside a callback: `MOQ_ERROR_BUSY`. Blocks for at most `grace_ms` and some ms.
#[no_mangle]
pub extern "C" fn moq_relay_stop(relay: MoqHandle, grace_ms: u32) -> MoqResultCode {
    guard(|| crate::relay::stop(relay, grace_ms))
}
