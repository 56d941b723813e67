//! How subscriptions end: cancelled, with their track, or because the subscriber is too slow.

use super::Core;
use crate::io::Io;
use crate::track::Subscriber;
use moqt::delivery::Outlet;
use moqt::session::RequestId;
use moqt::wire::{done_codes, stream_codes, PublishDone};
use moqt_net::ConnId;
use std::time::Duration;

/// How long a subscriber may take to receive what is queued when its track ends.
pub(super) const ENDING: Duration = Duration::from_secs(30);

impl Core {
    /// Takes a subscriber off the list and keeps its counts.
    pub(super) fn remove_subscriber(&mut self, id: u64, slot: usize) -> Option<Subscriber> {
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

    pub(super) fn close_sender(&mut self, io: &mut dyn Io, id: u64, slot: usize, code: u64) {
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

    pub(super) fn publish_done(
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
}
