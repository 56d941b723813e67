//! The C ABI of moq-game: `include/moq_ffi.h` is generated from `abi`, which is a thin layer over
//! the rest of this crate.
//!
//! ```text
//! abi        every exported function: checks, catches panics, translates
//! inherited  the functions of this library's predecessor, over the rest
//! lifecycle  starts clients, shuts everything down
//! handles    the table behind the 64-bit handles
//! client     what callers see of a client, from any thread
//! publication  what callers see of a published track
//! commands   what callers ask of the I/O thread; copies  the bytes that they publish
//! engine     what lives on the I/O thread: commands in, records out
//! relay      the embedded relay
//! options    JSON options with the names of the TypeScript interfaces
//! record     what the caller reads, and its layout
//! queue      bounded records per handle, polled by the caller
//! gate       calls into the user's code, never with a lock held, never after take-back
//! stats      statistics as JSON
//! logging    the log hook
//! injection  in test builds only: orders a panic
//! ```

// What the caller of each function must keep is in its text, written for C.
#![allow(clippy::missing_safety_doc)]
#![deny(clippy::undocumented_unsafe_blocks)]

pub mod abi;
mod client;
mod clock;
mod commands;
mod copies;
mod engine;
pub mod error;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod handles;
pub mod inherited;
#[cfg(feature = "panic-injection")]
mod injection;
mod lifecycle;
mod logging;
mod options;
mod publication;
mod queue;
pub mod record;
mod relay;
mod stats;
