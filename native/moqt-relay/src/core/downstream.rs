//! Subscribers: SUBSCRIBE, REQUEST_UPDATE, and how subscriptions end.

use super::ending::ENDING;
use super::Core;
use crate::io::Io;
use crate::peer::Role;
use crate::timers::{Scheduled, Timer};
use crate::track::{Subscriber, Waiting};
use moqt::delivery::{Outlet, Sender, SenderConfig, SenderLimits};
use moqt::session::RequestId;
use moqt::wire::{
    done_codes, request_codes, Location, Parameters, PublishDone, RequestError, Response,
    Subscribe, SubscribeOk,
};
use moqt_net::ConnId;
use std::time::Duration;

/// A sender's name: the track and the place among its subscribers.
pub(super) fn sender_key(track: u64, slot: usize) -> u64 {
    track << 24 | (slot as u64 & 0xFF_FFFF)
}

/// The track and place of a sender's name.
pub(super) fn from_sender_key(key: u64) -> (u64, usize) {
    (key >> 24, (key & 0xFF_FFFF) as usize)
}

impl Core {
    pub(super) fn on_subscribe(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        message: Subscribe,
    ) {
        self.counts.requests.subscribe += 1;
        if self.subscriptions >= self.config.limits.subscriptions {
            self.counts.limits.subscriptions += 1;
            return self.reject(io, conn, request, Self::overloaded("subscriptions"));
        }
        let Some(id) = self.track_of(&message.track) else {
            return self.reject(io, conn, request, Self::overloaded("tracks"));
        };
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        if track.is_subscribed(conn) {
            let error = RequestError::new(
                request_codes::DUPLICATE_SUBSCRIPTION,
                "this session already subscribes to this track",
            );
            return self.reject(io, conn, request, error);
        }
        let params = message.params;
        if track.is_established() {
            let group = params.new_group_request;
            self.accept_subscriber(io, id, conn, request, &params);
            if params.forward != Some(false) {
                self.set_forward(io, id, true);
            }
            if let Some(group) = group {
                self.request_group(io, id, group);
            }
            return self.review_track(io, id);
        }
        let wait = Duration::from_millis(params.rendezvous_timeout.unwrap_or(0).min(86_400_000));
        let wait = wait.min(self.config.limits.rendezvous);
        let until = (!wait.is_zero()).then(|| io.now() + wait);
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.roles.insert(request, Role::Waiting { track: id });
        }
        if let Some(track) = self.tracks.get_mut(&id) {
            track.refusal = None;
            track.waiting.push(Waiting {
                conn,
                request,
                params,
                until,
            });
        }
        self.subscriptions += 1;
        if !self.request_sources(io, id) && self.tracks.get(&id).is_some_and(|t| t.grace.is_none())
        {
            self.waiting_without_source(io, id, true);
        }
        self.review_track(io, id);
    }

    /// A waiting request is over (cancelled, or its session is gone).
    pub(super) fn waiting_gone(
        &mut self,
        io: &mut dyn Io,
        id: u64,
        conn: ConnId,
        request: RequestId,
    ) {
        if let Some(track) = self.tracks.get_mut(&id) {
            let before = track.waiting.len();
            track
                .waiting
                .retain(|w| !(w.conn == conn && w.request == request));
            self.subscriptions -= before - track.waiting.len();
            self.joining_lost(io, conn, request);
            self.review_track(io, id);
        }
    }

    /// Rendezvous time-outs.
    pub(super) fn expire_waiting(&mut self, io: &mut dyn Io, id: u64) {
        let now = io.now();
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        // With an answer outstanding, the session's own time-out decides.
        if track.is_pending() {
            return;
        }
        let (expired, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut track.waiting)
            .into_iter()
            .partition(|w| w.until.is_some_and(|until| until <= now));
        track.waiting = rest;
        for one in expired {
            let error = RequestError::new(
                request_codes::TIMEOUT,
                "no publisher of this track came within the rendezvous time",
            );
            self.reject_waiting(io, one.conn, one.request, error);
        }
        self.review_track(io, id);
    }

    /// Refuses a SUBSCRIBE that was counted as waiting, and the fetches that were to join it.
    pub(super) fn reject_waiting(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        error: RequestError,
    ) {
        self.subscriptions -= 1;
        self.reject(io, conn, request, error);
        self.joining_lost(io, conn, request);
    }

    /// Answers a SUBSCRIBE with SUBSCRIBE_OK. The track is established.
    pub(super) fn accept_subscriber(
        &mut self,
        io: &mut dyn Io,
        id: u64,
        conn: ConnId,
        request: RequestId,
        params: &Parameters,
    ) {
        let waited = matches!(
            self.peers.get(&conn).and_then(|p| p.roles.get(&request)),
            Some(Role::Waiting { .. })
        );
        if !waited {
            self.subscriptions += 1;
        }
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        let ok = SubscribeOk {
            track_alias: track.alias,
            params: Parameters {
                largest_object: track.largest,
                ..Parameters::default()
            },
            properties: track.properties.clone().unwrap_or_default(),
        };
        let largest = track.largest;
        let Some(sender) = self.sender_for(id, params, largest) else {
            let error = RequestError::new(
                request_codes::INVALID_RANGE,
                "the filter's last group was published already; use FETCH",
            );
            return self.reject_waiting(io, conn, request, error);
        };
        if !self.respond(io, conn, request, Response::SubscribeOk(ok)) {
            self.subscriptions -= 1;
            return;
        }
        self.add_subscriber(io, id, conn, request, sender, largest);
        self.joining_ready(io, conn, request);
    }

    /// A sender for the next place among a track's subscribers; `None`: the filter is over.
    pub(super) fn sender_for(
        &self,
        id: u64,
        params: &Parameters,
        largest: Option<Location>,
    ) -> Option<Sender> {
        let track = self.tracks.get(&id)?;
        let key = sender_key(id, track.subscribers.next_place());
        let mut config =
            SenderConfig::from_subscribe(key, track.alias, track.info, params, largest).ok()?;
        config.limits = SenderLimits {
            queue_bytes: self.config.limits.queue_bytes_per_subscriber,
            ..SenderLimits::default()
        };
        Some(Sender::new(config))
    }

    /// Puts a subscriber on the track's list.
    pub(super) fn add_subscriber(
        &mut self,
        io: &mut dyn Io,
        id: u64,
        conn: ConnId,
        request: RequestId,
        sender: Sender,
        joining: Option<Location>,
    ) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let slot = track.subscribers.insert(Subscriber {
            conn,
            request,
            sender,
            joining,
            done: None,
            timer: Scheduled::default(),
            queued: 0,
        });
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.roles
                .insert(request, Role::Subscriber { track: id, slot });
            peer.subscriptions.insert((id, slot));
        }
        self.announce_to(io, id, slot);
    }

    /// Lets a sender write, and draws the consequences.
    pub(super) fn pump_subscriber(&mut self, io: &mut dyn Io, id: u64, slot: usize) {
        let now = io.now();
        let Some(subscriber) = self
            .tracks
            .get_mut(&id)
            .and_then(|t| t.subscribers.get_mut(slot))
        else {
            return;
        };
        let conn = subscriber.conn;
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        let Some(transport) = io.transport(conn) else {
            return;
        };
        let mut out = Outlet {
            session: &mut peer.session,
            transport,
            owners: &mut peer.owners,
        };
        subscriber.sender.pump(now, &mut out);
        self.touch(conn);
        self.after_pump(io, id, slot);
    }

    /// What follows from a sender's state after it was called.
    pub(super) fn after_pump(&mut self, io: &mut dyn Io, id: u64, slot: usize) {
        let Some(subscriber) = self
            .tracks
            .get_mut(&id)
            .and_then(|t| t.subscribers.get_mut(slot))
        else {
            return;
        };
        let queued = subscriber.sender.queued_bytes();
        self.queued = self.queued - subscriber.queued.min(self.queued) + queued;
        subscriber.queued = queued;
        let at = subscriber.sender.poll_timeout();
        subscriber
            .timer
            .want(&mut self.timers, at, Timer::Subscriber(id, slot));
        if subscriber.sender.is_too_far_behind() {
            return self.too_far_behind(io, id, slot);
        }
        if subscriber.done.is_none() && subscriber.sender.is_past_end() {
            let now = io.now();
            subscriber.sender.finish(now);
            let done = PublishDone {
                status: done_codes::SUBSCRIPTION_ENDED,
                reason: "the end of the subscription's filter was reached".into(),
                ..PublishDone::default()
            };
            subscriber.done = Some((done, now + ENDING));
            self.schedule_track(id);
            return self.pump_subscriber(io, id, slot);
        }
        if subscriber.done.is_some() && subscriber.sender.is_drained() {
            let Some(subscriber) = self.remove_subscriber(id, slot) else {
                return;
            };
            if let Some((done, _)) = subscriber.done {
                self.publish_done(io, subscriber.conn, subscriber.request, done);
            }
            self.review_track(io, id);
        }
    }

    /// A delivery time-out of a subscriber may have come.
    pub(super) fn subscriber_timeout(&mut self, io: &mut dyn Io, id: u64, slot: usize) {
        let now = io.now();
        let Some(subscriber) = self
            .tracks
            .get_mut(&id)
            .and_then(|t| t.subscribers.get_mut(slot))
        else {
            return;
        };
        subscriber.timer.fired();
        let conn = subscriber.conn;
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        let Some(transport) = io.transport(conn) else {
            return;
        };
        let mut out = Outlet {
            session: &mut peer.session,
            transport,
            owners: &mut peer.owners,
        };
        subscriber.sender.on_timeout(now, &mut out);
        self.touch(conn);
        self.after_pump(io, id, slot);
    }
}
