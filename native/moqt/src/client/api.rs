//! The commands of a client.

use super::discovery::too_many;
use super::error::{ClientError, ErrorCode};
use super::faults::not_connected;
use super::types::{
    ClientState, ClientStats, FetchOptions, Handle, PublicationStats, PublishOptions, SendError,
    SessionInfo, SubscribeOptions, SubscriptionStats,
};
use super::{validate, Client};
use crate::session::SessionStats;
use crate::transport::Transport;
use crate::wire::error::session_codes;
use crate::wire::name::{FullTrackName, Namespace};
use bytes::Bytes;
use std::time::{Duration, Instant};

impl Client {
    /// Publishes a track. [`ClientEvent::PublicationReady`](super::ClientEvent::PublicationReady)
    /// or its end follows. Errors: `invalid_argument`, `duplicate`, `limit_exceeded`, `closed`.
    pub fn publish(
        &mut self,
        track: FullTrackName,
        options: PublishOptions,
    ) -> Result<Handle, ClientError> {
        self.check_open()?;
        validate::track(&track)?;
        validate::publish(&options)?;
        self.publisher.publish(track, options, &mut self.shared)
    }

    /// Publishes one update; nothing is written before [`Client::pump`].
    pub fn send(&mut self, now: Instant, handle: Handle, bytes: Bytes) -> Result<(), SendError> {
        self.publisher
            .send(now, handle, bytes, false, &mut self.shared)
    }

    /// `reliable`: starts a group with this snapshot. Other classes: the same as
    /// [`Client::send`].
    pub fn keyframe(
        &mut self,
        now: Instant,
        handle: Handle,
        bytes: Bytes,
    ) -> Result<(), SendError> {
        self.publisher
            .send(now, handle, bytes, true, &mut self.shared)
    }

    /// Ends a publication. What was accepted is still sent. With `flush`, its end is told when the
    /// peer has acknowledged everything or that time is over, otherwise at once. Idempotent.
    pub fn end(&mut self, now: Instant, handle: Handle, flush: Option<Duration>) {
        self.publisher.end(now, handle, flush, &mut self.shared);
    }

    /// Reads a track. Further subscriptions to the same track share one request on the wire: its
    /// `delivery`, `unordered`, `gap_timeout` and `wait` are the first one's, and with `reliable`
    /// the slowest reader holds back all. A later one that starts at the newest group is brought
    /// it by a FETCH.
    /// Errors: `invalid_argument`, `limit_exceeded`, `closed`.
    pub fn subscribe(
        &mut self,
        track: FullTrackName,
        options: SubscribeOptions,
    ) -> Result<Handle, ClientError> {
        self.check_open()?;
        validate::track(&track)?;
        validate::subscribe(&options)?;
        self.subscriber.subscribe(track, options, &mut self.shared)
    }

    /// Whether the application takes objects of this subscription or fetch now (it does at
    /// first). While it does not, they wait up to the queue's bound, then the class decides.
    pub fn set_reading(&mut self, handle: Handle, reading: bool) {
        self.subscriber.set_reading(handle, reading);
    }

    /// Changes a subscription's priority, 0 is the highest.
    pub fn update_priority(&mut self, handle: Handle, priority: u8) {
        self.subscriber
            .set_priority(handle, priority, &mut self.shared);
    }

    /// Namespaces at or under a prefix, which may be empty. Errors: `invalid_argument`,
    /// `limit_exceeded`, `closed`.
    pub fn discover(&mut self, prefix: Namespace) -> Result<Handle, ClientError> {
        self.check_open()?;
        validate::namespace(&prefix)?;
        let max = self.shared.config.max_requests;
        if self.discovery.len() >= max {
            return Err(too_many(max));
        }
        Ok(self.discovery.discover(prefix, &mut self.shared))
    }

    /// Announces a namespace whether or not something is published under it, until it is cancelled.
    /// [`ClientEvent::PublicationReady`](super::ClientEvent::PublicationReady) or its end follows.
    /// Requests for tracks that are not published are refused. Errors: `invalid_argument`,
    /// `limit_exceeded`, `closed`.
    pub fn announce(&mut self, namespace: Namespace) -> Result<Handle, ClientError> {
        self.check_open()?;
        validate::namespace(&namespace)?;
        if namespace.is_empty() {
            let text = "A namespace to announce needs at least one field.";
            return Err(ClientError::new(ErrorCode::InvalidArgument, text));
        }
        self.publisher.announce_alone(&namespace, &mut self.shared)
    }

