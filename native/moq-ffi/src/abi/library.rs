//! Version, last error, log, clock, shutdown.

use super::{guard, last_error};
use crate::error::*;
use crate::logging::{self, LogHook};
use std::ffi::{c_char, c_void};

/// Version of these functions and of the record layout. It changes when something that exists
/// changes; additions keep it.
pub const MOQ_ABI_VERSION: u32 = 1;

/// `MOQ_ABI_VERSION` of the library that was loaded; compare it with the header's.
///
/// Any thread. Does not block. Cannot fail.
#[no_mangle]
pub extern "C" fn moq_abi_version() -> u32 {
    MOQ_ABI_VERSION
}

/// Version of the library, for example "0.1.0". The text is static: do not free it.
///
/// Any thread. Does not block. Cannot fail.
#[no_mangle]
pub extern "C" fn moq_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// What the last failed call on this thread said: what happened and what to do next. Empty when
/// none failed yet. The text belongs to the library and holds until the next call on this thread.
///
/// Any thread. Does not block. Cannot fail.
#[no_mangle]
pub extern "C" fn moq_last_error() -> *const c_char {
    last_error()
}

/// Now, in µs of the monotonic clock that records carry.
///
/// Any thread. Does not block. Cannot fail.
#[no_mangle]
pub extern "C" fn moq_now_us() -> u64 {
    crate::clock::now_us()
}

/// Called with each line of the log: `level` is 1 for errors, 2 warnings, 3 information, 4 details,
/// 5 everything; `message` is UTF-8 of `length` bytes, ends with NUL and holds during the call only.
/// Called from any thread, with no lock held; it must not block for long.
pub type MoqLogCallback = Option<
    unsafe extern "C" fn(user_data: *mut c_void, level: u32, message: *const c_char, length: usize),
>;

/// Sends the log up to `level` (0 is nothing) to a function, or with NULL nowhere, which is the
/// default. When this returns, the function set before runs on no other thread and will not be
/// called again; so do not call it holding a lock that the function takes.
///
/// Any thread, also inside callbacks. `user_data` must stay valid until the function is taken back.
#[no_mangle]
pub unsafe extern "C" fn moq_set_log(
    callback: MoqLogCallback,
    user_data: *mut c_void,
    level: u32,
) -> MoqResultCode {
    guard(|| {
        if level > 5 {
            return Err(Error::invalid(format!(
                "log level {level} is unknown; 0 to 5 are accepted"
            )));
        }
        logging::set(callback.map(|call| LogHook { call, user_data }), level);
        Ok(())
    })
}

/// Closes all clients, stops all relays and joins every thread of the library. When it returns, no
/// callback runs or will run, and the library may be unloaded. Handles that were not closed can
/// still be polled for their `END` and closed. A later call of any function starts the library again.
///
/// Not from inside a callback: `MOQ_ERROR_BUSY`. Blocks until the threads are gone, which takes some
/// ms and as long as a callback of yours runs.
#[no_mangle]
pub extern "C" fn moq_shutdown() -> MoqResultCode {
    // A closure of this function, so that the border has its name.
    guard(|| {
        crate::lifecycle::shutdown()?;
        Ok(())
    })
}
