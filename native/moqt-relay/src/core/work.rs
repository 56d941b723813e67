//! What goes on when a connection takes more: streams, datagrams, requests that had to wait.

use super::downstream::from_sender_key;
use super::Core;
use crate::io::Io;
use moqt::delivery::{Outlet, SenderStats, StreamSignal};
use moqt::transport::{Dir, StreamId};
use moqt_net::ConnId;

impl Core {
    /// A data stream of ours is writable, acknowledged or stopped.
    pub(super) fn on_stream_signal(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        stream: StreamId,
        signal: StreamSignal,
    ) {
        let now = io.now();
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        if let Some(fetch) = peer.fetch_streams.get(&stream).copied() {
            return self.on_fetch_stream(io, conn, stream, fetch, signal);
        }
        let Some((id, slot)) = peer.owners.get(stream).map(from_sender_key) else {
            return;
        };
        let subscriber = self
            .tracks
            .get_mut(&id)
            .and_then(|t| t.subscribers.get_mut(slot));
        let Some(subscriber) = subscriber.filter(|s| s.conn == conn) else {
            peer.owners.remove(stream);
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
        subscriber.sender.on_stream(now, signal, stream, &mut out);
        self.after_pump(io, id, slot);
    }

    pub(super) fn on_streams_available(&mut self, io: &mut dyn Io, conn: ConnId, dir: Dir) {
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        match dir {
            Dir::Bi => {
                for track in std::mem::take(&mut peer.blocked_tracks) {
                    let wanted = self.tracks.get(&track).is_some_and(|t| t.is_used());
                    if wanted {
                        self.request_from(io, track, conn);
                    }
                }
            }
            Dir::Uni => {
                for fetch in std::mem::take(&mut peer.blocked_fetches) {
                    self.want_turn(fetch);
                }
                self.pump_session(io, conn);
            }
        }
    }

    /// Lets every sender of a session write.
    pub(super) fn pump_session(&mut self, io: &mut dyn Io, conn: ConnId) {
        let Some(peer) = self.peers.get(&conn) else {
            return;
        };
        let subscriptions: Vec<_> = peer.subscriptions.iter().copied().collect();
        for (track, slot) in subscriptions {
            self.pump_subscriber(io, track, slot);
        }
    }

    /// Keeps the counts of a sender that goes.
    pub(super) fn retire(&mut self, stats: &SenderStats) {
        add(&mut self.retired, stats);
    }
}

/// Adds up senders' counters.
pub(super) fn add(sum: &mut SenderStats, one: &SenderStats) {
    sum.objects += one.objects;
    sum.bytes += one.bytes;
    sum.streams += one.streams;
    sum.datagrams += one.datagrams;
    sum.dropped += one.dropped;
    sum.expired += one.expired;
    sum.reset += one.reset;
    sum.stopped += one.stopped;
    sum.datagrams_dropped += one.datagrams_dropped;
    sum.datagrams_too_large += one.datagrams_too_large;
}
