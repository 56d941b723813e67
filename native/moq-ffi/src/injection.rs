//! In builds with the feature `panic-injection` only: functions with which a test orders a panic. They
//! are no part of the ABI and stand in no header.

use moqt_net::border::{injection, Border};
use std::ffi::{c_char, CStr, CString};

/// # Safety
/// NULL, or text that ends with NUL.
unsafe fn given<'a>(text: *const c_char) -> Option<&'a str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller promises the rest.
    unsafe { CStr::from_ptr(text) }.to_str().ok()
}

/// The next crossing of this border, on a thread whose name begins so, panics. NULL takes it back.
#[no_mangle]
pub unsafe extern "C" fn moq_test_panic_at(border: *const c_char, thread: *const c_char) {
    // SAFETY: passed on.
    let (border, thread) = unsafe { (given(border), given(thread)) };
    injection::order(border, thread.unwrap_or_default());
}

/// How many panics were injected since the library was loaded.
#[no_mangle]
pub extern "C" fn moq_test_panics() -> u64 {
    injection::panics()
}

/// The names of the borders of threads, tasks and callbacks, one in a line; give it to `moq_test_free`.
#[no_mangle]
pub extern "C" fn moq_test_borders() -> *mut c_char {
    let names: Vec<&str> = Border::ALL.iter().map(|border| border.name()).collect();
    CString::new(names.join("\n"))
        .unwrap_or_default()
        .into_raw()
}

/// Frees what the function above gave.
#[no_mangle]
pub unsafe extern "C" fn moq_test_free(text: *mut c_char) {
    // SAFETY: the caller gives back what it was given.
    drop(unsafe { CString::from_raw(text) });
}
