//! One subscription on the wire, with as many readers as wanted.

use super::reconnect::Reconnect;
use super::resumption::{location_of, lost, Resumption};
use super::types::{Gap, Handle, Start, SubscribeOptions};
use crate::delivery::{Delivery, DeliveryClass, Receiver, ReceiverConfig, TrackInfo};
use crate::session::{RequestId, SessionError};
use crate::transport::StreamId;
use crate::wire::error::request_codes;
use crate::wire::location::Location;
use crate::wire::message::{Fetch, FetchRange, PublishDone, Request, RequestError, Subscribe};
use crate::wire::name::FullTrackName;
use crate::wire::params::{Parameters, SubscriptionFilter};
use std::time::{Duration, Instant};

use super::shared::{Cx, Route};

/// How long a joining fetch may stand still before live objects go on without it.
pub(super) const JOIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take for one object, however steadily that comes.
const JOIN_OBJECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long others who lost the same relay may take to come back to it: as long as the default of
/// [`Reconnect::max_delay`]. Until then their absence does not mean that they are gone.
const RETURN_GRACE: Duration = Duration::from_secs(5);
/// Without a limit.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Shortest and longest wait between two such requests.
const RECOVER_DELAY: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(1_000)];

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
    /// Bytes that had come of the joining fetch's next object when that was last looked at.
    join_partial: usize,
    /// Until when that object is waited for, while it comes.
    join_limit: Option<Instant>,
    pub join_again: JoinAgain,
    /// The joining fetch asks for all since this group, not only for the newest one.
    join_since: Option<u64>,
    /// Set from an interruption until an object follows.
    pub resumption: Option<Resumption>,
    /// Until when refusals are taken to mean that the publisher is not back yet.
    recover_until: Option<Instant>,
    /// SUBSCRIBE is not sent before.
    again_at: Option<Instant>,
    retries: u32,
    /// A subscription stood once.
    stood: bool,
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
            receiver: Receiver::new(
                receiver_config(options),
                options.start == Start::LatestGroup,
            ),
            readers: Vec::new(),
            info: TrackInfo::default(),
            largest: None,
            delivered: None,
            join: None,
            join_stream: None,
            join_paused: false,
            join_until: None,
            join_partial: 0,
            join_limit: None,
            join_again: JoinAgain::default(),
            join_since: None,
            resumption: None,
            recover_until: None,
            again_at: None,
            retries: 0,
            stood: false,
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

    /// The session or the publisher was lost: when another subscription stands, what follows the
    /// newest object delivered is asked for.
    pub fn interrupt(&mut self) {
        match (&mut self.resumption, self.delivered) {
            (Some(resumption), _) => resumption.again(),
            (none, Some(after)) => *none = Some(Resumption::new(after)),
            (None, None) => {}
        }
        self.restart();
    }

    /// The peer gave the subscription up because it did not keep up: it goes on at the newest group,
    /// behind what was delivered.
    pub fn fall_behind(&mut self) {
        match (&mut self.resumption, self.delivered) {
            (Some(resumption), _) => resumption.again(),
            (none, Some(after)) => *none = Some(Resumption::behind(after)),
            (None, None) => {}
        }
        self.options.start = Start::LatestGroup;
    }

    /// A passing absence of the publisher is waited for from now on: as long as for a connection,
    /// but only a moment for a track that never was there.
    pub fn recover(&mut self, now: Instant, policy: Option<Reconnect>) {
        let Some(policy) = policy else { return };
        let most = policy.timeout.unwrap_or(FOREVER);
        let wait = if self.stood {
            most
        } else {
            most.min(RETURN_GRACE)
        };
        self.recover_until = Some(now + wait);
        self.again_at = None;
        self.retries = 0;
    }

    /// Subscribes anew a moment later, longer after each time.
    pub fn try_again(&mut self, now: Instant) {
        let [least, most] = RECOVER_DELAY;
        let wait = least.saturating_mul(1 << self.retries.min(10)).min(most);
        self.retries += 1;
        self.again_at = Some(now + wait);
    }

    /// Whether a refusal passes when the publisher is back, and may be waited out.
    pub fn waits_out(&self, now: Instant, error: &RequestError) -> bool {
        let passes = matches!(
            error.code,
            request_codes::DOES_NOT_EXIST
                | request_codes::TIMEOUT
                | request_codes::GOING_AWAY
                | request_codes::EXCESSIVE_LOAD
                | request_codes::INTERNAL_ERROR
        );
        passes && self.recover_until.is_some_and(|until| now < until)
    }

    /// The time to subscribe anew has come.
    pub fn is_again_due(&mut self, now: Instant) -> bool {
        self.again_at.take_if(|at| *at <= now).is_some()
    }

    /// Begins anew at the newest group.
    pub fn restart(&mut self) {
        self.state = FeedState::Unsent;
        self.receiver = Receiver::new(receiver_config(&self.options), self.joins());
        self.join = None;
        self.join_stream = None;
        self.join_paused = false;
        self.join_until = None;
        self.join_again = JoinAgain::default();
        self.join_since = None;
        self.done = None;
    }

    /// Whether a joining fetch goes with SUBSCRIBE.
    fn joins(&self) -> bool {
        self.options.start == Start::LatestGroup || self.resumption.is_some()
    }

    /// Sends SUBSCRIBE, and with it the joining fetch. Keeps trying while streams are missing.
    pub fn send(&mut self, cx: &mut Cx<'_>) -> Result<(), SessionError> {
        if self.again_at.is_some() {
            return Ok(());
        }
        let filter = match (self.options.start, &self.resumption) {
            (Start::Next, None) => SubscriptionFilter::NextGroupStart,
            _ => SubscriptionFilter::LargestObject,
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
            // The next connection takes it.
            Err(SessionError::GoingAway) if cx.shared.recovers() => return Ok(()),
            other => other?,
        };
        self.state = FeedState::Sent(request);
        self.told_priority = self.priority;
        cx.shared.routes.insert(request, Route::Feed(self.id));
        // What the class was before; a publisher does not change it.
        let class = self.info.class.unwrap_or(self.options.delivery);
        let since = self.resumption.as_ref();
        self.join_since = since
            .filter(|since| class == DeliveryClass::Reliable && !since.newest_only())
            .map(|since| since.after.group);
        if self.joins() {
            self.send_join(request, cx);
        }
        Ok(())
    }

    fn send_join(&mut self, subscribe: RequestId, cx: &mut Cx<'_>) {
        let request_id = subscribe.0;
        let range = match self.join_since {
            Some(group) => FetchRange::AbsoluteJoining { request_id, group },
            None => FetchRange::RelativeJoining {
                request_id,
                groups: 0,
            },
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
            Err(_) => {
                self.past_is_lost();
                self.receiver
                    .on_fetch_end(cx.now, crate::delivery::FetchEnd::Refused);
            }
        }
    }

    /// What lay between an interruption and the newest group cannot be had.
    pub fn past_is_lost(&mut self) {
        if let Some(resumption) = &mut self.resumption {
            resumption.past_is_lost();
        }
    }

    /// Whether the joining fetch was refused for something that another one may not be: it came
    /// before its SUBSCRIBE, or asked for more than the peer can give. It is sent once more then,
    /// when the subscription stands.
    pub fn joins_again(&mut self, error: &RequestError) -> bool {
        let early = error.code == request_codes::INVALID_JOINING_REQUEST_ID
            && self.join_again == JoinAgain::Untried;
        let too_much = error.code != request_codes::NOT_SUPPORTED && self.join_since.is_some();
        if !early && !too_much {
            return false;
        }
        if !early {
            // What the peer has of the newest group will do.
            self.join_since = None;
            self.past_is_lost();
        }
        self.join = None;
        self.join_again = JoinAgain::Wanted;
        true
    }

    /// Sends the joining fetch again, when that is wanted and possible.
    pub fn join_again(&mut self, cx: &mut Cx<'_>) {
        if let (JoinAgain::Wanted, FeedState::Active(subscribe)) = (self.join_again, &self.state) {
            self.join_again = JoinAgain::Done;
            self.send_join(*subscribe, cx);
        }
    }

    /// SUBSCRIBE_OK. Gives the gap to report when the track began anew meanwhile.
    pub fn accepted(
        &mut self,
        now: Instant,
        info: TrackInfo,
        largest: Option<Location>,
    ) -> Option<Gap> {
        if let FeedState::Sent(request) = self.state {
            self.state = FeedState::Active(request);
        }
        self.stood = true;
        self.recover_until = None;
        self.retries = 0;
        self.info = info;
        self.largest = largest;
        let next_group = self.options.start == Start::Next && self.resumption.is_none();
        let start = largest.map(|largest| match next_group {
            true => Location::new(largest.group.saturating_add(1), 0),
            false => Location::new(largest.group, largest.object.saturating_add(1)),
        });
        let anew = |old: &mut Resumption| !old.accepted(largest, info.class.is_some());
        let gap = self.resumption.take_if(anew).and_then(|old| {
            self.delivered = None;
            (!old.newest_only()).then(|| lost(old.after.group, old.after.group))
        });
        let resumed = self.resumption.as_ref().map(|resumption| resumption.after);
        self.receiver.on_ok(now, &info, start, resumed);
        if self.receiver.is_joining() {
            self.join_until = Some(now);
            self.join_moves(now);
        }
        gap
    }

    /// Looks at a delivery before readers have it. Gives the gap to report ahead of it.
    pub fn resume(&mut self, delivery: &mut Delivery) -> Option<Gap> {
        let resumption = self.resumption.as_mut()?;
        if let Delivery::Gap(gap) = delivery {
            resumption.tells(gap);
            return None;
        }
        let first = location_of(delivery)?;
        let class = self.receiver.class();
        self.resumption.take()?.missed(first, class)
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

    /// The joining fetch has brought something whole, or its reader lets it go on: its time begins
    /// anew.
    pub fn join_moves(&mut self, now: Instant) {
        if let Some(until) = &mut self.join_until {
            *until = now + JOIN_TIMEOUT;
            self.join_limit = Some(now + JOIN_OBJECT_TIMEOUT);
            self.join_partial = 0;
        }
    }

    /// The joining fetch's time is over. Whether it is waited for again, because `partial` bytes of
    /// its next object are here and that is more than before.
    pub fn join_extends(&mut self, now: Instant, partial: usize) -> bool {
        let limit = self.join_limit.filter(|limit| now < *limit);
        let Some(limit) = limit.filter(|_| partial > self.join_partial) else {
            return false;
        };
        self.join_partial = partial;
        self.join_until = Some(limit.min(now + JOIN_TIMEOUT));
        true
    }

    /// When live objects go on without the joining fetch; not while the reader holds it back.
    pub fn join_due(&self) -> Option<Instant> {
        self.join_until.filter(|_| !self.join_paused)
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let times = [self.receiver.poll_timeout(), self.join_due(), self.again_at];
        times.into_iter().flatten().min()
    }
}

fn receiver_config(options: &SubscribeOptions) -> ReceiverConfig {
    ReceiverConfig {
        delivery: options.delivery,
        unordered: options.unordered,
        gap_timeout: options.gap_timeout,
        queue_bytes: options.queue_bytes,
    }
}
