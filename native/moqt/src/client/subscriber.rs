//! The subscribing half: feeds, their readers, fetches and status requests.

use super::error::{ClientError, ErrorCode};
use super::faults;
use super::feed::{Feed, FeedState};
use super::reader::{release, Joining, Reader, Source, Turns};
use super::shared::{Cx, Route, Shared};
use super::types::{
    ClientEvent, End, FetchOptions, Gap, GapReason, Handle, Start, SubscribeOptions,
};
use crate::delivery::{DeliveryClass, FetchEnd, TrackFault};
use crate::session::{RequestEnd, SessionError};
use crate::wire::error::{done_codes, stream_codes};
use crate::wire::location::Location;
use crate::wire::message::{PublishDone, Response, SubscribeOk};
use crate::wire::name::FullTrackName;
use crate::wire::params::Parameters;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

#[derive(Default)]
pub(super) struct Subscriber {
    pub feeds: HashMap<u64, Feed>,
    by_track: HashMap<FullTrackName, u64>,
    pub readers: BTreeMap<Handle, Reader>,
    pub turns: Turns,
    pub fetches: super::fetches::Fetches,
    /// Streams of feeds to pause or let flow at the next pump.
    pauses: Vec<(crate::transport::StreamId, bool)>,
    pub dirty_feeds: Vec<u64>,
}

impl Subscriber {
    pub fn subscribe(
        &mut self,
        track: FullTrackName,
        options: SubscribeOptions,
        shared: &mut Shared,
    ) -> Result<Handle, ClientError> {
        self.check_room(shared)?;
        let handle = shared.next_handle();
        let id = match self.by_track.get(&track) {
            Some(&id) => id,
            None => {
                let id = shared.next_id();
                self.by_track.insert(track.clone(), id);
                self.feeds
                    .insert(id, Feed::new(id, track.clone(), &options));
                id
            }
        };
        let mut reader = Reader::new(handle, track, Source::Feed(id), options);
        if let Some(feed) = self.feeds.get_mut(&id) {
            feed.readers.push(handle);
            feed.priority = feed.priority.min(reader.options.priority);
            reader.since(feed.receiver.stats());
            if matches!(feed.state, FeedState::Active(_)) {
                attach(feed, &mut reader, shared);
            }
        }
        self.readers.insert(handle, reader);
        self.dirty_feeds.push(id);
        shared.dirty = true;
        Ok(handle)
    }

    pub fn check_room(&self, shared: &Shared) -> Result<(), ClientError> {
        let max = shared.config.max_requests;
        if self.readers.len() + self.fetches.len() < max {
            return Ok(());
        }
        let message =
            format!("This client has {max} subscriptions and requests, its limit: close some.");
        Err(ClientError::new(ErrorCode::LimitExceeded, message))
    }

    pub fn fetch(
        &mut self,
        track: FullTrackName,
        options: FetchOptions,
        shared: &mut Shared,
    ) -> Result<Handle, ClientError> {
        self.check_room(shared)?;
        let handle = shared.next_handle();
        let reading = SubscribeOptions {
            queue_bytes: options.queue_bytes,
            priority: options.priority,
            ..SubscribeOptions::default()
        };
        self.readers
            .insert(handle, Reader::new(handle, track, Source::Fetch, reading));
        self.fetches.add(handle, options);
        shared.dirty = true;
        Ok(handle)
    }

    /// The application is done with a subscription or fetch. Nothing follows but its end.
    pub fn close(&mut self, handle: Handle, shared: &mut Shared) -> bool {
        let Some(reader) = self.readers.remove(&handle) else {
            return false;
        };
        release(&reader, shared, stream_codes::CANCELLED);
        match reader.source {
            Source::Feed(id) => self.detach(id, handle, shared),
            Source::Fetch => self.fetches.cancel(handle, shared),
        }
        shared.event(ClientEvent::Ended(handle, End::Closed));
        true
    }

