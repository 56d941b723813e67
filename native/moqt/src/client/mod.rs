//! The client state machine over a session: publications, subscriptions, discovery, fetch.
//! Sans-I/O; the twin of `packages/core/src/client`.
//!
//! Commands only note what is wanted; [`Client::pump`] writes it. The owner of the connections calls
//! [`Client::connect`] once, makes and closes connections as [`Client::poll_link`] says, and calls,
//! on their thread: [`Client::attach`] when one is ready, [`Client::handle`] for each of its events,
//! [`Client::on_timeout`] when [`Client::poll_timeout`] says so, and after a batch of commands or of
//! polled events [`Client::pump`]. After each of these it polls events, then links, until `None`.

mod announce;
mod api;
mod connector;
mod discovery;
pub mod error;
mod events;
mod faults;
mod feed;
mod feeds;
mod fetches;
mod join;
mod links;
mod publication;
mod publisher;
mod reader;
mod reading;
mod reconnect;
mod resumption;
mod serve;
mod serve_fetch;
mod shared;
mod subscriber;
#[cfg(test)]
mod tests;
mod tolerances;
pub mod types;
mod validate;

pub use connector::{LinkCommand, LinkId};
pub use error::{ClientError, ErrorCode};
pub use links::SetupAddress;
pub use reconnect::Reconnect;
pub use types::*;

use crate::session::Session;
use crate::transport::Transport;
use crate::wire::error::session_codes;
use connector::Connector;
use discovery::Discovery;
use publisher::Publisher;
use shared::{Cx, Shared};
use std::time::Instant;
use subscriber::Subscriber;

/// Publications, subscriptions and requests, which outlive the connections that carry them.
pub struct Client {
    state: ClientState,
    /// The session that carries everything.
    session: Option<Session>,
    /// Its connection.
    link: Option<LinkId>,
    /// Its peer's SETUP came.
    stands: bool,
    /// After a GOAWAY: the next session, until its peer's SETUP came. The old one goes on meanwhile.
    next: Option<Session>,
    connector: Connector,
    reconnects: u64,
    info: Option<SessionInfo>,
    shared: Shared,
    publisher: Publisher,
    subscriber: Subscriber,
    discovery: Discovery,
    /// A close that waits for acknowledgements, until then.
    closing: Option<Instant>,
    /// Told once, as the last event.
    closed: Option<Option<ClientError>>,
}

impl Client {
    /// A client without a connection. Publications and subscriptions may be made already.
    pub fn new(config: ClientConfig) -> Self {
        Client {
            state: ClientState::Connecting,
            session: None,
            link: None,
            stands: false,
            next: None,
            connector: Connector::new(&config),
            reconnects: 0,
            info: None,
            shared: Shared::new(config),
            publisher: Publisher::default(),
            subscriber: Subscriber::default(),
            discovery: Discovery::default(),
            closing: None,
            closed: None,
        }
    }

    /// Writes what commands asked for. Call after a batch of commands or of polled events.
    pub fn pump(&mut self, now: Instant, t: &mut dyn Transport) {
        let Some(session) = &mut self.session else {
            return;
        };
        self.shared.dirty = false;
        let control = std::mem::take(&mut self.shared.control);
        self.shared.max_datagram = t.max_datagram_size();
        for (id, code) in std::mem::take(&mut self.shared.cancels) {
            session.cancel(t, id, code);
        }
        let mut cx = Cx {
            now,
            session,
            t,
            shared: &mut self.shared,
        };
        self.publisher.pump(&mut cx, control);
        self.subscriber.pump(&mut cx, control);
        if control {
            self.discovery.pump(&mut cx);
        }
        for (id, code) in std::mem::take(&mut self.shared.cancels) {
            if let Some(session) = &mut self.session {
                session.cancel(t, id, code);
            }
        }
        self.take_session_events(now, t);
        self.finish_closing(now, t);
    }

    /// When [`Client::on_timeout`] wants to be called; in the past when a pump is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let session = self.session.as_ref();
        let times = [
            self.connector.poll_timeout(),
            session.and_then(Session::poll_timeout),
            session.and_then(|_| self.publisher.poll_timeout()),
            session.and_then(|_| self.subscriber.poll_timeout()),
            session.and_then(|_| self.discovery.poll_timeout()),
            self.closing,
        ];
        times.into_iter().flatten().min()
    }

    /// Whether [`Client::pump`] has something to do.
    pub fn needs_pump(&self) -> bool {
        self.session.is_some() && (self.shared.dirty || !self.shared.cancels.is_empty())
    }

    /// Lets time pass. `t`: the transport of [`Client::link`], if there is one.
    pub fn on_timeout(&mut self, now: Instant, t: Option<&mut dyn Transport>) {
        self.connector_timeout(now);
        let (Some(session), Some(t)) = (&mut self.session, t) else {
            return;
        };
        session.on_timeout(now, t);
        let mut cx = Cx {
            now,
            session,
            t,
            shared: &mut self.shared,
        };
        self.publisher.on_timeout(&mut cx);
        self.subscriber.on_timeout(&mut cx);
        self.discovery.on_timeout(now, &mut self.shared);
        self.take_session_events(now, t);
        self.pump(now, t);
    }

    /// The next event; `None` when there is none now. After [`ClientEvent::Closed`] none follows.
    pub fn poll_event(&mut self, now: Instant) -> Option<ClientEvent> {
        if let Some(event) = self.shared.events.pop_front() {
            return Some(event);
        }
        if let Some(event) = self.subscriber.poll(now, &mut self.shared) {
            return Some(event);
        }
        self.closed.take().map(ClientEvent::Closed)
    }

    /// A flush is through, or its time is over: closes.
    fn finish_closing(&mut self, now: Instant, t: &mut dyn Transport) {
        let Some(until) = self.closing else { return };
        if !self.publisher.is_acked() && now < until {
            return;
        }
        if let Some(session) = &mut self.session {
            session.close(t, session_codes::NO_ERROR, "closed");
        }
        self.shut(None);
    }

    /// The end: every handle gets its terminal event, then the client its own.
    fn shut(&mut self, error: Option<ClientError>) {
        if self.state == ClientState::Closed {
            return;
        }
        self.state = ClientState::Closed;
        self.connector.stop();
        let session = self.session.take();
        let open = session.is_some_and(|session| !session.is_closed());
        if let Some(link) = self.link.take().filter(|_| open) {
            self.connector.close(link);
        }
        self.next = None;
        self.closing = None;
        let end = match &error {
            Some(error) => End::Error(error.clone()),
            None => End::Closed,
        };
        if error.is_none() {
            // Closed by the application: what waits is not delivered any more, ends are.
            self.shared
                .events
                .retain(|event| matches!(event, ClientEvent::Ended(..)));
        }
        self.publisher.close_all(&end, &mut self.shared);
        self.subscriber
            .close_all(&end, error.is_some(), &mut self.shared);
        self.discovery.close_all(&end, &mut self.shared);
        self.shared.routes.clear();
        self.shared.cancels.clear();
        self.shared.event(ClientEvent::State {
            state: ClientState::Closed,
            info: None,
            error: error.clone(),
        });
        self.closed = Some(error);
    }
}
