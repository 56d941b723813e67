//! What all exported functions share: errors as results, texts of C, and who may wait.

use super::types::MoqResult;
use crate::abi::{guard, guard_named, last_error, name_of};
use crate::error::*;
use crate::gate::in_callback;
use std::cell::Cell;
use std::ffi::{c_char, CStr};

/// Longest text that is taken; the names in it have limits of their own.
const MAX_TEXT_BYTES: usize = 64 * 1024;

thread_local! {
    static RUNS_CALLBACKS: Cell<bool> = const { Cell::new(false) };
}

/// Says of this thread that it runs the callbacks of a connection.
pub fn set_runs_callbacks() {
    RUNS_CALLBACKS.with(|runs| runs.set(true));
}

/// Whether the library's other threads need this one to return: it is in a waker or the log.
pub fn must_not_wait() -> bool {
    in_callback() && !RUNS_CALLBACKS.with(Cell::get)
}

/// Refuses to wait where that would stop what is waited for.
pub fn may_wait(what: &str) -> Result<()> {
    match must_not_wait() {
        false => Ok(()),
        true => Err(Error::new(
            MOQ_ERROR_BUSY,
            format!("{what} waits for the network and was called inside a waker or the log; call it from another thread"),
        )),
    }
}

/// Runs the body of a function that gives a `MoqResult`.
pub fn result(body: impl FnOnce() -> Result<()>) -> MoqResult {
    let code = guard(body);
    let message = match code {
        MOQ_OK => std::ptr::null(),
        // SAFETY: text of this thread, which holds until its next call.
        _ => unsafe { CStr::from_ptr(last_error()) }
            .to_owned()
            .into_raw()
            .cast_const(),
    };
    MoqResult { code, message }
}

/// Runs the body of a function that gives a value, or `otherwise` when it fails.
pub fn value<T, F: FnOnce() -> Result<T>>(otherwise: T, body: F) -> T {
    let mut given = otherwise;
    guard_named(name_of::<F>, || {
        given = body()?;
        Ok(())
    });
    given
}

/// A text of the caller.
///
/// # Safety
/// `text` is NULL or ends with NUL, and lives through the call.
pub unsafe fn text<'a>(what: &str, text: *const c_char) -> Result<&'a str> {
    if text.is_null() {
        return Err(Error::invalid(format!("\"{what}\" is NULL; give a text")));
    }
    // SAFETY: not NULL, and the caller promises the rest.
    let text = unsafe { CStr::from_ptr(text) };
    if text.to_bytes().len() > MAX_TEXT_BYTES {
        return Err(Error::invalid(format!(
            "\"{what}\" is longer than {MAX_TEXT_BYTES} bytes"
        )));
    }
    text.to_str()
        .map_err(|_| Error::invalid(format!("\"{what}\" is not UTF-8")))
}
