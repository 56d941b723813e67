//! FETCH: whose turn it is. Answers are made and written in pieces, one session after the other, and
//! a session that has used up its rate waits: a flood of fetches holds nobody up. Nor does what they
//! leave behind, which is freed in pieces too.

use super::Core;
use crate::cache::TrackCache;
use crate::io::Io;
use crate::timers::Timer;
use moqt_net::ConnId;

/// What is written for one fetch before the next has its turn, in bytes as the cache counts them.
pub(super) const PIECE: usize = 16 << 10;
/// What is written for all of them before everything else has its turn.
const TURN: usize = 64 << 10;
/// What a fetch costs besides its objects.
const FETCH: usize = 16 << 10;
/// Objects and groups that are freed in one turn: some ten microseconds each hundred.
const FREED: usize = 2_048;

impl Core {
    /// A fetch has something to do: what it asks for is to be gathered, or its stream takes more.
    pub(super) fn want_turn(&mut self, fetch: u64) {
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return;
        };
        let conn = job.conn;
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        if std::mem::replace(&mut job.wants_turn, true) {
            return;
        }
        peer.fetch_turns.push_back(fetch);
        if !std::mem::replace(&mut peer.in_turn, true) {
            self.serving.push_back(conn);
        }
    }

    /// Works on fetches until none has anything to do, or this turn is over. Whether it did
    /// anything.
    pub(super) fn serve(&mut self, io: &mut dyn Io) -> bool {
        if self.serving.is_empty() && self.discarded.is_empty() {
            return false;
        }
        let now = io.now();
        if self.turn.replace(now) != Some(now) {
            self.turn_left = TURN;
            self.free(FREED);
        }
        let rate = self.config.limits.fetch_bytes_rate;
        let mut worked = false;
        while self.turn_left > 0 {
            let Some(conn) = self.serving.pop_front() else {
                break;
            };
            let Some(peer) = self.peers.get_mut(&conn) else {
                continue;
            };
            let wait = peer.fetched.debt(rate, now);
            if !wait.is_zero() {
                self.counts.limits.fetch_rate += 1;
                self.timers.add(now + wait, Timer::Fetches(conn));
                continue;
            }
            let Some(fetch) = peer.fetch_turns.pop_front() else {
                peer.in_turn = false;
                continue;
            };
            let cost = self.serve_one(io, fetch);
            worked = true;
            self.turn_left = self.turn_left.saturating_sub(cost);
            if let Some(peer) = self.peers.get_mut(&conn) {
                peer.fetched.charge(rate, now, cost as u64);
                peer.in_turn = !peer.fetch_turns.is_empty();
                if peer.in_turn {
                    self.serving.push_back(conn);
                }
            }
        }
        let more = !self.serving.is_empty() || !self.discarded.is_empty();
        if more && !std::mem::replace(&mut self.turn_follows, true) {
            self.timers.add(now, Timer::Turn);
        }
        worked
    }

    /// Nobody needs a cache any more. It may hold very much: what it has is freed with the turns that
    /// follow.
    pub(super) fn discard(&mut self, mut cache: TrackCache) {
        if cache.free(FREED / 16) == FREED / 16 {
            self.discarded.push_back(cache);
        }
    }

    fn free(&mut self, most: usize) {
        let mut left = most;
        while let Some(cache) = self.discarded.front_mut() {
            left -= cache.free(left);
            if left == 0 {
                return;
            }
            self.discarded.pop_front();
        }
    }

    /// Gathers what a fetch asks for, or writes a piece of it. Gives what that has cost.
    fn serve_one(&mut self, io: &mut dyn Io, fetch: u64) -> usize {
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return 0;
        };
        job.wants_turn = false;
        match job.answered {
            true => self.send_fetch(io, fetch),
            // Gathering shares the objects, writing copies them.
            false => {
                let begins = if job.gathered.is_none() { FETCH } else { 0 };
                begins + self.gather_fetch(io, fetch) / 8
            }
        }
    }

    /// The next turn of the I/O thread.
    pub(super) fn next_turn(&mut self) {
        self.turn = None;
        self.turn_follows = false;
    }

    /// A session may fetch again.
    pub(super) fn fetches_due(&mut self, conn: ConnId) {
        if self.peers.contains_key(&conn) {
            self.serving.push_back(conn);
        }
    }
}
