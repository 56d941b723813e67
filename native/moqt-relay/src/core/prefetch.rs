//! The joining fetch that goes upstream together with a SUBSCRIBE.

use super::fill::absorb;
use super::Core;
use crate::cache::{after, Span};
use crate::io::Io;
use crate::peer::Role;
use crate::track::{Prefetch, SourceKind};
use moqt::session::RequestEnd;
use moqt::wire::{stream_codes, Fetch, FetchItem, FetchRange, Location, Parameters, Request};

impl Core {
    /// Sends a Relative Joining FETCH after a SUBSCRIBE that is not answered yet.
    pub(super) fn prefetch(&mut self, io: &mut dyn Io, id: u64, groups: u64) {
        let now = io.now();
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        if track.prefetch.is_some() || track.is_established() {
            return;
        }
        let pending = |kind| kind == SourceKind::Subscribed;
        let source = track
            .sources
            .iter()
            .find(|s| !s.established && pending(s.kind));
        let Some((conn, subscribe)) = source.map(|s| (s.conn, s.request)) else {
            return;
        };
        let request = Request::Fetch(Fetch {
            range: FetchRange::RelativeJoining {
                request_id: subscribe.0,
                groups,
            },
            params: Parameters::default(),
        });
        let sent = self.with_session(io, conn, |session, transport| {
            session.request(now, transport, request)
        });
        let Some(Ok(request)) = sent else { return };
        self.counts.requests.fetch_upstream += 1;
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.roles.insert(request, Role::Prefetch { track: id });
        }
        if let Some(track) = self.tracks.get_mut(&id) {
            track.prefetch = Some(Prefetch {
                conn,
                request,
                groups,
                location: None,
                items: Vec::new(),
                bytes: 0,
            });
        }
    }

    /// One item of the joining fetch. They are kept until their place is known.
    pub(super) fn on_prefetch_item(&mut self, io: &mut dyn Io, id: u64, item: FetchItem) {
        let most = self.config.limits.fetch_bytes;
        let Some(prefetch) = self.tracks.get_mut(&id).and_then(|t| t.prefetch.as_mut()) else {
            return;
        };
        prefetch.bytes += 64
            + match &item {
                FetchItem::Object(o) => o.payload.len() + o.properties.as_wire().len(),
                FetchItem::EndOfRange { .. } => 0,
            };
        prefetch.items.push(item);
        if prefetch.bytes > most {
            self.counts.limits.fetch_bytes += 1;
            let (conn, request) = (prefetch.conn, prefetch.request);
            self.cancel_request(io, conn, request, stream_codes::CANCELLED);
            self.prefetch_over(io, id, RequestEnd::Cancelled(stream_codes::CANCELLED));
        }
    }

    /// The joining fetch is over: what came is taken into the cache, and the fetches that waited
    /// for it go on.
    pub(super) fn prefetch_over(&mut self, io: &mut dyn Io, id: u64, end: RequestEnd) {
        let now = io.now();
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let Some(prefetch) = track.prefetch.take() else {
            return;
        };
        let mut fault = None;
        if let (RequestEnd::Done, Some(last)) = (end, prefetch.location) {
            let held = track.cache.bytes();
            let mut cursor = Location::new(last.group.saturating_sub(prefetch.groups), 0);
            for item in &prefetch.items {
                let caches = &mut [&mut track.cache];
                fault = fault.or(absorb(caches, &mut cursor, last, item, now));
            }
            if cursor < after(last) {
                track.cache.mark_known(Span {
                    start: cursor,
                    end: last,
                });
            }
            self.cached = self.cached - held.min(self.cached) + track.cache.bytes();
        }
        if let Some(why) = fault {
            return self.malformed(io, id, why);
        }
        self.bound_cache(id);
        let mut waiting: Vec<u64> = self
            .fetches
            .iter()
            .filter(|(_, job)| job.track == id && job.waits_for_prefetch())
            .map(|(fetch, _)| *fetch)
            .collect();
        waiting.sort_unstable();
        for fetch in waiting {
            self.want_turn(fetch);
        }
    }
}
