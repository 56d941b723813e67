//! Every exported function. Each one checks its arguments, catches panics and translates between C
//! and the rest of the crate; none blocks on the network.

pub mod client;
pub mod library;
pub mod publish;
pub mod receive;
pub mod relay;
pub mod requests;

use crate::error::*;
use moqt_net::border;
use std::cell::RefCell;
use std::ffi::{c_char, CString};

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::new(CString::default());
}

/// The name of the function that a closure stands in; what names the borders of exported functions,
/// so that none has to say its own. Found by searching text, so nothing for each call.
pub(crate) fn name_of<F>() -> &'static str {
    let path = std::any::type_name::<F>();
    let path = path.split("::{{closure}}").next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}

/// Runs the body of an exported function.
pub(crate) fn guard<F: FnOnce() -> Result<()>>(body: F) -> MoqResultCode {
    guard_named(name_of::<F>, body)
}

/// [`guard`] where the body is not a closure of the exported function itself.
pub(crate) fn guard_named(
    name: impl FnOnce() -> &'static str,
    body: impl FnOnce() -> Result<()>,
) -> MoqResultCode {
    let error = match border::catch_named(name, body) {
        Ok(Ok(())) => return MOQ_OK,
        Ok(Err(error)) => error,
        Err(panic) => Error::new(
            MOQ_ERROR_INTERNAL,
            format!(
                "a defect in moq-ffi, please report it: {}",
                border::text(&panic)
            ),
        ),
    };
    set_last_error(&error.message);
    error.code
}

fn set_last_error(message: &str) {
    let text = CString::new(message.replace('\0', " ")).unwrap_or_default();
    // A thread that is ending has no last error.
    let _ = LAST_ERROR.try_with(|last| last.replace(text));
}

pub(crate) fn last_error() -> *const c_char {
    LAST_ERROR
        .try_with(|last| last.borrow().as_ptr())
        .unwrap_or(c"".as_ptr())
}

/// # Safety
/// `data` points to `len` readable bytes unless `len` is 0.
pub(crate) unsafe fn bytes<'a>(what: &str, data: *const u8, len: usize) -> Result<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() || len > isize::MAX as usize {
        return Err(Error::invalid(format!(
            "\"{what}\" is NULL or its length {len} is impossible"
        )));
    }
    // SAFETY: not NULL, and the caller promises the rest.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(what: &str, data: *const c_char, len: usize) -> Result<&'a [u8]> {
    // SAFETY: the same demand.
    unsafe { bytes(what, data.cast(), len) }
}

/// # Safety
/// `out` is NULL or points to a writable value.
unsafe fn write<T>(what: &str, out: *mut T, value: T) -> Result<()> {
    if out.is_null() {
        return Err(Error::invalid(format!(
            "\"{what}\" is NULL; give a place for the result"
        )));
    }
    // SAFETY: not NULL, and the caller promises the rest.
    unsafe { out.write(value) };
    Ok(())
}

/// Copies text out as UTF-8 without NUL; `needed` always gets its size.
///
/// # Safety
/// `buffer` points to `capacity` writable bytes; `needed` is NULL or points to a writable value.
unsafe fn copy_text(
    text: &str,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> Result<()> {
    // SAFETY: passed on.
    unsafe { write("needed", needed, text.len())? };
    if capacity < text.len() || (buffer.is_null() && !text.is_empty()) {
        return Err(Error::new(
            MOQ_ERROR_BUFFER_TOO_SMALL,
            format!("{} bytes are needed and {capacity} were given", text.len()),
        ));
    }
    // SAFETY: the room was checked, and the regions cannot overlap.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, text.len()) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn last() -> String {
        // SAFETY: text of this thread, which holds until the next call.
        unsafe { CStr::from_ptr(last_error()) }
            .to_string_lossy()
            .into_owned()
    }

    #[test]
    fn a_panic_becomes_an_error_and_the_process_lives() {
        assert_eq!(guard(|| panic!("on purpose")), MOQ_ERROR_INTERNAL);
        assert!(
            last().contains("on purpose") && last().contains("report"),
            "{}",
            last()
        );
        let text = String::from("made at run time");
        assert_eq!(guard(|| std::panic::panic_any(text)), MOQ_ERROR_INTERNAL);
        assert!(last().contains("made at run time"), "{}", last());
        assert_eq!(guard(|| Ok(())), MOQ_OK);
    }

    #[test]
    fn the_last_error_belongs_to_its_thread() {
        assert_eq!(
            guard(|| Err(Error::invalid("here\0and there"))),
            MOQ_ERROR_INVALID_ARGUMENT
        );
        std::thread::spawn(|| assert_eq!(last(), ""))
            .join()
            .expect("no panic");
        assert_eq!(last(), "here and there");
    }
}
