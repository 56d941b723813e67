//! The C functions: of the shared library that `MOQ_FFI_LIBRARY` names (so that the tests hold for
//! the one that ships), otherwise of the one that is linked into the test.
#![allow(dead_code)]

use libloading::{Library, Symbol};
use moq_ffi::abi::client::MoqHandle;
use moq_ffi::abi::receive::MoqPollResult;
use moq_ffi::error::MoqResultCode;
use std::ffi::c_char;
use std::sync::OnceLock;

/// Loaded once and never unloaded: its threads outlive any one test.
fn library() -> Option<&'static Library> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    let load = || {
        let path = std::env::var_os("MOQ_FFI_LIBRARY")?;
        // SAFETY: the library of this project; its initialisers do nothing.
        let library = unsafe { Library::new(&path) };
        Some(library.unwrap_or_else(|error| panic!("MOQ_FFI_LIBRARY {path:?}: {error}")))
    };
    LIBRARY.get_or_init(load).as_ref()
}

macro_rules! functions {
    ($($module:ident::$name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {$(
        /// # Safety
        /// As the C function's.
        pub unsafe fn $name($($argument: $kind),*) -> $result {
            type Function = unsafe extern "C" fn($($kind),*) -> $result;
            static FUNCTION: OnceLock<Function> = OnceLock::new();
            let find = || match library() {
                None => moq_ffi::abi::$module::$name as Function,
                Some(library) => {
                    // SAFETY: the header gives this function this type.
                    let found: Result<Symbol<Function>, _> =
                        unsafe { library.get(stringify!($name)) };
                    *found.unwrap_or_else(|error| panic!("{error}"))
                }
            };
            // SAFETY: the caller's promise.
            unsafe { FUNCTION.get_or_init(find)($($argument),*) }
        }
    )*};
}

functions! {
    client::moq_client_open(options: *const c_char, length: usize, client: *mut MoqHandle) -> MoqResultCode;
    client::moq_client_close(client: MoqHandle, flush_ms: u32) -> MoqResultCode;
    library::moq_last_error() -> *const c_char;
    receive::moq_poll(client: MoqHandle, buffer: *mut u8, capacity: usize, result: *mut MoqPollResult) -> MoqResultCode;
    requests::moq_subscription_open(client: MoqHandle, options: *const c_char, length: usize, subscription: *mut MoqHandle) -> MoqResultCode;
    relay::moq_relay_start(options: *const c_char, length: usize, relay: *mut MoqHandle) -> MoqResultCode;
    relay::moq_relay_info(relay: MoqHandle, buffer: *mut c_char, capacity: usize, needed: *mut usize) -> MoqResultCode;
    relay::moq_relay_stop(relay: MoqHandle, grace_ms: u32) -> MoqResultCode;
}
