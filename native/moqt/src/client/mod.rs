//! The client state machine over a session: publications, subscriptions, discovery, fetch.
//! Sans-I/O; the twin of `packages/core/src/client`.
//!
//! Commands only note what is wanted; [`Client::pump`] writes it. The owner calls, on the thread of
//! the connection: [`Client::attach`] when the transport is ready, [`Client::handle`] for each of
//! its events, [`Client::on_timeout`] when [`Client::poll_timeout`] says so, and after a batch of
//! commands or of polled events [`Client::pump`]. After each of these it polls events until `None`.

mod announce;
mod api;
mod discovery;
pub mod error;
mod events;
mod faults;
mod feed;
mod feeds;
mod fetches;
mod publication;
mod publisher;
mod reader;
mod reading;
mod serve;
mod serve_fetch;
mod shared;
mod subscriber;
#[cfg(test)]
mod tests;
pub mod types;
mod validate;

pub use error::{ClientError, ErrorCode};
pub use types::*;

use crate::session::{Link, Role, Session, SessionClose, SessionConfig};
use crate::transport::{Transport, TransportEvent};
use crate::wire::error::session_codes;
use crate::wire::profile::Draft;
use crate::wire::token::AuthToken;
use discovery::Discovery;
use publisher::Publisher;
use shared::{Cx, Shared};
use std::time::Instant;
use subscriber::Subscriber;

/// One connection's worth of publications and subscriptions. They are kept apart from the session,
/// so that another session can be attached under them.
pub struct Client {
    state: ClientState,
    session: Option<Session>,
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
            info: None,
            shared: Shared::new(config),
            publisher: Publisher::default(),
            subscriber: Subscriber::default(),
            discovery: Discovery::default(),
            closing: None,
            closed: None,
        }
    }

    /// The connection is ready: SETUP goes out, and everything that was asked for meanwhile.
    pub fn attach(&mut self, now: Instant, t: &mut dyn Transport) {
        if self.session.is_some() || self.state == ClientState::Closed {
            return;
        }
        let mut session = Session::new(self.session_config());
        session.start(now, t);
        self.session = Some(session);
        self.shared.attached = true;
        self.pump(now, t);
    }

    fn session_config(&self) -> SessionConfig {
        let config = &self.shared.config;
        let mut session = SessionConfig::client();
        session.draft = Draft::default();
        session.role = if config.initiator {
            Role::Client
        } else {
            Role::Server
        };
        session.link = match (&config.path, &config.authority) {
            (None, None) => Link::WebTransport,
            _ => Link::Quic,
        };
        session.path = config.path.clone();
        session.authority = config.authority.clone();
        session.implementation = Some(config.implementation.clone());
        session.tokens = config.token.iter().cloned().map(token).collect();
        session.limits.max_object_size = config.max_object_size;
        session.limits.setup_timeout = config.setup_timeout;
        session
    }

    /// Takes one event of the connection. Before [`Client::attach`], `Closed` says that it could
    /// not be established.
    pub fn handle(&mut self, now: Instant, t: &mut dyn Transport, event: TransportEvent) {
        match &mut self.session {
            Some(session) => {
                session.handle(now, t, event);
                self.take_session_events(now, t);
                self.pump(now, t);
            }
            None => {
                if let TransportEvent::Closed(reason) = event {
                    self.connection_failed(reason);
                }
            }
        }
    }

    /// The connection is gone, or could not be established at all.
    pub fn connection_failed(&mut self, reason: crate::transport::CloseReason) {
        let error = faults::closed(&SessionClose::Transport(reason));
        self.shut(error);
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
        let session = self.session.as_ref()?;
        let times = [
            session.poll_timeout(),
            self.publisher.poll_timeout(),
            self.subscriber.poll_timeout(),
            self.discovery.poll_timeout(),
            self.closing,
        ];
        times.into_iter().flatten().min()
    }

    /// Whether [`Client::pump`] has something to do.
    pub fn needs_pump(&self) -> bool {
        self.session.is_some() && (self.shared.dirty || !self.shared.cancels.is_empty())
    }

    /// Lets time pass.
    pub fn on_timeout(&mut self, now: Instant, t: &mut dyn Transport) {
        let Some(session) = &mut self.session else {
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
        self.session = None;
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

fn token(value: bytes::Bytes) -> AuthToken {
    // Type 0: the meaning is agreed between the application and its relay.
    AuthToken::UseValue {
        token_type: 0,
        value,
    }
}
