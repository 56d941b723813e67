//! Where tracks come from: our SUBSCRIBE to publishers, and how sources end.

use super::Core;
use crate::io::Io;
use crate::peer::Role;
use crate::track::{Source, SourceKind};
use moqt::session::{RequestId, SessionError};
use moqt::wire::{
    request_codes, stream_codes, Parameters, Request, RequestError, RequestOk, Response, Subscribe,
    SubscribeOk,
};
use moqt_net::ConnId;

impl Core {
    /// Sends SUBSCRIBE to every publisher that the track may be had from and that was not asked.
    /// Gives whether an answer is outstanding.
    pub(super) fn request_sources(&mut self, io: &mut dyn Io, id: u64) -> bool {
        let Some(track) = self.tracks.get(&id) else {
            return false;
        };
        let mut conns: Vec<ConnId> = self
            .publishers
            .matching(track.name.namespace())
            .map(|(conn, _)| *conn)
            .collect();
        conns.sort_unstable();
        conns.dedup();
        for conn in conns {
            self.request_from(io, id, conn);
        }
        self.tracks.get(&id).is_some_and(|t| t.is_pending())
            || self.peers.values().any(|p| p.blocked_tracks.contains(&id))
    }

    /// Sends SUBSCRIBE for a track to one session, unless it is a source already.
    pub(super) fn request_from(&mut self, io: &mut dyn Io, id: u64, conn: ConnId) {
        let now = io.now();
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        let Some(peer) = self.peers.get(&conn) else {
            return;
        };
        if peer.going_away || track.sources.iter().any(|s| s.conn == conn) {
            return;
        }
        // Unfiltered, so that aggregated subscribers with any filter can be served (their own
        // filters are applied here), and Forward 1, so that a publisher does not take the
        // subscription for idle.
        let group_request = track
            .waiting
            .iter()
            .filter_map(|w| w.params.new_group_request)
            .max();
        let request = Request::Subscribe(Subscribe {
            track: track.name.clone(),
            params: Parameters {
                forward: Some(true),
                new_group_request: group_request,
                ..Parameters::default()
            },
        });
        let sent = self.with_session(io, conn, |session, transport| {
            session.request(now, transport, request)
        });
        match sent {
            Some(Ok(request)) => {
                if let Some(peer) = self.peers.get_mut(&conn) {
                    peer.roles.insert(request, Role::Upstream { track: id });
                }
                if let Some(track) = self.tracks.get_mut(&id) {
                    track.group_request = track.group_request.max(group_request);
                    track.sources.push(Source {
                        conn,
                        request,
                        kind: SourceKind::Subscribed,
                        established: false,
                        forward: true,
                        done: None,
                    });
                }
            }
            Some(Err(SessionError::NoStreams)) => {
                if let Some(peer) = self.peers.get_mut(&conn) {
                    if !peer.blocked_tracks.contains(&id) {
                        peer.blocked_tracks.push(id);
                    }
                }
            }
            Some(Err(e)) => log::debug!("SUBSCRIBE upstream could not be sent: {e}"),
            None => {}
        }
    }

    pub(super) fn on_upstream_response(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        id: u64,
        response: Response,
    ) {
        match response {
            Response::SubscribeOk(ok) => self.on_subscribe_ok(io, conn, request, id, ok),
            Response::RequestError(error) => {
                if let Some(track) = self.tracks.get_mut(&id) {
                    track.refusal = Some(error);
                }
            }
            Response::PublishDone(done) => {
                if let Some(source) = self.tracks.get_mut(&id).and_then(|t| t.source_mut(conn)) {
                    source.done = Some(done);
                }
            }
            _ => {}
        }
    }

