//! The connections of a client: how one begins to carry it, and what happens when one is lost.

use super::connector::{Due, LinkCommand, LinkId};
use super::error::{ClientError, ErrorCode};
use super::reconnect::can_reconnect;
use super::types::{ClientEvent, ClientState};
use super::{faults, Client};
use crate::session::{Link, Role, Session, SessionClose, SessionConfig, SessionEvent};
use crate::transport::{Transport, TransportEvent};
use crate::wire::token::AuthToken;
use bytes::Bytes;
use std::time::{Duration, Instant};

/// What SETUP says of the address; over WebTransport the CONNECT request has said it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SetupAddress {
    /// PATH option of SETUP; raw QUIC only.
    pub path: Option<String>,
    /// AUTHORITY option of SETUP; raw QUIC only.
    pub authority: Option<String>,
}

impl Client {
    /// Begins with the first connection. It is one attempt: when it fails the client closes.
    pub fn connect(&mut self, now: Instant) {
        if self.state == ClientState::Connecting && self.session.is_none() {
            self.attempt(now);
        }
    }

    /// What the owner of the connections is to do next; `None` when there is nothing now.
    pub fn poll_link(&mut self) -> Option<LinkCommand> {
        self.connector.poll()
    }

    /// The connection whose transport [`Client::pump`] and [`Client::on_timeout`] take; `None` while
    /// there is none.
    pub fn link(&self) -> Option<LinkId> {
        self.link
    }

    /// Answers [`ClientEvent::TokenWanted`]: the token, or why there is none, which fails that
    /// attempt. False when nothing waits for it any more.
    pub fn supply_token(
        &mut self,
        now: Instant,
        link: LinkId,
        token: Result<Bytes, String>,
    ) -> bool {
        if !self.connector.waits_for_token(link) {
            return false;
        }
        match token {
            Ok(token) => self.connector.supply(now, link, token),
            Err(why) => {
                let message = format!("There is no token for the connection: {why}");
                let mut error = ClientError::new(ErrorCode::Unauthorized, message);
                error.retryable = true;
                self.attempt_failed(now, error);
                true
            }
        }
    }

    /// A connection is ready: SETUP goes out and, when no session stands, everything that was asked
    /// for meanwhile. A client that was not told to [`Client::connect`] takes any connection.
    pub fn attach(
        &mut self,
        now: Instant,
        link: LinkId,
        address: &SetupAddress,
        t: &mut dyn Transport,
    ) {
        if self.state == ClientState::Closed {
            return;
        }
        let carries = self.session.is_none();
        let Some((token, left)) = self.connector.attached(now, link, carries) else {
            return;
        };
        let mut session = Session::new(self.session_config(address, token, left));
        session.start(now, t);
        if carries {
            self.carry(now, link, session);
            self.pump(now, t);
        } else {
            self.next = Some(session);
        }
    }

    /// Everything goes through this session from now on.
    fn carry(&mut self, now: Instant, link: LinkId, session: Session) {
        self.session = Some(session);
        self.link = Some(link);
        self.stands = false;
        self.shared.attached();
        if self.state != ClientState::Connecting {
            self.subscriber.recover(now, self.shared.config.reconnect);
        }
    }

    fn session_config(
        &self,
        address: &SetupAddress,
        token: Option<Bytes>,
        setup_timeout: Duration,
    ) -> SessionConfig {
        let config = &self.shared.config;
        let mut session = SessionConfig::client();
        session.role = match config.initiator {
            true => Role::Client,
            false => Role::Server,
        };
        session.link = match (&address.path, &address.authority) {
            (None, None) => Link::WebTransport,
            _ => Link::Quic,
        };
        session.path = address.path.clone();
        session.authority = address.authority.clone();
        session.implementation = Some(config.implementation.clone());
        // Type 0: the meaning is agreed between the application and its relay.
        let token = token.map(|value| AuthToken::UseValue {
            token_type: 0,
            value,
        });
        session.tokens = token.into_iter().collect();
        session.limits.max_object_size = config.max_object_size;
        session.limits.setup_timeout = setup_timeout;
        session.limits.response_timeout = config.request_timeout;
        session
    }