    fn detach(&mut self, id: u64, handle: Handle, shared: &mut Shared) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        feed.readers.retain(|reader| *reader != handle);
        if feed.readers.is_empty() {
            self.drop_feed(id, stream_codes::CANCELLED, shared);
            return;
        }
        let priorities = feed.readers.iter().filter_map(|h| self.readers.get(h));
        feed.priority = priorities
            .map(|r| r.options.priority)
            .min()
            .unwrap_or(feed.priority);
        self.dirty_feeds.push(id);
        shared.dirty = true;
    }

    fn drop_feed(&mut self, id: u64, code: u64, shared: &mut Shared) -> Option<Feed> {
        let feed = self.feeds.remove(&id)?;
        self.by_track.remove(&feed.track);
        if let Some(request) = feed.request() {
            shared.cancel(request, code);
        }
        if let Some(join) = feed.join {
            shared.cancel(join, code);
        }
        Some(feed)
    }

    pub fn set_priority(&mut self, handle: Handle, priority: u8, shared: &mut Shared) {
        let Some(reader) = self.readers.get_mut(&handle) else {
            return;
        };
        reader.options.priority = priority;
        let Source::Feed(id) = reader.source else {
            return;
        };
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        let priorities = feed.readers.iter().filter_map(|h| self.readers.get(h));
        feed.priority = priorities
            .map(|r| r.options.priority)
            .min()
            .unwrap_or(priority);
        self.dirty_feeds.push(id);
        shared.dirty = true;
    }

    /// Whether the application takes objects of this reader now.
    pub fn set_reading(&mut self, handle: Handle, reading: bool) {
        if let Some(reader) = self.readers.get_mut(&handle) {
            reader.reading = reading;
            self.turns.list(reader);
        }
    }

    /// The next object, gap or end of a reader.
    pub fn poll(&mut self, now: Instant, shared: &mut Shared) -> Option<ClientEvent> {
        while let Some(handle) = self.turns.front() {
            let Some(reader) = self.readers.get_mut(&handle) else {
                self.turns.took(false);
                continue;
            };
            let was_full = reader.is_full();
            let event = reader.poll(now);
            let more = reader.is_readable();
            if !more {
                reader.listed = false;
            }
            let relieved = was_full || reader.has_room();
            let source = reader.source;
            self.turns.took(more);
            if relieved {
                self.relieve(handle, source, shared);
            }
            let Some(event) = event else { continue };
            if matches!(event, ClientEvent::Ended(..)) {
                self.readers.remove(&handle);
            }
            return Some(event);
        }
        None
    }

    /// A reader has taken something: let its source flow again when there is room.
    fn relieve(&mut self, handle: Handle, source: Source, shared: &mut Shared) {
        match source {
            Source::Feed(id) => {
                let Some(feed) = self.feeds.get_mut(&id) else {
                    return;
                };
                let mut readers = feed.readers.iter().filter_map(|h| self.readers.get(h));
                if feed.receiver.is_reader_full() && readers.all(Reader::has_room) {
                    feed.receiver.set_reader_full(false);
                    self.dirty_feeds.push(id);
                    shared.dirty = true;
                }
            }
            Source::Fetch => {
                let room = self.readers.get(&handle).is_none_or(Reader::has_room);
                if room && self.fetches.resume(handle) {
                    shared.dirty = true;
                }
            }
        }
    }

    /// Moves what a feed's receiver has to its readers.
    pub fn distribute(&mut self, id: u64) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        let reliable = feed.receiver.class() == DeliveryClass::Reliable;
        while let Some(delivery) = feed.receiver.poll() {
            if let crate::delivery::Delivery::Object(object) = &delivery {
                let location = Location::new(object.group, object.object);
                feed.delivered = feed.delivered.max(Some(location));
            }
            let Some((last, others)) = feed.readers.split_last() else {
                continue;
            };
            for handle in others {
                if let Some(reader) = self.readers.get_mut(handle) {
                    reader.deliver(delivery.clone());
                }
            }
            if let Some(reader) = self.readers.get_mut(last) {
                reader.deliver(delivery);
            }
        }
        let mut full = false;
        for handle in &feed.readers {
            if let Some(reader) = self.readers.get_mut(handle) {
                reader.update_feed(feed.receiver.stats());
                full |= reliable && reader.is_full();
                self.turns.list(reader);
            }
        }
        if full {
            feed.receiver.set_reader_full(true);
        }
        self.pauses.extend(feed.receiver.take_pauses());
    }

    /// Sends what is to be sent and pauses what is to be paused.
    pub fn pump(&mut self, cx: &mut Cx<'_>) {
        let mut dirty = std::mem::take(&mut self.dirty_feeds);
        for id in dirty.drain(..) {
            self.pump_feed(id, cx);
        }
        dirty.append(&mut self.dirty_feeds);
        self.dirty_feeds = dirty;
        self.pump_joins(cx);
        self.fetches.pump(&self.readers, cx);
        self.apply_pauses(cx);
        let failed = std::mem::take(&mut self.fetches.failed);
        for (handle, error) in failed {
            self.end_reader(handle, End::Error(error));
        }
    }

    pub fn apply_pauses(&mut self, cx: &mut Cx<'_>) {
        for (stream, paused) in self.pauses.drain(..) {
            cx.session.pause_stream(cx.t, stream, paused);
        }
    }

    /// Streams are available again: everything unsent is tried.
    pub fn retry(&mut self) {
        self.dirty_feeds.extend(self.feeds.keys());
    }

    fn pump_feed(&mut self, id: u64, cx: &mut Cx<'_>) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        self.pauses.extend(feed.receiver.take_pauses());
        match feed.state {
            FeedState::Unsent => {
                if let Err(error) = feed.send(cx) {
                    let error = unsendable("subscribe", &error);
                    self.end_feed(id, End::Error(error), cx.shared);
                }
            }
            FeedState::Active(request) if feed.told_priority != feed.priority => {
                feed.told_priority = feed.priority;
                let params = Parameters {
                    subscriber_priority: Some(feed.priority),
                    ..Parameters::default()
                };
                // The subscription may be over: its end is told on its own.
                let _ = cx.session.update(cx.now, cx.t, request, params);
            }
            FeedState::Sent(_) | FeedState::Active(_) => {}
        }
    }

    /// Fetches that bring second readers the newest group.
    fn pump_joins(&mut self, cx: &mut Cx<'_>) {
        let Subscriber { readers, turns, .. } = self;
        for reader in readers.values_mut() {
            let Some(joining) = reader.joining.as_mut().filter(|j| j.request.is_none()) else {
                continue;
            };
            let range = crate::wire::message::FetchRange::Standalone {
                track: reader.track.clone(),
                start: joining.start,
                end: joining.end,
            };
            let params = Parameters {
                subscriber_priority: Some(reader.options.priority),
                ..Parameters::default()
            };
            let fetch = crate::wire::message::Fetch { range, params };
            let request = crate::wire::message::Request::Fetch(fetch);
            match cx.session.request(cx.now, cx.t, request) {
                Ok(request) => {
                    joining.request = Some(request);
                    cx.shared
                        .routes
                        .insert(request, Route::Fetch(reader.handle));
                }
                Err(SessionError::NoStreams) => {}
                Err(_) => {
                    reader.joined(false);
                    turns.list(reader);
                }
            }
        }
    }

    pub fn on_feed_response(&mut self, id: u64, response: Response, cx: &mut Cx<'_>) {
        match response {
            Response::SubscribeOk(ok) => self.on_subscribe_ok(id, &ok, cx),
            Response::RequestError(error) => {
                let Some(feed) = self.feeds.get(&id) else {
                    return;
                };
                let error = faults::refused(&format!("subscribe to {}", feed.track), &error);
                self.end_feed(id, End::Error(error), cx.shared);
            }
            Response::PublishDone(done) => {
                if let Some(feed) = self.feeds.get_mut(&id) {
                    feed.done = Some(done);
                }
            }
            _ => {}
        }
    }

    fn on_subscribe_ok(&mut self, id: u64, ok: &SubscribeOk, cx: &mut Cx<'_>) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        if let Some(unknown) = ok.properties.unknown_mandatory(|_| false) {
            let message = format!(
                "The track {} needs an extension that this library does not know ({unknown:#x}): it cannot be read with this version.",
                feed.track
            );
            let error = ClientError::new(ErrorCode::Unsupported, message);
            self.drop_with(id, End::Error(error), stream_codes::CANCELLED, cx.shared);
            return;
        }
        let info = crate::delivery::TrackInfo::from_properties(&ok.properties);
        let first = feed.delivered.is_none();
        feed.accepted(cx.now, info, ok.params.largest_object);
        let class = feed.receiver.class();
        for handle in feed.readers.clone() {
            let Some(reader) = self.readers.get_mut(&handle) else {
                continue;
            };
            reader.class = class;
            if first {
                let largest = ok.params.largest_object;
                cx.shared.event(ClientEvent::SubscriptionReady {
                    handle,
                    class,
                    largest,
                });
            }
            if feed.options.start != Start::LatestGroup && reader.starts_at_group() {
                join_at(feed, reader);
            }
        }
        self.distribute(id);
        cx.shared.dirty = true;
    }

    pub fn on_feed_closed(&mut self, id: u64, end: RequestEnd, cx: &mut Cx<'_>) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        let what = "subscription";
        let track = feed.track.to_string();
        let end = match end {
            RequestEnd::Rejected => return,
            RequestEnd::Cancelled(code) => End::Error(faults::cancelled(what, code)),
            RequestEnd::TimedOut => End::Error(faults::timed_out(what)),
            RequestEnd::Done | RequestEnd::Finished => match feed.done.take() {
                None => End::Error(faults::finished(what)),
                Some(done) if self.rejoins(id, &done, cx) => return,
                Some(done) => faults::done(&track, &done).map_or(End::Ended, End::Error),
            },
        };
        self.end_feed(id, end, cx.shared);
    }

    /// TOO_FAR_BEHIND: goes on at the newest group, with a gap.
    fn rejoins(&mut self, id: u64, done: &PublishDone, cx: &mut Cx<'_>) -> bool {
        if done.status != done_codes::TOO_FAR_BEHIND {
            return false;
        }
        let Some(feed) = self.feeds.get_mut(&id) else {
            return false;
        };
        feed.receiver.on_end();
        let from = feed.delivered.map_or(0, |delivered| delivered.group);
        self.distribute(id);
        let Some(feed) = self.feeds.get_mut(&id) else {
            return false;
        };
        let gap = Gap {
            from_group: from,
            to_group: from,
            objects: None,
            reason: GapReason::TooFarBehind,
        };
        for handle in feed.readers.clone() {
            if let Some(reader) = self.readers.get_mut(&handle) {
                reader.gap(gap);
                reader.fold();
                self.turns.list(reader);
            }
        }
        feed.options.start = Start::LatestGroup;
        feed.restart();
        self.dirty_feeds.push(id);
        cx.shared.dirty = true;
        true
    }

    /// Everything that was held comes out, then the end.
    fn end_feed(&mut self, id: u64, end: End, shared: &mut Shared) {
        if let Some(feed) = self.feeds.get_mut(&id) {
            feed.state = FeedState::Unsent;
            feed.receiver.on_end();
            self.distribute(id);
        }
        self.drop_with(id, end, stream_codes::CANCELLED, shared);
    }

    fn drop_with(&mut self, id: u64, end: End, code: u64, shared: &mut Shared) {
        let Some(feed) = self.drop_feed(id, code, shared) else {
            return;
        };
        for handle in feed.readers {
            self.end_reader(handle, end.clone());
        }
    }

    pub fn end_reader(&mut self, handle: Handle, end: End) {
        if let Some(reader) = self.readers.get_mut(&handle) {
            reader.finish(end);
            self.turns.list(reader);
        }
    }

    /// The track breaks the rules or leaves what this client can count: that subscription ends,
    /// never the session.
    pub fn on_fault(&mut self, id: u64, fault: &TrackFault, shared: &mut Shared) {
        let Some(feed) = self.feeds.get(&id) else {
            return;
        };
        let error = match fault {
            TrackFault::Malformed(what) => ClientError::new(
                ErrorCode::MalformedTrack,
                format!("The track {} is malformed ({what}): repair its publisher.", feed.track),
            ),
            TrackFault::IdTooLarge(at) => ClientError::new(
                ErrorCode::Unsupported,
                format!(
                    "The track {} has group {} object {}, above 2^53 - 1, the largest id that this library delivers: number it lower.",
                    feed.track, at.group, at.object
                ),
            ),
        };
        self.distribute(id);
        self.drop_with(id, End::Error(error), stream_codes::MALFORMED_TRACK, shared);
    }

    pub fn on_join_response(&mut self, id: u64, response: &Response, now: Instant) {
        if let Response::RequestError(_) = response {
            self.end_join(id, FetchEnd::Refused, now);
        }
    }

    pub fn on_join_closed(&mut self, id: u64, end: RequestEnd, now: Instant) {
        let end = if end == RequestEnd::Done {
            FetchEnd::Complete
        } else {
            FetchEnd::Refused
        };
        self.end_join(id, end, now);
    }

    /// After a feed's receiver took something.
    pub fn after_arrival(&mut self, id: u64, result: Result<(), TrackFault>, cx: &mut Cx<'_>) {
        self.distribute(id);
        if let Err(fault) = result {
            self.on_fault(id, &fault, cx.shared);
        }
        if !self.pauses.is_empty() {
            self.apply_pauses(cx);
        }
    }

    pub fn end_join(&mut self, id: u64, end: FetchEnd, now: Instant) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        feed.join = None;
        feed.join_stream = None;
        feed.join_until = None;
        if feed.receiver.is_joining() {
            feed.receiver.on_fetch_end(now, end);
        }
        self.distribute(id);
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.feeds.values().filter_map(Feed::poll_timeout).min()
    }

    pub fn on_timeout(&mut self, cx: &mut Cx<'_>) {
        let due = |feed: &&Feed| feed.poll_timeout().is_some_and(|at| at <= cx.now);
        let due: Vec<u64> = self
            .feeds
            .values()
            .filter(due)
            .map(|feed| feed.id)
            .collect();
        for id in due {
            let Some(feed) = self.feeds.get_mut(&id) else {
                continue;
            };
            if feed.join_until.is_some_and(|at| at <= cx.now) {
                if let Some(join) = feed.join.take() {
                    cx.shared.cancel(join, stream_codes::CANCELLED);
                }
                self.end_join(id, FetchEnd::Refused, cx.now);
            }
            if let Some(feed) = self.feeds.get_mut(&id) {
                feed.receiver.on_timeout(cx.now);
            }
            self.distribute(id);
        }
        self.apply_pauses(cx);
    }

    /// The client closes: every handle ends. After a loss, what waits for readers is still
    /// delivered before the end; after a close by the application it is not.
    pub fn close_all(&mut self, end: &End, deliver: bool, shared: &mut Shared) {
        let ids: Vec<u64> = self.feeds.keys().copied().collect();
        for id in ids {
            if let Some(feed) = self.feeds.get_mut(&id).filter(|_| deliver) {
                feed.receiver.on_end();
                self.distribute(id);
            }
        }
        for (handle, reader) in &mut self.readers {
            if !deliver {
                shared.event(ClientEvent::Ended(*handle, end.clone()));
                continue;
            }
            // The peer's own end stands when it came first.
            reader.finish(end.clone());
            reader.reading = true;
            self.turns.list(reader);
        }
        for handle in self.fetches.statuses() {
            shared.event(ClientEvent::Ended(handle, end.clone()));
        }
        let readers = std::mem::take(&mut self.readers);
        let turns = std::mem::take(&mut self.turns);
        *self = Subscriber::default();
        if deliver {
            self.readers = readers;
            self.turns = turns;
        }
    }
}

