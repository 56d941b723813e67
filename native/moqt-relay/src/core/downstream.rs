//! Subscribers: SUBSCRIBE, REQUEST_UPDATE, and how subscriptions end.

use super::Core;
use crate::io::Io;
use crate::peer::Role;
use crate::timers::{Scheduled, Timer};
use crate::track::{Subscriber, Waiting};
use moqt::delivery::{Outlet, Sender, SenderConfig, SenderLimits};
use moqt::session::RequestId;
use moqt::wire::{
    done_codes, request_codes, stream_codes, Location, Parameters, PublishDone, RequestError,
    RequestOk, Response, Subscribe, SubscribeOk, Token,
};
use moqt_net::ConnId;
use std::time::Duration;

/// How long a subscriber may take to receive what is queued when its track ends.
const ENDING: Duration = Duration::from_secs(30);

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
        self.add_subscriber(id, conn, request, sender, largest);
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
    }

    /// Takes a subscriber off the list and keeps its counts.
    fn remove_subscriber(&mut self, id: u64, slot: usize) -> Option<Subscriber> {
        let subscriber = self.tracks.get_mut(&id)?.subscribers.remove(slot)?;
        self.subscriptions -= 1;
        self.queued -= subscriber.queued.min(self.queued);
        self.counts.drops.ended += subscriber.sender.queued_objects() as u64;
        self.retire(subscriber.sender.stats());
        if let Some(peer) = self.peers.get_mut(&subscriber.conn) {
            peer.roles.remove(&subscriber.request);
            peer.subscriptions.remove(&(id, slot));
        }
        Some(subscriber)
    }

    /// The peer has cancelled its subscription.
    pub(super) fn subscriber_gone(&mut self, io: &mut dyn Io, id: u64, slot: usize) {
        self.close_sender(io, id, slot, stream_codes::CANCELLED);
        self.remove_subscriber(id, slot);
        self.review_track(io, id);
    }

    /// The subscriber's session is over.
    pub(super) fn subscriber_lost(&mut self, io: &mut dyn Io, id: u64, slot: usize) {
        self.remove_subscriber(id, slot);
        self.review_track(io, id);
    }

    fn close_sender(&mut self, io: &mut dyn Io, id: u64, slot: usize, code: u64) {
        let Some(subscriber) = self
            .tracks
            .get_mut(&id)
            .and_then(|t| t.subscribers.get_mut(slot))
        else {
            return;
        };
        let Some(peer) = self.peers.get_mut(&subscriber.conn) else {
            return;
        };
        let Some(transport) = io.transport(subscriber.conn) else {
            return;
        };
        self.counts.drops.ended += subscriber.sender.queued_objects() as u64;
        let mut out = Outlet {
            session: &mut peer.session,
            transport,
            owners: &mut peer.owners,
        };
        subscriber.sender.close(code, &mut out);
    }

    /// Ends a subscription at once: its streams are reset, PUBLISH_DONE follows.
    pub(super) fn end_subscriber(
        &mut self,
        io: &mut dyn Io,
        id: u64,
        slot: usize,
        status: u64,
        code: u64,
        reason: &str,
    ) {
        self.close_sender(io, id, slot, code);
        let Some(subscriber) = self.remove_subscriber(id, slot) else {
            return;
        };
        let done = PublishDone {
            status,
            reason: reason.to_owned(),
            ..PublishDone::default()
        };
        self.publish_done(io, subscriber.conn, subscriber.request, done);
        self.review_track(io, id);
    }

    fn publish_done(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        done: PublishDone,
    ) {
        self.with_session(io, conn, |session, transport| {
            if let Err(e) = session.publish_done(transport, request, done) {
                log::debug!("PUBLISH_DONE could not be sent: {e}");
            }
        });
    }

    /// Ends all subscriptions of a track once everything that came is handed over.
    pub(super) fn end_subscribers(&mut self, io: &mut dyn Io, id: u64, done: &PublishDone) {
        let now = io.now();
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let mut slots = Vec::new();
        for (slot, subscriber) in track.subscribers.iter_mut() {
            if subscriber.done.is_none() {
                subscriber.sender.finish(now);
                subscriber.done = Some((done.clone(), now + ENDING));
                slots.push(slot);
            }
        }
        for slot in slots {
            self.pump_subscriber(io, id, slot);
        }
        self.schedule_track(id);
    }

    /// Subscribers that did not take the rest in time.
    pub(super) fn expire_endings(&mut self, io: &mut dyn Io, id: u64) {
        let now = io.now();
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        let late: Vec<usize> = track
            .subscribers
            .iter()
            .filter(|(_, s)| s.done.as_ref().is_some_and(|(_, at)| *at <= now))
            .map(|(slot, _)| slot)
            .collect();
        for slot in late {
            self.too_far_behind(io, id, slot);
        }
    }

    /// Gives a subscriber up that does not keep up.
    pub(super) fn too_far_behind(&mut self, io: &mut dyn Io, id: u64, slot: usize) {
        self.counts.requests.too_far_behind += 1;
        self.counts.limits.queue_bytes += 1;
        self.end_subscriber(
            io,
            id,
            slot,
            done_codes::TOO_FAR_BEHIND,
            stream_codes::TOO_FAR_BEHIND,
            "the subscriber did not keep up; subscribe again to go on at the latest group",
        );
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

    /// REQUEST_UPDATE.
    pub(super) fn on_update(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        params: Parameters,
        tokens: Vec<Token>,
    ) {
        let Some(role) = self
            .peers
            .get(&conn)
            .and_then(|p| p.roles.get(&request))
            .cloned()
        else {
            return;
        };
        let mut answer = RequestOk::default();
        let result = match role {
            Role::Subscriber { track, slot } => {
                let result = self.update_subscriber(io, track, slot, &params, &tokens);
                answer.params.largest_object = self.tracks.get(&track).and_then(|t| t.largest);
                result
            }
            Role::Discovery { .. } | Role::Tracks { .. } => match &params.namespace_prefix {
                Some(prefix) if prefix.is_session_level() => Err(RequestError::new(
                    request_codes::DOES_NOT_EXIST,
                    "this namespace is reserved",
                )),
                Some(prefix) => match self.unauthorized(conn, prefix, None, false, &tokens) {
                    Some(error) => Err(error),
                    None => self.move_prefix(conn, request, prefix),
                },
                None => Ok(()),
            },
            Role::Fetch { fetch } => {
                self.update_fetch(fetch, &params);
                Ok(())
            }
            _ => Ok(()),
        };
        let failed = result.is_err();
        let response = result.map(|()| answer);
        self.with_session(io, conn, |session, transport| {
            if let Err(e) = session.respond_update(transport, request, response) {
                log::debug!("the answer to an update could not be sent: {e}");
            }
        });
        match role {
            Role::Subscriber { track, slot } if failed => {
                // The session has sent PUBLISH_DONE UPDATE_FAILED.
                self.remove_subscriber(track, slot);
                self.review_track(io, track);
            }
            Role::Subscriber { track, slot } => self.pump_subscriber(io, track, slot),
            Role::Discovery { .. } | Role::Tracks { .. } => {
                if failed {
                    self.on_request_closed(io, conn, request, moqt::session::RequestEnd::Rejected);
                } else if let Some(prefix) = &params.namespace_prefix {
                    self.prefix_moved(io, conn, request, prefix);
                }
            }
            _ => {}
        }
    }

    fn update_subscriber(
        &mut self,
        io: &mut dyn Io,
        id: u64,
        slot: usize,
        params: &Parameters,
        tokens: &[Token],
    ) -> Result<(), RequestError> {
        let Some(track) = self.tracks.get_mut(&id) else {
            return Ok(());
        };
        let (name, largest) = (track.name.clone(), track.largest);
        let Some(conn) = track.subscribers.get(slot).map(|s| s.conn) else {
            return Ok(());
        };
        if !tokens.is_empty() {
            let name_bytes = name.name().clone();
            if let Some(error) =
                self.unauthorized(conn, name.namespace(), Some(&name_bytes), false, tokens)
            {
                return Err(error);
            }
        }
        let Some(subscriber) = self
            .tracks
            .get_mut(&id)
            .and_then(|t| t.subscribers.get_mut(slot))
        else {
            return Ok(());
        };
        let was_forwarding = subscriber.sender.is_forwarding();
        let Some(peer) = self.peers.get_mut(&conn) else {
            return Ok(());
        };
        let Some(transport) = io.transport(conn) else {
            return Ok(());
        };
        let mut out = Outlet {
            session: &mut peer.session,
            transport,
            owners: &mut peer.owners,
        };
        if subscriber.sender.update(params, largest, &mut out).is_err() {
            return Err(RequestError::new(
                request_codes::INVALID_RANGE,
                "the filter's last group was published already",
            ));
        }
        if !was_forwarding && subscriber.sender.is_forwarding() {
            subscriber.joining = largest;
        }
        let wanted = self.tracks.get(&id).is_some_and(|t| t.is_wanted());
        if params.forward == Some(true) && wanted {
            self.set_forward(io, id, true);
        }
        if let Some(group) = params.new_group_request {
            self.request_group(io, id, group);
        }
        Ok(())
    }
}
