//! One object to many subscribers: the hot path, and the bounds around it.

use super::Core;
use crate::io::Io;
use crate::timers::Timer;
use moqt::delivery::{Outlet, SharedObject, SubgroupEnd};

impl Core {
    /// Hands one object to every subscriber: the hot path.
    pub(super) fn fan_out(&mut self, io: &mut dyn Io, id: u64, object: &SharedObject) {
        let now = io.now();
        let hold = self.held == Some(id);
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let mut attention = Vec::new();
        for (slot, subscriber) in track.subscribers.iter_mut() {
            if subscriber.done.is_some() {
                continue;
            }
            let Some(peer) = self.peers.get_mut(&subscriber.conn) else {
                continue;
            };
            let Some(transport) = io.transport(subscriber.conn) else {
                continue;
            };
            let sender = &mut subscriber.sender;
            sender.push(object);
            if hold {
                // Written and counted with the end of its subgroup, which comes next.
                if sender.is_too_far_behind() || sender.is_past_end() {
                    attention.push(slot);
                }
                continue;
            }
            let mut out = Outlet {
                session: &mut peer.session,
                transport,
                owners: &mut peer.owners,
            };
            sender.pump(now, &mut out);
            // Writing sets no deadline: without an event there is nothing to look at again.
            if peer.session.peek_event().is_some() && !std::mem::replace(&mut peer.dirty, true) {
                self.dirty.push(subscriber.conn);
            }
            let queued = sender.queued_bytes();
            if queued != subscriber.queued {
                self.queued = self.queued - subscriber.queued.min(self.queued) + queued;
                subscriber.queued = queued;
            }
            let at = sender.poll_timeout();
            subscriber
                .timer
                .want(&mut self.timers, at, Timer::Subscriber(id, slot));
            if sender.is_too_far_behind() || sender.is_past_end() {
                attention.push(slot);
            }
        }
        for slot in attention {
            self.after_pump(io, id, slot);
        }
        if self.queued > self.config.limits.queue_bytes {
            self.shed(io, id);
        }
    }

    /// Lets every subscriber's sender write.
    pub(super) fn pump_track(&mut self, io: &mut dyn Io, id: u64) {
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        let slots: Vec<usize> = track.subscribers.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.pump_subscriber(io, id, slot);
        }
    }

    /// Too much waits for all subscribers together: the track's slowest is given up.
    pub(super) fn shed(&mut self, io: &mut dyn Io, id: u64) {
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        let slowest = track.subscribers.iter().max_by_key(|(_, s)| s.queued);
        if let Some((slot, subscriber)) = slowest {
            if subscriber.queued > 0 {
                self.too_far_behind(io, id, slot);
            }
        }
    }

    /// Keeps the cache of all tracks within its bound, at the cost of the largest.
    pub(super) fn bound_cache(&mut self, id: u64) {
        let limit = self.config.limits.cache_bytes;
        if self.cached <= limit {
            return;
        }
        // Down to nine tenths, so that this is not done for every object.
        let mut excess = self.cached - limit / 10 * 9;
        let mut tracks: Vec<(usize, u64)> = self
            .tracks
            .iter()
            .map(|(id, t)| (t.cache.bytes(), *id))
            .collect();
        tracks.sort_unstable_by(|a, b| b.cmp(a));
        if tracks.is_empty() {
            tracks.push((0, id));
        }
        for (bytes, id) in tracks {
            if excess == 0 {
                break;
            }
            if let Some(track) = self.tracks.get_mut(&id) {
                let freed = track.cache.shrink_to(bytes - bytes.min(excess));
                excess -= freed.min(excess);
                self.cached -= freed.min(self.cached);
                self.counts.cache.evicted_bytes += freed as u64;
            }
        }
    }

    /// Tells every subscriber's sender how a subgroup ended.
    pub(super) fn end_subgroup(
        &mut self,
        io: &mut dyn Io,
        id: u64,
        key: (u64, u64),
        end: SubgroupEnd,
    ) {
        let now = io.now();
        self.held = self.held.filter(|held| *held != id);
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let mut attention = Vec::new();
        for (slot, subscriber) in track.subscribers.iter_mut() {
            let Some(peer) = self.peers.get_mut(&subscriber.conn) else {
                continue;
            };
            let Some(transport) = io.transport(subscriber.conn) else {
                continue;
            };
            let sender = &mut subscriber.sender;
            sender.end_subgroup(now, key.0, key.1, end);
            let mut out = Outlet {
                session: &mut peer.session,
                transport,
                owners: &mut peer.owners,
            };
            sender.pump(now, &mut out);
            // Writing sets no deadline: without an event there is nothing to look at again.
            if peer.session.peek_event().is_some() && !std::mem::replace(&mut peer.dirty, true) {
                self.dirty.push(subscriber.conn);
            }
            let queued = sender.queued_bytes();
            self.queued = self.queued - subscriber.queued.min(self.queued) + queued;
            subscriber.queued = queued;
            let at = sender.poll_timeout();
            subscriber
                .timer
                .want(&mut self.timers, at, Timer::Subscriber(id, slot));
            let ended = sender.is_too_far_behind() || sender.is_past_end();
            if subscriber.done.is_some() || ended {
                attention.push(slot);
            }
        }
        for slot in attention {
            self.after_pump(io, id, slot);
        }
        if self.queued > self.config.limits.queue_bytes {
            self.shed(io, id);
        }
    }
}