    /// Past objects of a track. Errors: `invalid_argument`, `limit_exceeded`, `closed`,
    /// `not_connected` between two connections.
    pub fn fetch(
        &mut self,
        track: FullTrackName,
        options: FetchOptions,
    ) -> Result<Handle, ClientError> {
        self.check_open()?;
        validate::track(&track)?;
        validate::fetch(&options)?;
        self.check_connected("fetch")?;
        self.subscriber.fetch(track, options, &mut self.shared)
    }

    /// What the next hop knows of a track. Errors: `invalid_argument`, `limit_exceeded`, `closed`,
    /// `not_connected` between two connections.
    pub fn status(&mut self, track: FullTrackName) -> Result<Handle, ClientError> {
        self.check_open()?;
        validate::track(&track)?;
        self.check_connected("ask for the status of a track")?;
        self.subscriber.check_room(&self.shared)?;
        let handle = self.shared.next_handle();
        self.subscriber
            .fetches
            .status(handle, track, &mut self.shared);
        Ok(handle)
    }

    /// Ends a subscription, fetch, discovery, announcement or status request, or a publication
    /// without flush: nothing but its end is delivered any more. Idempotent.
    pub fn cancel(&mut self, now: Instant, handle: Handle) {
        let shared = &mut self.shared;
        let _ = self.subscriber.close(handle, shared)
            || self.subscriber.fetches.cancel_status(handle, shared)
            || self.discovery.cancel(handle, shared)
            || self.publisher.withdraw(handle, shared);
        self.publisher.end(now, handle, None, shared);
    }

    /// Closes the client. Without `flush` at once; with it, publications end first, and the session
    /// closes when the peer has acknowledged everything or that time is over. Idempotent.
    pub fn close(&mut self, now: Instant, t: Option<&mut dyn Transport>, flush: Option<Duration>) {
        if self.state == ClientState::Closed {
            return;
        }
        match (flush, t) {
            (Some(flush), Some(t)) if self.session.is_some() && !flush.is_zero() => {
                if self.closing.is_none() {
                    self.closing = Some(now + flush);
                    self.publisher.finish_all(now, flush, &mut self.shared);
                }
                self.pump(now, t);
            }
            (_, t) => {
                if let (Some(session), Some(t)) = (&mut self.session, t) {
                    session.close(t, session_codes::NO_ERROR, "closed");
                }
                self.shut(None);
            }
        }
    }

    /// The state.
    pub fn state(&self) -> ClientState {
        self.state
    }

    /// What was negotiated, once open.
    pub fn info(&self) -> Option<&SessionInfo> {
        self.info.as_ref()
    }

    /// The counters of everything.
    pub fn stats(&self) -> ClientStats {
        let session = self.session_stats();
        ClientStats {
            subscriptions: self
                .subscriber
                .readers
                .values()
                .map(|r| (r.handle, r.track.clone(), r.class, r.stats()))
                .collect(),
            publications: self
                .publisher
                .publications
                .values()
                .map(|p| (p.handle, p.track.clone(), p.class(), p.stats()))
                .collect(),
            datagrams_dropped: session.datagrams_dropped,
            requests_refused: self.shared.refused + session.requests_refused,
            reconnects: self.reconnects,
        }
    }

    /// The counters of one subscription or fetch, while it lives; its last ones until another ends.
    pub fn subscription_stats(&self, handle: Handle) -> Option<SubscriptionStats> {
        self.subscriber
            .readers
            .get(&handle)
            .map(|reader| reader.stats())
            .or_else(|| {
                let (ended, stats) = self.subscriber.last_ended?;
                (ended == handle).then_some(stats)
            })
    }

    /// The counters of one publication, while it lives.
    pub fn publication_stats(&self, handle: Handle) -> Option<PublicationStats> {
        self.publisher
            .publications
            .get(&handle)
            .map(|publication| publication.stats())
    }

    /// The counters of the session; zero without one.
    pub fn session_stats(&self) -> SessionStats {
        self.session
            .as_ref()
            .map(|session| *session.stats())
            .unwrap_or_default()
    }

    /// For what needs an answer now.
    fn check_connected(&self, what: &str) -> Result<(), ClientError> {
        match (self.state, &self.session) {
            (ClientState::Reconnecting, None) => Err(not_connected(what)),
            _ => Ok(()),
        }
    }

    fn check_open(&self) -> Result<(), ClientError> {
        if self.state == ClientState::Closed || self.closing.is_some() {
            let text = "This client is closed: connect a new one.";
            return Err(ClientError::new(ErrorCode::Closed, text));
        }
        Ok(())
    }
}
