//! The four delivery classes, sending and receiving sides: state machines with time injected.
//!
//! A relay or a publishing client makes one `Sender` per subscription of the peer:
//! ```text
//! Sender::new(SenderConfig) -> Sender
//! push(&mut self, now, &SharedObject)                      // applies filter, forward state, class policy
//! end_subgroup(&mut self, now, group, subgroup, SubgroupEnd::{Fin, Reset(code)})
//! pump(&mut self, now, &mut Link { session, transport, owners })   // after pushes and Writable
//! on_stream(&mut self, now, StreamSignal::{Writable, Acked, Stopped}, stream, &mut Link)
//! poll_timeout(&self) -> Option<Instant>; on_timeout(&mut self, now, &mut Link)
//! update(&mut self, &SenderUpdate)                          // REQUEST_UPDATE
//! finish(&mut self)                                        // no more pushes; then poll is_drained()
//! close(&mut self, code, &mut Link)                        // resets what is open
//! is_too_far_behind(), is_drained(), is_acked(), stream_count(), queued_bytes(), stats()
//! ```
//! `StreamOwners` maps the session's stream events back to the sender's `key`.

pub mod class;
pub mod inbound;
pub mod info;
pub mod object;

pub use class::DeliveryClass;
pub use inbound::{Gap, GapReason, InObject};
pub use info::TrackInfo;
pub use object::{OutObject, SharedObject};
