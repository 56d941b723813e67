//! The library as a whole.

use crate::abi::guard;
use std::ffi::{c_char, CString};

/// Inherited: makes the library ready, which every other function does too. May be called again.
///
/// Any thread. Does not block. Cannot fail.
#[no_mangle]
pub extern "C" fn moq_init() -> bool {
    true
}

/// Inherited: frees the `message` of a `MoqResult`; NULL is ignored. Give each text once, and none
/// that another function gave.
///
/// Any thread. Does not block. Cannot fail.
#[no_mangle]
pub unsafe extern "C" fn moq_free_str(text: *const c_char) {
    if text.is_null() {
        return;
    }
    guard(|| {
        // SAFETY: the caller gives a text that `calls::result` made, once.
        drop(unsafe { CString::from_raw(text.cast_mut()) });
        Ok(())
    });
}
