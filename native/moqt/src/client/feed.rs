//! One subscription on the wire, with as many readers as wanted.

use super::types::{Handle, Start, SubscribeOptions};
use crate::delivery::{Receiver, ReceiverConfig, TrackInfo};
use crate::session::{RequestId, SessionError};
use crate::transport::StreamId;
use crate::wire::error::request_codes;
use crate::wire::location::Location;
use crate::wire::message::{Fetch, FetchRange, PublishDone, Request, RequestError, Subscribe};
use crate::wire::name::FullTrackName;
use crate::wire::params::{Parameters, SubscriptionFilter};
use std::time::{Duration, Instant};

use super::shared::{Cx, Route};

/// How long a joining fetch may take before live objects go on without it.
pub(super) const JOIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How far a feed is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FeedState {
    /// SUBSCRIBE is to be sent.
    Unsent,
    Sent(RequestId),
    Active(RequestId),
}

/// Requests travel on streams of their own, so a joining fetch may come before its SUBSCRIBE and be
/// refused for it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum JoinAgain {
    #[default]
    Untried,
    Wanted,
    Done,
}

pub(super) struct Feed {
    pub id: u64,
    pub track: FullTrackName,
    pub state: FeedState,
    pub options: SubscribeOptions,
    pub receiver: Receiver,
    pub readers: Vec<Handle>,
    pub info: TrackInfo,
    pub largest: Option<Location>,
    /// The newest location delivered.
    pub delivered: Option<Location>,
    pub join: Option<RequestId>,
    pub join_stream: Option<StreamId>,
    pub join_paused: bool,
    pub join_until: Option<Instant>,
    pub join_again: JoinAgain,
    pub priority: u8,
    /// The priority that the peer was told.
    pub told_priority: u8,
    pub done: Option<PublishDone>,
}

impl Feed {
    pub fn new(id: u64, track: FullTrackName, options: &SubscribeOptions) -> Self {
        Feed {
            id,
            track,
            state: FeedState::Unsent,
            receiver: receiver(options),
            readers: Vec::new(),
            info: TrackInfo::default(),
            largest: None,
            delivered: None,
            join: None,
            join_stream: None,
            join_paused: false,
            join_until: None,
            join_again: JoinAgain::default(),
            priority: options.priority,
            told_priority: options.priority,
            done: None,
            options: options.clone(),
        }
    }

    pub fn request(&self) -> Option<RequestId> {
        match self.state {
            FeedState::Unsent => None,
            FeedState::Sent(request) | FeedState::Active(request) => Some(request),
        }
    }

    /// Begins anew at the newest group.
    pub fn restart(&mut self) {
        self.state = FeedState::Unsent;
        self.receiver = receiver(&self.options);
        self.join = None;
        self.join_stream = None;
        self.join_paused = false;
        self.join_until = None;
        self.join_again = JoinAgain::default();
        self.done = None;
    }

    /// Sends SUBSCRIBE, and with it the joining fetch. Keeps trying while streams are missing.
    pub fn send(&mut self, cx: &mut Cx<'_>) -> Result<(), SessionError> {
        let filter = match self.options.start {
            Start::LatestGroup | Start::Now => SubscriptionFilter::LargestObject,
            Start::Next => SubscriptionFilter::NextGroupStart,
        };
        let wait = self.options.wait.as_millis() as u64;
        let params = Parameters {
            filter: Some(filter),
            subscriber_priority: (self.priority != 128).then_some(self.priority),
            rendezvous_timeout: (wait > 0).then_some(wait),
            ..Parameters::default()
        };
        let subscribe = Subscribe {
            track: self.track.clone(),
            params,
        };
        let request = match cx
            .session
            .request(cx.now, cx.t, Request::Subscribe(subscribe))
        {
            Err(SessionError::NoStreams) => return Ok(()),
            other => other?,
        };
        self.state = FeedState::Sent(request);
        self.told_priority = self.priority;
        cx.shared.routes.insert(request, Route::Feed(self.id));
        if self.options.start == Start::LatestGroup {
            self.send_join(request, cx);
        }
        Ok(())
    }

    fn send_join(&mut self, subscribe: RequestId, cx: &mut Cx<'_>) {
        let range = FetchRange::RelativeJoining {
            request_id: subscribe.0,
            groups: 0,
        };
        let params = Parameters {
            subscriber_priority: (self.priority != 128).then_some(self.priority),
            ..Parameters::default()
        };
        let fetch = Request::Fetch(Fetch { range, params });
        match cx.session.request(cx.now, cx.t, fetch) {
            Ok(fetch) => {
                self.join = Some(fetch);
                cx.shared.routes.insert(fetch, Route::FeedFetch(self.id));
            }
            // Live objects only: better than waiting for a stream.
            Err(_) => self
                .receiver
                .on_fetch_end(cx.now, crate::delivery::FetchEnd::Refused),
        }
    }

    /// Whether the joining fetch was refused only because it came before its SUBSCRIBE. It is sent
    /// once more then, when the subscription stands.
    pub fn join_overtook(&mut self, error: &RequestError) -> bool {
        let early = error.code == request_codes::INVALID_JOINING_REQUEST_ID
            && self.join_again == JoinAgain::Untried;
        if early {
            self.join = None;
            self.join_again = JoinAgain::Wanted;
        }
        early
    }

    /// Sends the joining fetch again, when that is wanted and possible.
    pub fn join_again(&mut self, cx: &mut Cx<'_>) {
        if let (JoinAgain::Wanted, FeedState::Active(subscribe)) = (self.join_again, &self.state) {
            self.join_again = JoinAgain::Done;
            self.send_join(*subscribe, cx);
        }
    }

    /// SUBSCRIBE_OK.
    pub fn accepted(&mut self, now: Instant, info: TrackInfo, largest: Option<Location>) {
        if let FeedState::Sent(request) = self.state {
            self.state = FeedState::Active(request);
        }
        self.info = info;
        self.largest = largest;
        let start = largest.map(|largest| match self.options.start {
            Start::Next => Location::new(largest.group.saturating_add(1), 0),
            Start::LatestGroup | Start::Now => {
                Location::new(largest.group, largest.object.saturating_add(1))
            }
        });
        self.receiver.on_ok(now, &info, start);
        if self.receiver.is_joining() {
            self.join_until = Some(now + JOIN_TIMEOUT);
        }
    }

    /// Lets the joining fetch's stream flow, when it does not.
    pub fn resume_join(&mut self) -> Option<(StreamId, bool)> {
        let stream = self.join_stream?;
        std::mem::take(&mut self.join_paused).then_some((stream, false))
    }

    /// Holds the joining fetch's stream back, when it flows. The reader decides how long, so the
    /// time that it may take begins anew when it goes on.
    pub fn pause_join(&mut self) -> Option<(StreamId, bool)> {
        let stream = self.join_stream?;
        (!std::mem::replace(&mut self.join_paused, true)).then_some((stream, true))
    }

    /// When live objects go on without the joining fetch; not while the reader holds it back.
    pub fn join_due(&self) -> Option<Instant> {
        self.join_until.filter(|_| !self.join_paused)
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        match (self.receiver.poll_timeout(), self.join_due()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        }
    }
}

fn receiver(options: &SubscribeOptions) -> Receiver {
    let config = ReceiverConfig {
        delivery: options.delivery,
        unordered: options.unordered,
        gap_timeout: options.gap_timeout,
        queue_bytes: options.queue_bytes,
    };
    Receiver::new(config, options.start == Start::LatestGroup)
}
