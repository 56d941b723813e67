//! What C sees of the inherited functions. Layouts and numbers never change.

use crate::error::MoqResultCode;
use std::ffi::{c_char, c_void};

/// Inherited: a client. Opaque; the pointer is a name and leads to no memory, so one that was
/// destroyed gives `MOQ_ERROR_CLOSED`.
pub struct MoqClient {
    _opaque: [u8; 0],
}

/// Inherited: a track that is published. Opaque as `MoqClient`.
pub struct MoqPublisher {
    _opaque: [u8; 0],
}

/// Inherited: a track that is read. Opaque as `MoqClient`.
pub struct MoqSubscriber {
    _opaque: [u8; 0],
}

/// Inherited: what a call gave. `message` says what happened and what to do next; it is NULL with
/// `MOQ_OK`, and otherwise the caller's, to be given to `moq_free_str`.
#[repr(C)]
pub struct MoqResult {
    pub code: MoqResultCode,
    pub message: *const c_char,
}

/// Inherited: how a client stands.
#[repr(C)]
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoqConnectionState {
    /// No connection: before the first, after `moq_disconnect`, or it was lost.
    MOQ_STATE_DISCONNECTED = 0,
    /// One is being made, the first or another after a loss.
    MOQ_STATE_CONNECTING = 1,
    /// It stands; after a loss, publishers and subscribers go on.
    MOQ_STATE_CONNECTED = 2,
    /// It could not be made, or not be made again: call `moq_connect` again.
    MOQ_STATE_FAILED = 3,
}
pub use MoqConnectionState::*;

/// Inherited: how an update travels. Other numbers are refused.
#[repr(C)]
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoqDeliveryMode {
    /// In one datagram: may be lost, and has a size limit that the error names.
    MOQ_DELIVERY_DATAGRAM = 0,
    /// On a stream of its own: arrives whole and in order.
    MOQ_DELIVERY_STREAM = 1,
}
pub use MoqDeliveryMode::*;

/// How C gives a `MoqDeliveryMode`: any number may come. The header names it `MoqDeliveryMode`.
pub type DeliveryModeNumber = u32;

/// Inherited: one track of a catalog. Texts are UTF-8 with NUL, never NULL, empty when the catalog
/// does not say; numbers are 0 then.
#[repr(C)]
pub struct MoqTrackInfo {
    pub name: *const c_char,
    pub codec: *const c_char,
    pub mime_type: *const c_char,
    pub width: u32,
    pub height: u32,
    /// Bits per second; the largest number stands for all above it.
    pub bitrate: u32,
    /// Samples per second.
    pub sample_rate: u32,
    pub language: *const c_char,
}

/// Inherited: the state changed. Callbacks of one connection run on one thread of the library, one
/// at a time, with no lock held. Any function may be called inside, also one that destroys what the
/// callback belongs to, except `moq_shutdown`, `moq_relay_start` and `moq_relay_stop`, which give
/// `MOQ_ERROR_BUSY`.
pub type MoqConnectionCallback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, state: MoqConnectionState)>;

/// Inherited: an object arrived; `data` holds during the call only and is not NULL when `len` is 0.
/// Threads as `MoqConnectionCallback`.
pub type MoqDataCallback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, data: *const u8, len: usize)>;

/// Inherited: a namespace was announced, its fields joined by `/`. `track` is always empty: MoQ
/// Transport announces namespaces. Texts hold during the call only. Threads as
/// `MoqConnectionCallback`.
pub type MoqTrackCallback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, ns: *const c_char, track: *const c_char)>;

/// Inherited: the tracks that a catalog lists now, all of them each time. They hold during the call
/// only. Threads as `MoqConnectionCallback`.
pub type MoqCatalogCallback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, tracks: *const MoqTrackInfo, count: usize)>;

/// A function of the caller with what it wants to be given.
#[derive(Clone, Copy)]
pub(super) struct Call<F> {
    pub function: F,
    pub user_data: *mut c_void,
}
// SAFETY: whoever gives a callback promises that it may be called from any thread with this pointer
// until it is taken back.
unsafe impl<F> Send for Call<F> {}

impl<F> Call<F> {
    pub fn new(function: Option<F>, user_data: *mut c_void) -> Option<Self> {
        function.map(|function| Call {
            function,
            user_data,
        })
    }
}

pub(super) type ConnectionFn = unsafe extern "C" fn(*mut c_void, MoqConnectionState);
pub(super) type DataFn = unsafe extern "C" fn(*mut c_void, *const u8, usize);
pub(super) type TrackFn = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char);
pub(super) type CatalogFn = unsafe extern "C" fn(*mut c_void, *const MoqTrackInfo, usize);
