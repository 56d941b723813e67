//! What becomes of feeds: their answers, faults and ends.

use super::error::{ClientError, ErrorCode};
use super::faults;
use super::feed::{FeedState, JoinAgain};
use super::join::{begin_at, join_at};
use super::shared::{Cx, Shared};
use super::subscriber::{unsendable, Subscriber};
use super::types::{ClientEvent, End, Gap, GapReason, Start};
use crate::delivery::{FetchEnd, TrackFault, TrackInfo};
use crate::session::RequestEnd;
use crate::transport::StreamId;
use crate::wire::error::{done_codes, stream_codes};
use crate::wire::message::{PublishDone, Response, SubscribeOk};
use crate::wire::params::Parameters;
use std::time::Instant;

impl Subscriber {
    pub(super) fn pump_feed(&mut self, id: u64, cx: &mut Cx<'_>) {
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

    pub fn on_feed_response(&mut self, id: u64, response: Response, cx: &mut Cx<'_>) {
        match response {
            Response::SubscribeOk(ok) => self.on_subscribe_ok(id, &ok, cx),
            Response::RequestError(error) => {
                let Some(feed) = self.feeds.get_mut(&id) else {
                    return;
                };
                if cx.shared.recovers() && feed.waits_out(cx.now, &error) {
                    if let Some(join) = feed.join {
                        cx.shared.cancel(join, stream_codes::CANCELLED);
                    }
                    feed.try_again(cx.now);
                    return self.restart_feed(id, cx.shared);
                }
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

    pub(super) fn on_subscribe_ok(&mut self, id: u64, ok: &SubscribeOk, cx: &mut Cx<'_>) {
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
        let info = TrackInfo::from_properties(&ok.properties);
        let largest = ok.params.largest_object;
        let gap = feed.accepted(cx.now, info, largest);
        feed.join_again(cx);
        self.pauses.extend(feed.resume_join());
        let class = feed.receiver.class();
        for handle in feed.readers.clone() {
            let Some(reader) = self.readers.get_mut(&handle) else {
                continue;
            };
            let new = reader.told.is_none();
            if let (Some(gap), false) = (gap, new) {
                reader.gap(gap);
            }
            if reader.accept(class) {
                cx.shared.event(ClientEvent::SubscriptionReady {
                    handle,
                    class,
                    largest,
                });
            }
            if new && feed.resumption.is_some() {
                begin_at(feed, reader);
            } else if new && feed.options.start != Start::LatestGroup && reader.starts_at_group() {
                join_at(feed, reader);
            }
        }
        self.distribute(id);
        cx.shared.want();
    }

    pub fn on_feed_closed(&mut self, id: u64, end: RequestEnd, cx: &mut Cx<'_>) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        let what = "subscription";
        let track = feed.track.to_string();
        let done = feed.done.take();
        let end = match end {
            RequestEnd::Rejected => return,
            RequestEnd::Cancelled(code) if is_cut(code) && self.survives(id, cx) => return,
            RequestEnd::Cancelled(code) => End::Error(faults::cancelled(what, code)),
            RequestEnd::TimedOut => End::Error(faults::timed_out(what)),
            RequestEnd::Done | RequestEnd::Finished => match done {
                None => End::Error(faults::finished(what)),
                Some(done) if self.rejoins(id, &done, cx) => return,
                Some(done) if is_loss(&done) && self.survives(id, cx) => return,
                Some(done) => faults::done(&track, &done).map_or(End::Ended, End::Error),
            },
        };
        self.end_feed(id, end, cx.shared);
    }

    /// TOO_FAR_BEHIND: goes on at the newest group, with a gap, and delivers nothing twice.
    pub(super) fn rejoins(&mut self, id: u64, done: &PublishDone, cx: &mut Cx<'_>) -> bool {
        if done.status != done_codes::TOO_FAR_BEHIND {
            return false;
        }
        let Some(feed) = self.feeds.get_mut(&id) else {
            return false;
        };
        feed.receiver.on_given_up();
        self.distribute(id);
        let Some(feed) = self.feeds.get_mut(&id) else {
            return false;
        };
        let from = feed.delivered.or(feed.largest).map_or(0, |at| at.group);
        let gap = Gap {
            from_group: from,
            to_group: from,
            objects: None,
            reason: GapReason::TooFarBehind,
        };
        for handle in feed.readers.clone() {
            if let Some(reader) = self.readers.get_mut(&handle) {
                reader.gap(gap);
                self.turns.list(reader);
            }
        }
        feed.fall_behind();
        self.restart_feed(id, cx.shared);
        true
    }

    /// The track did not end: its publisher, or the way to it, was lost. It is waited for.
    fn survives(&mut self, id: u64, cx: &mut Cx<'_>) -> bool {
        if !cx.shared.recovers() {
            return false;
        }
        // What is held is all that there is of it.
        if let Some(feed) = self.feeds.get_mut(&id) {
            feed.receiver.on_end();
        }
        self.distribute(id);
        if let Some(feed) = self.feeds.get_mut(&id) {
            feed.recover(cx.now, cx.shared.config.reconnect);
            feed.try_again(cx.now);
            feed.interrupt();
        }
        self.restart_feed(id, cx.shared);
        true
    }

    /// Subscribes anew, with a receiver that counts anew.
    fn restart_feed(&mut self, id: u64, shared: &mut Shared) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        feed.restart();
        for handle in &feed.readers {
            if let Some(reader) = self.readers.get_mut(handle) {
                reader.fold();
            }
        }
        self.dirty_feeds.push(id);
        shared.want();
    }

    /// Everything that was held comes out, then the end.
    pub(super) fn end_feed(&mut self, id: u64, end: End, shared: &mut Shared) {
        if let Some(feed) = self.feeds.get_mut(&id) {
            feed.state = FeedState::Unsent;
            feed.receiver.on_end();
            self.distribute(id);
        }
        self.drop_with(id, end, stream_codes::CANCELLED, shared);
    }

    pub(super) fn drop_with(&mut self, id: u64, end: End, code: u64, shared: &mut Shared) {
        let Some(feed) = self.drop_feed(id, code, shared) else {
            return;
        };
        for handle in feed.readers {
            self.end_reader(handle, end.clone());
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

    /// The joining fetch has its stream. It waits for SUBSCRIBE_OK, which says what its objects
    /// are, so that nothing piles up.
    pub fn on_join_opened(&mut self, id: u64, stream: StreamId, cx: &mut Cx<'_>) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        feed.join_stream = Some(stream);
        if matches!(feed.state, FeedState::Sent(_)) {
            feed.join_paused = true;
            cx.session.pause_stream(cx.t, stream, true);
        }
    }

    pub fn on_join_response(&mut self, id: u64, response: &Response, now: Instant) {
        let Response::RequestError(error) = response else {
            return;
        };
        if let Some(feed) = self.feeds.get_mut(&id) {
            if feed.joins_again(error) {
                return;
            }
        }
        self.end_join(id, FetchEnd::Refused, now);
    }

    pub fn on_join_closed(&mut self, id: u64, end: RequestEnd, cx: &mut Cx<'_>) {
        let now = cx.now;
        if let Some(feed) = self.feeds.get_mut(&id) {
            if feed.join_again == JoinAgain::Wanted {
                return feed.join_again(cx);
            }
        }
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
        if end != FetchEnd::Complete {
            feed.past_is_lost();
        }
        if feed.receiver.is_joining() {
            feed.receiver.on_fetch_end(now, end);
        }
        self.distribute(id);
    }
}

/// The track did not end: its publisher, or the way to it, was lost.
fn is_loss(done: &PublishDone) -> bool {
    matches!(
        done.status,
        done_codes::INTERNAL_ERROR | done_codes::GOING_AWAY
    )
}

/// The same for a request that was cut off with a stream reset code.
fn is_cut(code: u64) -> bool {
    matches!(
        code,
        stream_codes::INTERNAL_ERROR | stream_codes::GOING_AWAY
    )
}
