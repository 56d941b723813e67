//! The embedded relay: one [`moqt_net::Handler`] that connects publishers and subscribers of MoQ
//! Transport (draft-18), as a library ([`Relay::start`]) and as the command `moq-game-relay`.
//!
//! Everything runs on one I/O thread: no locks on the way of an object. What arrives once is
//! encoded once and shared by all subscribers; what a slow subscriber does not take waits in its
//! own bounded queue, and nobody else notices.

// A refusal is passed up once and sent: boxing it would only hide what it is.
#![allow(clippy::result_large_err)]
#![forbid(unsafe_code)]

pub mod auth;
mod cache;
#[doc(hidden)]
pub mod cli;
pub mod config;
mod core;
pub mod error;
mod farewell;
mod handler;
mod http;
mod io;
mod peer;
mod ranges;
mod relay;
mod slots;
pub mod static_tokens;
pub mod stats;
mod timers;
mod track;
mod tree;

pub use auth::{AccessRequest, AllowAll, Authorizer, ConnectRequest, Decision};
pub use config::{CertificateSource, HttpListen, Limits, RelayConfig, DEFAULT_PORT};
pub use error::RelayError;
pub use relay::{Relay, RelayHandle};
pub use static_tokens::{StaticTokens, TokenFileError};
pub use stats::RelayStats;
