//! The C ABI of moq-game: `include/moq_ffi.h` is generated from `abi`, which is a thin layer over
//! the rest of this crate.
//!
//! ```text
//! abi        every exported function: checks, catches panics, translates
//! options    JSON options with the names of the TypeScript interfaces
//! record     what the caller reads, and its layout
//! queue      bounded records per handle, polled by the caller
//! gate       calls into the user's code, never with a lock held, never after take-back
//! ```

// The names of exported types and constants are those of C.
#![allow(clippy::missing_safety_doc)]

pub mod error;
pub mod gate;
pub mod options;
pub mod queue;
pub mod record;