    fn on_subscribe_ok(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        id: u64,
        ok: SubscribeOk,
    ) {
        if let Some(key) = ok.properties.unknown_mandatory(|_| false) {
            let error = RequestError::new(
                request_codes::UNSUPPORTED_EXTENSION,
                format!("the track needs the property {key:#x}, which this relay does not know"),
            );
            self.drop_source(io, id, conn);
            self.cancel_request(io, conn, request, stream_codes::CANCELLED);
            if let Some(track) = self.tracks.get_mut(&id) {
                track.refusal = Some(error);
            }
            return self.waiting_without_source(io, id, false);
        }
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.ended && !track.has_live_subscribers() {
            // A new life of the track: nothing of the old one holds.
            self.reset_track(id);
        }
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        track.ended = false;
        track.grace = None;
        track.refusal = None;
        track.set_properties(ok.properties);
        if let Some(largest) = ok.params.largest_object {
            track.saw(largest);
        }
        if let Some(prefetch) = track.prefetch.as_mut().filter(|p| p.conn == conn) {
            prefetch.location = ok.params.largest_object;
        }
        if let Some(source) = track.source_mut(conn) {
            source.established = true;
        }
        self.established(io, id);
    }

    /// Forgets what was known of a track's objects.
    pub(super) fn reset_track(&mut self, id: u64) {
        let limits = &self.config.limits;
        let cache = crate::cache::TrackCache::new(
            limits.cache_bytes_per_track,
            limits.cache_groups_per_track,
        );
        if let Some(track) = self.tracks.get_mut(&id) {
            self.cached -= track.cache.bytes().min(self.cached);
            let old = std::mem::replace(&mut track.cache, cache);
            track.largest = None;
            track.live.clear();
            track.orphans.clear();
            track.group_request = None;
            self.discard(old);
        }
    }

    /// The track can be had now: answers everyone who waits for it.
    pub(super) fn established(&mut self, io: &mut dyn Io, id: u64) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let waiting = std::mem::take(&mut track.waiting);
        for one in waiting {
            self.accept_subscriber(io, id, one.conn, one.request, &one.params);
        }
        if self.tracks.get(&id).is_some_and(|t| t.is_wanted()) {
            self.set_forward(io, id, true);
        }
        self.review_track(io, id);
    }

    /// Sets the Forward State of all sources.
    pub(super) fn set_forward(&mut self, io: &mut dyn Io, id: u64, forward: bool) {
        let now = io.now();
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let mut change = Vec::new();
        for source in &mut track.sources {
            if source.established && source.done.is_none() && source.forward != forward {
                source.forward = forward;
                change.push((source.conn, source.request));
            }
        }
        for (conn, request) in change {
            let params = Parameters {
                forward: Some(forward),
                ..Parameters::default()
            };
            self.with_session(io, conn, |session, transport| {
                if let Err(e) = session.update(now, transport, request, params) {
                    log::debug!("FORWARD could not be sent upstream: {e}");
                }
            });
        }
    }

    /// Passes a NEW_GROUP_REQUEST on, unless one that is as good is outstanding (draft-18 "NEW
    /// GROUP REQUEST Parameter").
    pub(super) fn request_group(&mut self, io: &mut dyn Io, id: u64, wanted: u64) {
        let now = io.now();
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let old = wanted != 0 && track.largest.is_some_and(|largest| wanted <= largest.group);
        let outstanding = track.group_request.is_some_and(|other| other >= wanted);
        if !track.info.dynamic_groups || old || outstanding {
            return;
        }
        track.group_request = Some(wanted);
        let sources: Vec<_> = track
            .sources
            .iter()
            .filter(|s| s.established && s.done.is_none())
            .map(|s| (s.conn, s.request))
            .collect();
        for (conn, request) in sources {
            let params = Parameters {
                new_group_request: Some(wanted),
                ..Parameters::default()
            };
            self.with_session(io, conn, |session, transport| {
                if let Err(e) = session.update(now, transport, request, params) {
                    log::debug!("NEW_GROUP_REQUEST could not be sent upstream: {e}");
                }
            });
        }
    }

    /// The answer to an update that we sent: a new largest location may come with it.
    pub(super) fn on_update_response(
        &mut self,
        _io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        result: Result<moqt::wire::RequestOk, RequestError>,
    ) {
        let role = self.peers.get(&conn).and_then(|p| p.roles.get(&id));
        let Some(Role::Upstream { track }) = role else {
            return;
        };
        let Some(track) = self.tracks.get_mut(track) else {
            return;
        };
        if let Ok(RequestOk { params, .. }) = result {
            if let Some(largest) = params.largest_object {
                track.saw(largest);
            }
        }
    }
}
