//! MoQ Transport (MOQT) without sockets: wire, sans-I/O session, delivery classes and client.
//!
//! Nothing in this crate knows a socket, a thread or an ABI. Bytes, stream events and time go in;
//! bytes, stream actions and application events come out (through [`transport::Transport`]).

#![forbid(unsafe_code)]

pub mod bucket;
pub mod client;
pub mod delivery;
pub mod hash;
pub mod memory;
pub mod session;
pub mod transport;
pub mod wire;
