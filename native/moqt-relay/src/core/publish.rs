//! PUBLISH in both directions: accepted from publishers, offered to those who follow a prefix.

use super::Core;
use crate::io::Io;
use crate::peer::Role;
use crate::track::{Source, SourceKind};
use moqt::session::{RequestId, SessionError};
use moqt::wire::{
    request_codes, Parameters, Publish, PublishDone, Request, RequestError, RequestOk, Response,
};
use moqt_net::ConnId;

impl Core {
    pub(super) fn on_publish(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        message: Publish,
    ) {
        if let Some(key) = message.properties.unknown_mandatory(|_| false) {
            let error = RequestError::new(
                request_codes::UNSUPPORTED_EXTENSION,
                format!("the track needs the property {key:#x}, which this relay does not know"),
            );
            return self.reject(io, conn, request, error);
        }
        let Some(id) = self.track_of(&message.track) else {
            return self.reject(io, conn, request, Self::overloaded("tracks"));
        };
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        match track.sources.iter().find(|s| s.conn == conn).cloned() {
            Some(source) if !source.established => {
                // Our own SUBSCRIBE to this publisher crossed its PUBLISH: the PUBLISH wins.
                self.drop_source(io, id, conn);
                let code = moqt::wire::stream_codes::CANCELLED;
                self.cancel_request(io, conn, source.request, code);
            }
            Some(_) => {
                let error = RequestError::new(
                    request_codes::DUPLICATE_SUBSCRIPTION,
                    "the relay already receives this track from this session",
                );
                return self.reject(io, conn, request, error);
            }
            None => {}
        }
        if self
            .tracks
            .get(&id)
            .is_some_and(|t| t.ended && !t.has_live_subscribers())
        {
            self.reset_track(id);
        }
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        // The first readers find the current group here. If none come within the linger time, the
        // publisher is told to be silent until there are some.
        let forward = true;
        track.ended = false;
        track.grace = None;
        track.refusal = None;
        track.set_properties(message.properties);
        if let Some(largest) = message.params.largest_object {
            track.saw(largest);
        }
        track.sources.push(Source {
            conn,
            request,
            kind: SourceKind::Published,
            established: true,
            forward,
            done: None,
        });
        let group_request = track
            .waiting
            .iter()
            .filter_map(|w| w.params.new_group_request)
            .max();
        let group_request = group_request.filter(|_| track.info.dynamic_groups);
        track.group_request = track.group_request.max(group_request);
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.roles.insert(request, Role::Upstream { track: id });
        }
        let ok = RequestOk {
            params: Parameters {
                forward: Some(forward),
                new_group_request: group_request,
                ..Parameters::default()
            },
            ..RequestOk::default()
        };
        if !self.respond(io, conn, request, Response::RequestOk(ok)) {
            self.drop_source(io, id, conn);
            return self.review_track(io, id);
        }
        self.established(io, id);
        // Only to those who have not asked for the track by themselves.
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        let namespace = track.name.namespace().clone();
        let followers: Vec<_> = self.track_followers.matching(&namespace).copied().collect();
        for (follower, prefix_request) in followers {
            self.offer(io, follower, prefix_request, id);
        }
    }

    /// Whether a publisher has announced the track with PUBLISH.
    pub(super) fn is_published(&self, id: u64) -> bool {
        self.tracks.get(&id).is_some_and(|t| {
            t.sources
                .iter()
                .any(|s| s.kind == SourceKind::Published && s.done.is_none())
        })
    }

    /// Sends PUBLISH for a track to a session that follows a prefix with SUBSCRIBE_TRACKS.
    pub(super) fn offer(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        prefix_request: RequestId,
        id: u64,
    ) {
        let now = io.now();
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        let Some(peer) = self.peers.get(&conn) else {
            return;
        };
        let Some(Role::Tracks {
            forward, blocked, ..
        }) = peer.roles.get(&prefix_request)
        else {
            return;
        };
        let publishes = track.sources.iter().any(|s| s.conn == conn);
        let offered = peer
            .roles
            .values()
            .any(|r| matches!(r, Role::Offered { track } if *track == id));
        if publishes || offered || blocked.contains(&id) || track.is_subscribed(conn) {
            return;
        }
        let request = Request::Publish(Publish {
            track: track.name.clone(),
            track_alias: track.alias,
            params: Parameters {
                forward: Some(*forward),
                largest_object: track.largest,
                ..Parameters::default()
            },
            properties: track.properties.clone().unwrap_or_default(),
        });
        let sent = self.with_session(io, conn, |session, transport| {
            session.request(now, transport, request)
        });
        match sent {
            Some(Ok(request)) => {
                if let Some(peer) = self.peers.get_mut(&conn) {
                    peer.roles.insert(request, Role::Offered { track: id });
                }
                if let Some(track) = self.tracks.get_mut(&id) {
                    track.offers.push((conn, request));
                }
            }
            Some(Err(SessionError::NoStreams)) => self.tell_blocked(io, conn, prefix_request, id),
            Some(Err(e)) => log::debug!("PUBLISH could not be sent: {e}"),
            None => {}
        }
    }

    /// The answer to our PUBLISH.
    pub(super) fn on_offer_response(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        id: u64,
        response: Response,
    ) {
        self.forget_offer(id, conn, request);
        let Response::RequestOk(ok) = response else {
            return;
        };
        let Some(track) = self.tracks.get(&id) else {
            // It ended meanwhile.
            let code = moqt::wire::stream_codes::CANCELLED;
            return self.cancel_request(io, conn, request, code);
        };
        let largest = track.largest;
        let Some(sender) = self.sender_for(id, &ok.params, largest) else {
            let code = moqt::wire::stream_codes::CANCELLED;
            return self.cancel_request(io, conn, request, code);
        };
        self.subscriptions += 1;
        let forwarding = sender.is_forwarding();
        self.add_subscriber(io, id, conn, request, sender, largest);
        if forwarding {
            self.set_forward(io, id, true);
        }
        if let Some(group) = ok.params.new_group_request {
            self.request_group(io, id, group);
        }
        self.review_track(io, id);
    }

    /// An offer was answered or is over.
    pub(super) fn forget_offer(&mut self, id: u64, conn: ConnId, request: RequestId) {
        if let Some(track) = self.tracks.get_mut(&id) {
            track.offers.retain(|offer| *offer != (conn, request));
        }
    }

    /// Takes back the offers of a track that has ended.
    pub(super) fn withdraw_offers(&mut self, io: &mut dyn Io, id: u64, done: &PublishDone) {
        let offers = match self.tracks.get_mut(&id) {
            Some(track) => std::mem::take(&mut track.offers),
            None => return,
        };
        for (conn, request) in offers {
            if let Some(peer) = self.peers.get_mut(&conn) {
                peer.roles.remove(&request);
            }
            self.publish_done(io, conn, request, done.clone());
        }
    }
}
