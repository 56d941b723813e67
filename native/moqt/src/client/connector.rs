//! Asks for connections: the first one, and others in place of those that are lost. Sans-I/O: the
//! owner of the connections makes and closes them.

use super::error::{ClientError, ErrorCode};
use super::reconnect::{Backoff, Effort, Reconnect};
use super::types::ClientConfig;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Attempts at an address that a GOAWAY named before the original one has its turn again.
const GOAWAY_ATTEMPTS: u32 = 3;

/// Names one connection of a client, or an attempt at one. Never reused within a client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkId(pub u64);

/// What a client wants of the owner of its connections; see
/// [`poll_link`](super::Client::poll_link).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkCommand {
    /// Make a connection. [`attach`](super::Client::attach) or
    /// [`connect_failed`](super::Client::connect_failed) answers.
    Connect {
        /// The new connection.
        link: LinkId,
        /// Where a GOAWAY sent the client; `None`: to the relay that it was made for.
        url: Option<String>,
        /// How long it may take.
        timeout: Duration,
    },
    /// Close a connection with NO_ERROR, or give up making it. Nothing it does matters any more.
    Close {
        /// The connection.
        link: LinkId,
    },
}

/// How far an attempt is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// The application is asked for a token.
    Token,
    /// The owner makes the connection.
    Connect,
    /// The session waits for the peer's SETUP.
    Setup,
}

struct Attempt {
    link: LinkId,
    until: Instant,
    /// Its session sees to the time by itself.
    carries: bool,
    step: Step,
}

/// An address that a GOAWAY named.
struct Elsewhere {
    url: String,
    failures: u32,
}

/// What the time brings.
pub(super) enum Due {
    Nothing,
    /// Begin the next attempt.
    Attempt,
    /// The attempt took too long.
    Overdue(ClientError),
    /// The effort is over.
    GaveUp(ClientError),
}

pub(super) struct Connector {
    policy: Option<Reconnect>,
    timeout: Duration,
    /// The application is asked for a token before each connection.
    asks: bool,
    token: Option<Bytes>,
    backoff: Option<Backoff>,
    effort: Option<Effort>,
    attempt: Option<Attempt>,
    next_at: Option<Instant>,
    elsewhere: Option<Elsewhere>,
    last: Option<ClientError>,
    /// Since when the newest session stands.
    stood_at: Option<Instant>,
    commands: VecDeque<LinkCommand>,
    links: u64,
}

impl Connector {
    pub fn new(config: &ClientConfig) -> Self {
        Connector {
            policy: config.reconnect,
            timeout: config.connect_timeout,
            asks: config.ask_token,
            token: config.token.clone(),
            backoff: config
                .reconnect
                .map(|policy| Backoff::new(policy, config.seed)),
            effort: None,
            attempt: None,
            next_at: None,
            elsewhere: None,
            last: None,
            stood_at: None,
            commands: VecDeque::new(),
            links: 0,
        }
    }

    /// Whether each connection has a token of its own.
    pub fn renews_token(&self) -> bool {
        self.asks
    }

    pub fn poll(&mut self) -> Option<LinkCommand> {
        self.commands.pop_front()
    }

    pub fn close(&mut self, link: LinkId) {
        self.commands.push_back(LinkCommand::Close { link });
    }

    /// Begins an attempt. Gives its link when the application is to be asked for a token.
    pub fn begin(&mut self, now: Instant) -> Option<LinkId> {
        self.next_at = None;
        self.links += 1;
        let link = LinkId(self.links);
        self.attempt = Some(Attempt {
            link,
            until: now + self.timeout,
            carries: false,
            step: Step::Token,
        });
        if self.asks {
            return Some(link);
        }
        self.dial(now);
        None
    }

    /// The application's token for an attempt. False: nothing waits for it any more.
    pub fn supply(&mut self, now: Instant, link: LinkId, token: Bytes) -> bool {
        if !self.waits_for_token(link) {
            return false;
        }
        self.token = Some(token);
        self.dial(now);
        true
    }

    pub fn waits_for_token(&self, link: LinkId) -> bool {
        let waits = |attempt: &Attempt| attempt.link == link && attempt.step == Step::Token;
        self.attempt.as_ref().is_some_and(waits)
    }

    fn dial(&mut self, now: Instant) {
        let Some(attempt) = &mut self.attempt else {
            return;
        };
        attempt.step = Step::Connect;
        self.commands.push_back(LinkCommand::Connect {
            link: attempt.link,
            url: self.elsewhere.as_ref().map(|to| to.url.clone()),
            timeout: attempt.until.saturating_duration_since(now),
        });
    }

