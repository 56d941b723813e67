//! PUBLISH_NAMESPACE, SUBSCRIBE_NAMESPACE and SUBSCRIBE_TRACKS.

use super::Core;
use crate::io::Io;
use crate::peer::Role;
use moqt::session::RequestId;
use moqt::wire::{
    request_codes, FullTrackName, Namespace, NamespaceRequest, RequestError, RequestOk, Response,
};
use moqt_net::ConnId;
use std::collections::HashSet;

impl Core {
    pub(super) fn on_publish_namespace(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        message: NamespaceRequest,
    ) {
        if self.namespaces >= self.config.limits.namespaces {
            self.counts.limits.namespaces += 1;
            return self.reject(io, conn, id, Self::overloaded("published namespaces"));
        }
        let namespace = message.namespace;
        if !self.respond(io, conn, id, Response::RequestOk(RequestOk::default())) {
            return;
        }
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        peer.roles.insert(
            id,
            Role::Namespace {
                namespace: namespace.clone(),
            },
        );
        let others = self.publishers.insert(&namespace, (conn, id));
        self.namespaces += 1;
        if others == 0 {
            self.tell_namespace(io, &namespace, true);
        }
        // Tracks that someone reads or waits for may be had from this publisher too.
        let mut tracks = Vec::new();
        self.tracks_by_namespace.under(&namespace, |_, ids| {
            tracks.extend_from_slice(ids);
            true
        });
        for track in tracks {
            let wanted = self
                .tracks
                .get(&track)
                .is_some_and(|t| !t.waiting.is_empty() || !t.subscribers.is_empty());
            if wanted {
                self.request_from(io, track, conn);
                self.schedule_track(track);
            }
        }
    }

    /// A PUBLISH_NAMESPACE is over.
    pub(super) fn namespace_gone(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        namespace: &Namespace,
    ) {
        let (removed, left) = self.publishers.remove(namespace, |key| *key == (conn, id));
        self.namespaces -= removed;
        if removed > 0 && left == 0 {
            self.tell_namespace(io, namespace, false);
        }
    }

    /// Tells everyone who follows a prefix of `namespace` that it came or went.
    fn tell_namespace(&mut self, io: &mut dyn Io, namespace: &Namespace, came: bool) {
        let followers: Vec<_> = self.discoveries.matching(namespace).copied().collect();
        for (conn, id) in followers {
            self.tell(io, conn, id, namespace, came);
        }
    }

    /// NAMESPACE or NAMESPACE_DONE to one follower, if that is news to it.
    fn tell(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        namespace: &Namespace,
        came: bool,
    ) {
        let role = self.peers.get_mut(&conn).and_then(|p| p.roles.get_mut(&id));
        let Some(Role::Discovery { prefix, told }) = role else {
            return;
        };
        let Some(suffix) = namespace.suffix_after(prefix) else {
            return;
        };
        let news = if came {
            told.insert(namespace.clone())
        } else {
            told.remove(namespace)
        };
        if !news {
            return;
        }
        let response = if came {
            Response::Namespace(suffix)
        } else {
            Response::NamespaceDone(suffix)
        };
        self.respond(io, conn, id, response);
    }

    /// Whether a prefix overlaps with another live request of the same kind in the session.
    fn overlaps(&self, conn: ConnId, id: RequestId, prefix: &Namespace, tracks: bool) -> bool {
        let Some(peer) = self.peers.get(&conn) else {
            return false;
        };
        peer.roles.iter().any(|(other, role)| {
            let theirs = match role {
                Role::Discovery { prefix, .. } if !tracks => prefix,
                Role::Tracks { prefix, .. } if tracks => prefix,
                _ => return false,
            };
            *other != id && (theirs.is_prefix_of(prefix) || prefix.is_prefix_of(theirs))
        })
    }

    fn overlap_error() -> RequestError {
        RequestError::new(
            request_codes::PREFIX_OVERLAP,
            "this session already has a request for an overlapping prefix",
        )
    }

    /// The namespaces published under a prefix, or why they are too many.
    fn published_under(&mut self, prefix: &Namespace) -> Result<Vec<Namespace>, RequestError> {
        let limit = self.config.limits.matches_per_prefix;
        let mut found = Vec::new();
        self.publishers.under(prefix, |namespace, _| {
            found.push(namespace);
            found.len() <= limit
        });
        if found.len() > limit {
            self.counts.limits.matches += 1;
            return Err(RequestError::new(
                request_codes::NAMESPACE_TOO_LARGE,
                "too many namespaces match; ask for a longer prefix",
            ));
        }
        Ok(found)
    }