    /// Takes one event of a connection. Before [`Client::attach`], `Closed` says that it could not
    /// be established.
    pub fn handle(
        &mut self,
        now: Instant,
        link: LinkId,
        t: &mut dyn Transport,
        event: TransportEvent,
    ) {
        if self.link == Some(link) {
            if let Some(session) = &mut self.session {
                session.handle(now, t, event);
            }
            self.take_session_events(now, t);
            self.pump(now, t);
        } else if self.connector.is_trying(link) {
            match &mut self.next {
                Some(session) => {
                    session.handle(now, t, event);
                    self.take_next_events(now, link, t);
                }
                None => {
                    if let TransportEvent::Closed(reason) = event {
                        self.attempt_closed(now, &SessionClose::Transport(reason));
                    }
                }
            }
        }
    }

    /// A connection could not be made.
    pub fn connect_failed(&mut self, now: Instant, link: LinkId, error: ClientError) {
        if self.connector.is_trying(link) && self.link != Some(link) {
            self.next = None;
            self.attempt_failed(now, error);
        }
    }

    /// The next session waits only for the peer's SETUP; then it takes over from the one that is
    /// going away.
    fn take_next_events(&mut self, now: Instant, link: LinkId, t: &mut dyn Transport) {
        match self.next.as_ref().and_then(Session::peek_event) {
            Some(SessionEvent::Ready { .. }) => {}
            Some(SessionEvent::Closed { reason }) => {
                let reason = reason.clone();
                self.next = None;
                return self.attempt_closed(now, &reason);
            }
            _ => return,
        }
        let old = self.link.take();
        self.detach();
        if let Some(old) = old {
            self.connector.close(old);
        }
        if let Some(session) = self.next.take() {
            self.carry(now, link, session);
        }
        self.take_session_events(now, t);
        self.pump(now, t);
    }

    fn attempt(&mut self, now: Instant) {
        if let Some(link) = self.connector.begin(now) {
            self.shared.event(ClientEvent::TokenWanted(link));
        }
    }

    fn attempt_closed(&mut self, now: Instant, reason: &SessionClose) {
        let error = faults::closed(reason).unwrap_or_else(|| {
            ClientError::new(ErrorCode::Cancelled, "The connection was closed here.")
        });
        self.attempt_failed(now, error);
    }

    fn attempt_failed(&mut self, now: Instant, error: ClientError) {
        match self.connector.failed(now, error) {
            Some(error) => self.shut(Some(error)),
            None if !self.stands => self.detach(),
            None => {}
        }
    }

    pub(super) fn connector_timeout(&mut self, now: Instant) {
        match self.connector.on_timeout(now) {
            Due::Nothing => {}
            Due::Attempt => self.attempt(now),
            Due::GaveUp(error) => self.shut(Some(error)),
            Due::Overdue(error) => {
                self.next = None;
                self.attempt_failed(now, error);
            }
        }
    }

    /// The peer wants its clients elsewhere: another session is made while this one goes on.
    pub(super) fn on_goaway(&mut self, now: Instant, uri: &[u8]) {
        if self.shared.config.reconnect.is_none() || self.closing.is_some() {
            // What runs goes on; the close that follows is told with its reason.
            return;
        }
        let uri = String::from_utf8_lossy(uri);
        let where_to = match uri.is_empty() {
            true => String::new(),
            false => format!(" It names {uri}."),
        };
        let message = format!("The relay goes away.{where_to}");
        let reason = ClientError::new(ErrorCode::GoingAway, message);
        self.connector.restore(now, reason.clone(), &uri);
        self.reconnecting(reason);
    }

    /// The session is over.
    pub(super) fn on_session_closed(&mut self, now: Instant, reason: &SessionClose) {
        let Some(error) = faults::closed(reason) else {
            return self.shut(None);
        };
        let reconnects = self.shared.config.reconnect.is_some() && self.closing.is_none();
        if !self.stands {
            return self.attempt_failed(now, error);
        }
        if !reconnects || !can_reconnect(error.code, self.connector.renews_token()) {
            return self.shut(Some(error));
        }
        log::warn!("{}", error.message);
        self.detach();
        self.connector.restore(now, error.clone(), "");
        self.reconnecting(error);
    }

    fn reconnecting(&mut self, reason: ClientError) {
        if self.state == ClientState::Reconnecting {
            return;
        }
        self.state = ClientState::Reconnecting;
        self.shared.event(ClientEvent::State {
            state: ClientState::Reconnecting,
            info: None,
            error: Some(reason),
        });
    }

    /// The session is over and another one is to come: what it carried waits for that.
    fn detach(&mut self) {
        self.session = None;
        self.link = None;
        self.stands = false;
        self.publisher.detach(&mut self.shared);
        self.subscriber.detach(&mut self.shared);
        self.discovery.detach();
        self.shared.detached();
    }
}