/// A second reader comes to a feed that runs.
fn attach(feed: &Feed, reader: &mut Reader, shared: &mut Shared) {
    reader.class = feed.receiver.class();
    let (handle, class) = (reader.handle, reader.class);
    let largest = feed.delivered.max(feed.largest);
    shared.event(ClientEvent::SubscriptionReady {
        handle,
        class,
        largest,
    });
    match reader.options.start {
        Start::LatestGroup => join_at(feed, reader),
        Start::Next => reader.from_group = feed.delivered.map(|at| at.group.saturating_add(1)),
        Start::Now => {}
    }
}

/// Asks for the newest group up to what the feed has delivered; the feed brings the rest.
fn join_at(feed: &Feed, reader: &mut Reader) {
    if feed.delivered.is_none() && feed.receiver.is_joining() {
        // The feed's own join brings it.
        return;
    }
    let Some(newest) = feed.delivered.or(feed.largest) else {
        return;
    };
    reader.joining = Some(Joining {
        request: None,
        start: Location::new(newest.group, 0),
        end: Location::new(newest.group, newest.object.saturating_add(1)),
        held: Default::default(),
        held_bytes: 0,
    });
}

pub(super) fn unsendable(what: &str, error: &SessionError) -> ClientError {
    let code = match error {
        SessionError::GoingAway => ErrorCode::GoingAway,
        SessionError::LimitExceeded(_) => ErrorCode::LimitExceeded,
        SessionError::InvalidArgument(_) => ErrorCode::InvalidArgument,
        SessionError::Closed => ErrorCode::Closed,
        _ => ErrorCode::Internal,
    };
    ClientError::new(
        code,
        format!("Cannot {what}: {error}. Connect again to repeat it."),
    )
}