    pub(super) fn on_subscribe_namespace(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        message: NamespaceRequest,
    ) {
        let prefix = message.namespace;
        if self.overlaps(conn, id, &prefix, false) {
            return self.reject(io, conn, id, Self::overlap_error());
        }
        let found = match self.published_under(&prefix) {
            Ok(found) => found,
            Err(error) => return self.reject(io, conn, id, error),
        };
        if !self.respond(io, conn, id, Response::RequestOk(RequestOk::default())) {
            return;
        }
        self.discoveries.insert(&prefix, (conn, id));
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.roles.insert(
                id,
                Role::Discovery {
                    prefix,
                    told: HashSet::new(),
                },
            );
        }
        for namespace in found {
            self.tell(io, conn, id, &namespace, true);
        }
    }

    /// The prefix of a SUBSCRIBE_NAMESPACE or SUBSCRIBE_TRACKS changes. Gives the answer.
    pub(super) fn move_prefix(
        &mut self,
        conn: ConnId,
        id: RequestId,
        prefix: &Namespace,
    ) -> Result<(), RequestError> {
        let role = self.peers.get(&conn).and_then(|p| p.roles.get(&id));
        let tracks = matches!(role, Some(Role::Tracks { .. }));
        if self.overlaps(conn, id, prefix, tracks) {
            return Err(Self::overlap_error());
        }
        if !tracks {
            self.published_under(prefix)?;
        }
        Ok(())
    }

    /// Applies a moved prefix after REQUEST_OK: what is no longer under it is forgotten, what is
    /// new under it is told.
    pub(super) fn prefix_moved(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        new: &Namespace,
    ) {
        let key = (conn, id);
        let Some(role) = self.peers.get_mut(&conn).and_then(|p| p.roles.get_mut(&id)) else {
            return;
        };
        match role {
            Role::Discovery { prefix, told } => {
                let old = std::mem::replace(prefix, new.clone());
                told.retain(|namespace| new.is_prefix_of(namespace));
                self.discoveries.remove(&old, |k| *k == key);
                self.discoveries.insert(new, key);
                for namespace in self.published_under(new).unwrap_or_default() {
                    self.tell(io, conn, id, &namespace, true);
                }
            }
            Role::Tracks { prefix, .. } => {
                let old = std::mem::replace(prefix, new.clone());
                self.track_followers.remove(&old, |k| *k == key);
                self.track_followers.insert(new, key);
                self.offer_existing(io, conn, id, new);
            }
            _ => {}
        }
    }

    pub(super) fn on_subscribe_tracks(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        message: NamespaceRequest,
    ) {
        let prefix = message.namespace;
        if self.overlaps(conn, id, &prefix, true) {
            return self.reject(io, conn, id, Self::overlap_error());
        }
        if self.published_tracks_under(&prefix).len() > self.config.limits.matches_per_prefix {
            self.counts.limits.matches += 1;
            let error = RequestError::new(
                request_codes::NAMESPACE_TOO_LARGE,
                "too many tracks match; ask for a longer prefix",
            );
            return self.reject(io, conn, id, error);
        }
        if !self.respond(io, conn, id, Response::RequestOk(RequestOk::default())) {
            return;
        }
        self.track_followers.insert(&prefix, (conn, id));
        let forward = message.params.forward.unwrap_or(true);
        if let Some(peer) = self.peers.get_mut(&conn) {
            let role = Role::Tracks {
                prefix: prefix.clone(),
                forward,
                blocked: HashSet::new(),
            };
            peer.roles.insert(id, role);
        }
        self.offer_existing(io, conn, id, &prefix);
    }

    /// Tracks under a prefix that a publisher has announced with PUBLISH.
    fn published_tracks_under(&self, prefix: &Namespace) -> Vec<u64> {
        let limit = self.config.limits.matches_per_prefix;
        let mut found = Vec::new();
        self.tracks_by_namespace.under(prefix, |_, ids| {
            found.extend(ids.iter().copied().filter(|id| self.is_published(*id)));
            found.len() <= limit
        });
        found
    }

    fn offer_existing(&mut self, io: &mut dyn Io, conn: ConnId, id: RequestId, prefix: &Namespace) {
        for track in self.published_tracks_under(prefix) {
            self.offer(io, conn, id, track);
        }
    }

    /// PUBLISH_BLOCKED: no stream for a PUBLISH; the peer may SUBSCRIBE instead.
    pub(super) fn tell_blocked(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        track: u64,
    ) {
        let Some(name) = self.tracks.get(&track).map(|t| t.name.clone()) else {
            return;
        };
        let role = self.peers.get_mut(&conn).and_then(|p| p.roles.get_mut(&id));
        let Some(Role::Tracks {
            prefix, blocked, ..
        }) = role
        else {
            return;
        };
        let Some(suffix) = name.namespace().suffix_after(prefix) else {
            return;
        };
        if !blocked.insert(track) {
            return;
        }
        if let Ok(suffix) = FullTrackName::new(suffix, name.name().clone()) {
            self.respond(io, conn, id, Response::PublishBlocked { suffix });
        }
    }
}
