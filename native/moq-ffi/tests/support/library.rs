//! The C functions: of the shared library that `MOQ_FFI_LIBRARY` names (so that the tests hold for
//! the one that ships), otherwise of the one that is linked into the test.
#![allow(dead_code)]

use libloading::{Library, Symbol};
use moq_ffi::abi::client::{MoqHandle, MoqWaker};
use moq_ffi::abi::library::MoqLogCallback;
use moq_ffi::abi::publish::MoqUpdate;
use moq_ffi::abi::receive::MoqPollResult;
use moq_ffi::error::MoqResultCode;
use std::ffi::{c_char, c_void};
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
    client::moq_client_supply_token(client: MoqHandle, attempt: u64, token: *const u8, length: usize) -> MoqResultCode;
    client::moq_client_refuse_token(client: MoqHandle, attempt: u64, reason: *const c_char, length: usize) -> MoqResultCode;
    client::moq_set_waker(client: MoqHandle, waker: MoqWaker, user_data: *mut c_void) -> MoqResultCode;
    client::moq_client_stats(client: MoqHandle, buffer: *mut c_char, capacity: usize, needed: *mut usize) -> MoqResultCode;
    library::moq_last_error() -> *const c_char;
    library::moq_set_log(callback: MoqLogCallback, user_data: *mut c_void, level: u32) -> MoqResultCode;
    library::moq_shutdown() -> MoqResultCode;
    publish::moq_publication_open(client: MoqHandle, options: *const c_char, length: usize, publication: *mut MoqHandle) -> MoqResultCode;
    publish::moq_publish(publication: MoqHandle, flags: u32, data: *const u8, length: usize) -> MoqResultCode;
    publish::moq_publish_flush(client: MoqHandle) -> MoqResultCode;
    publish::moq_publish_batch(updates: *mut MoqUpdate, count: usize) -> MoqResultCode;
    publish::moq_publish_packed(updates: *const u8, length: usize, results: *mut i32, capacity: usize, count: *mut usize) -> MoqResultCode;
    publish::moq_publication_end(publication: MoqHandle, flush_ms: u32) -> MoqResultCode;
    receive::moq_handle_hold(handle: MoqHandle, held: u32) -> MoqResultCode;
    receive::moq_poll(client: MoqHandle, buffer: *mut u8, capacity: usize, result: *mut MoqPollResult) -> MoqResultCode;
    requests::moq_subscription_open(client: MoqHandle, options: *const c_char, length: usize, subscription: *mut MoqHandle) -> MoqResultCode;
    requests::moq_fetch_open(client: MoqHandle, options: *const c_char, length: usize, fetch: *mut MoqHandle) -> MoqResultCode;
    requests::moq_discovery_open(client: MoqHandle, options: *const c_char, length: usize, discovery: *mut MoqHandle) -> MoqResultCode;
    requests::moq_status_open(client: MoqHandle, options: *const c_char, length: usize, status: *mut MoqHandle) -> MoqResultCode;
    requests::moq_subscription_update(subscription: MoqHandle, options: *const c_char, length: usize) -> MoqResultCode;
    requests::moq_handle_close(handle: MoqHandle) -> MoqResultCode;
    relay::moq_relay_start(options: *const c_char, length: usize, relay: *mut MoqHandle) -> MoqResultCode;
    relay::moq_relay_info(relay: MoqHandle, buffer: *mut c_char, capacity: usize, needed: *mut usize) -> MoqResultCode;
    relay::moq_relay_stats(relay: MoqHandle, buffer: *mut c_char, capacity: usize, needed: *mut usize) -> MoqResultCode;
    relay::moq_relay_stop(relay: MoqHandle, grace_ms: u32) -> MoqResultCode;
}