    /// A connection stands: the token for its SETUP and the time that this may take. `None`: nobody
    /// waits for it. Before [`Connector::begin`], any connection is taken. `carries`: everything
    /// goes through it at once.
    pub fn attached(
        &mut self,
        now: Instant,
        link: LinkId,
        carries: bool,
    ) -> Option<(Option<Bytes>, Duration)> {
        if self.links == 0 {
            self.links = link.0;
            self.attempt = Some(Attempt {
                link,
                until: now + self.timeout,
                carries: false,
                step: Step::Connect,
            });
        }
        let attempt = self.attempt.as_mut()?;
        if attempt.link != link || attempt.step != Step::Connect {
            return None;
        }
        attempt.step = Step::Setup;
        attempt.carries = carries;
        let left = attempt.until.saturating_duration_since(now);
        Some((self.token.clone(), left.max(Duration::from_millis(1))))
    }

    /// Whether this is the attempt under way.
    pub fn is_trying(&self, link: LinkId) -> bool {
        self.attempt
            .as_ref()
            .is_some_and(|attempt| attempt.link == link)
    }

    /// The session of the attempt stands.
    pub fn stood(&mut self, now: Instant) {
        self.attempt = None;
        self.effort = None;
        self.next_at = None;
        self.stood_at = Some(now);
    }

    /// Works on another session until one stands or there is no hope. `url`: where a GOAWAY sent
    /// us; empty for the same address.
    pub fn restore(&mut self, now: Instant, reason: ClientError, url: &str) {
        if !url.is_empty() {
            let url = url.to_owned();
            self.elsewhere = Some(Elsewhere { url, failures: 0 });
        }
        let (Some(policy), Some(backoff)) = (&self.policy, &mut self.backoff) else {
            return;
        };
        if self.effort.is_some() {
            return;
        }
        // One that is lost again right after it stood is not asked more often than one that is away.
        let lasted = self.stood_at.is_some_and(|at| now >= at + policy.max_delay);
        if lasted {
            backoff.reset();
        }
        self.last = Some(reason);
        self.effort = Some(Effort::new(policy, self.asks, now));
        self.schedule(now);
    }

    fn schedule(&mut self, now: Instant) {
        let wait = self.backoff.as_mut().map_or(Duration::ZERO, Backoff::next);
        let until = self.effort.as_ref().and_then(Effort::until);
        let at = now + wait;
        self.next_at = Some(until.map_or(at, |until| at.min(until)));
    }

    /// The attempt has failed. Gives the error to end with when no other may help.
    pub fn failed(&mut self, now: Instant, error: ClientError) -> Option<ClientError> {
        self.attempt = None;
        let Some(effort) = &mut self.effort else {
            return Some(error);
        };
        if effort.is_ended_by(&error) {
            return Some(error);
        }
        self.last = Some(error);
        if let Some(to) = &mut self.elsewhere {
            to.failures += 1;
            if to.failures >= GOAWAY_ATTEMPTS {
                self.elsewhere = None;
            }
        }
        self.schedule(now);
        None
    }

    /// No connection is wanted any more.
    pub fn stop(&mut self) {
        self.next_at = None;
        self.effort = None;
        // What was not made yet need not be.
        self.commands
            .retain(|command| matches!(command, LinkCommand::Close { .. }));
        if let Some(attempt) = self.attempt.take() {
            if attempt.step != Step::Token {
                self.close(attempt.link);
            }
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let attempt = self.attempt.as_ref().filter(|attempt| !attempt.carries);
        let attempt = attempt.map(|attempt| attempt.until);
        match (self.next_at, attempt) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        }
    }

    pub fn on_timeout(&mut self, now: Instant) -> Due {
        if self.next_at.is_some_and(|at| at <= now) {
            self.next_at = None;
            return match (&self.effort, &self.last) {
                (Some(effort), Some(last)) if effort.until().is_some_and(|until| until <= now) => {
                    Due::GaveUp(effort.gave_up(last, now))
                }
                _ => Due::Attempt,
            };
        }
        let overdue = |attempt: &mut Attempt| attempt.until <= now && !attempt.carries;
        let Some(attempt) = self.attempt.take_if(overdue) else {
            return Due::Nothing;
        };
        let allowed = self.timeout.as_millis();
        let error = match attempt.step {
            Step::Token => ClientError::new(
                ErrorCode::Unauthorized,
                format!("No token was given within the connect timeout of {allowed} ms."),
            ),
            Step::Connect | Step::Setup => {
                self.close(attempt.link);
                let message = format!(
                    "The relay did not answer within {allowed} ms. Check address and port, and that UDP is not blocked."
                );
                ClientError::new(ErrorCode::Timeout, message)
            }
        };
        Due::Overdue(error)
    }
}
