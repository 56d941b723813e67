//! The subscribing half: feeds, their readers, fetches and status requests.

use super::error::{ClientError, ErrorCode};
use super::faults;
use super::feed::{Feed, FeedState};
use super::fetches::Fetches;
use super::join;
use super::reader::{release, Reader, Source, Turns};
use super::reconnect::Reconnect;
use super::shared::{Cx, Route, Shared};
use super::types::{ClientEvent, End, FetchOptions, Handle, SubscribeOptions, SubscriptionStats};
use crate::delivery::{DeliveryClass, FetchEnd};
use crate::hash::IntMap;
use crate::session::SessionError;
use crate::transport::StreamId;
use crate::wire::error::stream_codes;
use crate::wire::message::{Fetch, FetchRange, Request};
use crate::wire::name::FullTrackName;
use crate::wire::params::Parameters;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

#[derive(Default)]
pub(super) struct Subscriber {
    pub feeds: IntMap<u64, Feed>,
    by_track: HashMap<FullTrackName, u64>,
    pub readers: BTreeMap<Handle, Reader>,
    pub turns: Turns,
    /// The last counters of the reader that ended last.
    pub last_ended: Option<(Handle, SubscriptionStats)>,
    pub fetches: Fetches,
    /// Streams of feeds to pause or let flow at the next pump.
    pub(super) pauses: Vec<(StreamId, bool)>,
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
                join::attach(feed, &mut reader, shared);
            }
        }
        self.readers.insert(handle, reader);
        self.dirty_feeds.push(id);
        shared.want();
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
        shared.want();
        Ok(handle)
    }

    /// The application is done with a subscription or fetch. Nothing follows but its end.
    pub fn close(&mut self, handle: Handle, shared: &mut Shared) -> bool {
        let Some(reader) = self.readers.remove(&handle) else {
            return false;
        };
        release(&reader, shared, stream_codes::CANCELLED);
        match reader.source {
            Source::Feed(id) => self.leave(id, handle, shared),
            Source::Fetch => self.fetches.cancel(handle, shared),
        }
        shared.event(ClientEvent::Ended(handle, End::Closed));
        true
    }

    /// A reader leaves its feed; the last one ends it.
    fn leave(&mut self, id: u64, handle: Handle, shared: &mut Shared) {
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
        shared.want();
    }

    pub(super) fn drop_feed(&mut self, id: u64, code: u64, shared: &mut Shared) -> Option<Feed> {
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
        shared.want();
    }

    /// Sends what is to be sent and pauses what is to be paused.
    pub fn pump(&mut self, cx: &mut Cx<'_>, control: bool) {
        let mut dirty = std::mem::take(&mut self.dirty_feeds);
        for id in dirty.drain(..) {
            self.pump_feed(id, cx);
        }
        dirty.append(&mut self.dirty_feeds);
        self.dirty_feeds = dirty;
        self.apply_pauses(cx);
        if !control {
            return;
        }
        self.pump_joins(cx);
        self.fetches.pump(&self.readers, cx);
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

    /// Fetches that bring second readers the newest group.
    fn pump_joins(&mut self, cx: &mut Cx<'_>) {
        let Subscriber { readers, turns, .. } = self;
        for reader in readers.values_mut() {
            let Some(joining) = reader.joining.as_mut().filter(|j| j.request.is_none()) else {
                continue;
            };
            let range = FetchRange::Standalone {
                track: reader.track.clone(),
                start: joining.start,
                end: joining.end,
            };
            let params = Parameters {
                subscriber_priority: Some(reader.options.priority),
                ..Parameters::default()
            };
            let fetch = Fetch { range, params };
            let request = Request::Fetch(fetch);
            match cx.session.request(cx.now, cx.t, request) {
                Ok(request) => {
                    joining.request = Some(request);
                    cx.shared
                        .routes
                        .insert(request, Route::Fetch(reader.handle));
                }
                Err(SessionError::NoStreams) => {}
                // The next connection takes it.
                Err(SessionError::GoingAway) if cx.shared.recovers() => {}
                Err(_) => {
                    reader.joined(false);
                    turns.list(reader);
                }
            }
        }
    }

    pub fn end_reader(&mut self, handle: Handle, end: End) {
        if let Some(reader) = self.readers.get_mut(&handle) {
            reader.finish(end);
            self.turns.list(reader);
        }
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
            let partial = |stream| cx.session.partial_bytes(stream);
            let partial = feed.join_stream.map_or(0, partial);
            let due = feed.join_due().is_some_and(|at| at <= cx.now);
            if due && !feed.join_extends(cx.now, partial) {
                if let Some(join) = feed.join.take() {
                    cx.shared.cancel(join, stream_codes::CANCELLED);
                }
                self.end_join(id, FetchEnd::Refused, cx.now);
            }
            if let Some(feed) = self.feeds.get_mut(&id) {
                feed.receiver.on_timeout(cx.now);
                if feed.is_again_due(cx.now) {
                    self.dirty_feeds.push(id);
                    cx.shared.want();
                }
            }
            self.distribute(id);
        }
        self.apply_pauses(cx);
    }

    /// Another session carries the subscriptions: a publisher that is not there yet is waited for.
    pub fn recover(&mut self, now: Instant, policy: Option<Reconnect>) {
        for feed in self.feeds.values_mut() {
            feed.recover(now, policy);
        }
    }

    /// The session is over: subscriptions wait for the next one, what needed an answer ends.
    pub fn detach(&mut self, shared: &mut Shared) {
        self.dirty_feeds.clear();
        let ids: Vec<u64> = self.feeds.keys().copied().collect();
        for id in ids {
            self.interrupt_feed(id, shared);
        }
        // Of streams that are gone.
        self.pauses.clear();
        for reader in self.readers.values_mut() {
            if let Some(joining) = &mut reader.joining {
                joining.request = None;
                if joining.start >= joining.end {
                    reader.joined(true);
                    self.turns.list(reader);
                }
            }
        }
        for handle in self.fetches.take_all() {
            let error = faults::not_connected("go on with this fetch");
            self.end_reader(handle, End::Error(error));
        }
        for handle in self.fetches.take_statuses() {
            let error = faults::not_connected("tell the status of the track");
            shared.event(ClientEvent::Ended(handle, End::Error(error)));
        }
    }

    fn interrupt_feed(&mut self, id: u64, shared: &mut Shared) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        let done = feed.done.take();
        // What a `reliable` track holds for order comes again, in order.
        if done.is_some() || feed.receiver.class() != DeliveryClass::Reliable {
            feed.receiver.on_end();
        }
        self.distribute(id);
        if let Some(done) = done {
            // It was over already.
            let Some(feed) = self.feeds.get_mut(&id) else {
                return;
            };
            feed.state = FeedState::Unsent;
            let end = faults::done(&feed.track.to_string(), &done).map_or(End::Ended, End::Error);
            self.drop_with(id, end, stream_codes::CANCELLED, shared);
            return;
        }
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        feed.interrupt();
        for handle in &feed.readers {
            if let Some(reader) = self.readers.get_mut(handle) {
                reader.fold();
            }
        }
        self.dirty_feeds.push(id);
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
