//! The client state machine over a session: publications, subscriptions, discovery, fetch.
//! Sans-I/O; the twin of `packages/core/src/client`.
//!
//! ```text
//! Client::new(ClientConfig) -> Result<Client, ClientError>
//! attach(&mut self, now, &mut dyn Transport)                // the transport is ready: SETUP goes out
//! handle(&mut self, now, &mut dyn Transport, TransportEvent)
//! poll_event(&mut self, now) -> Option<ClientEvent>        // until None, after every other call
//! poll_timeout(&self) -> Option<Instant>; on_timeout(&mut self, now, &mut dyn Transport)
//! publish(&mut self, now, t, FullTrackName, PublishOptions) -> Result<Handle, ClientError>
//! send(&mut self, now, t, Handle, Bytes) -> Result<(), SendError>      // also keyframe(..)
//! flush(&mut self) -> pump once after a batch of sends (send only queues): pump(&mut self, now, t)
//! end(&mut self, now, t, Handle, flush: Option<Duration>)
//! subscribe(&mut self, now, t, FullTrackName, SubscribeOptions) -> Result<Handle, ClientError>
//! set_reading(&mut self, now, t, Handle, bool)             // false: hold objects back (reader is full)
//! update_priority(&mut self, now, t, Handle, u8); unsubscribe(&mut self, now, t, Handle)
//! discover(&mut self, now, t, Namespace) -> Result<Handle, ClientError>
//! fetch(&mut self, now, t, FullTrackName, FetchOptions) -> Result<Handle, ClientError>
//! status(&mut self, now, t, FullTrackName) -> Result<Handle, ClientError>
//! cancel(&mut self, now, t, Handle)                        // discovery, fetch, status; any handle
//! close(&mut self, now, t, flush: Option<Duration>)
//! state(), info(), stats(), subscription_stats(Handle), publication_stats(Handle)
//! ```
//! The transport may be absent in calls while connecting: pass `None`. All `t` parameters are
//! `Option<&mut dyn Transport>` except in `attach`, `handle` and `on_timeout`.

pub mod error;
pub mod types;

pub use error::{ClientError, ErrorCode};
pub use types::*;
