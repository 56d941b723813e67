//! TRACK_STATUS: answered from what is known, otherwise passed on.

use super::Core;
use crate::io::Io;
use crate::peer::Role;
use moqt::session::RequestId;
use moqt::wire::{
    request_codes, FullTrackName, Parameters, Request, RequestError, RequestOk, Response, Subscribe,
};
use moqt_net::ConnId;

/// Who asks, for what, and who was asked already.
pub(super) type Question = (ConnId, RequestId, FullTrackName, Vec<ConnId>);

impl Core {
    pub(super) fn on_track_status(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        message: Subscribe,
    ) {
        let known = self
            .names
            .get(&message.track)
            .and_then(|id| self.tracks.get(id));
        if let Some(track) = known.filter(|t| t.is_established()) {
            let ok = RequestOk {
                params: Parameters {
                    largest_object: track.largest,
                    ..Parameters::default()
                },
                properties: track.properties.clone().unwrap_or_default(),
            };
            self.respond(io, conn, request, Response::RequestOk(ok));
            return;
        }
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.roles.insert(request, Role::Status);
        }
        self.status_failed(io, (conn, request, message.track, Vec::new()), None);
    }

    /// Asks the next publisher; without one, answers with `error`.
    pub(super) fn status_failed(
        &mut self,
        io: &mut dyn Io,
        question: Question,
        error: Option<RequestError>,
    ) {
        let now = io.now();
        let (asker, request, track, mut tried) = question;
        let waits = self
            .peers
            .get(&asker)
            .is_some_and(|p| p.roles.contains_key(&request));
        if !waits {
            return;
        }
        let next = self
            .publishers
            .matching(track.namespace())
            .map(|(conn, _)| *conn)
            .find(|conn| !tried.contains(conn));
        let Some(conn) = next else {
            let error = error.unwrap_or_else(|| {
                RequestError::new(
                    request_codes::DOES_NOT_EXIST,
                    "nobody publishes this track here",
                )
            });
            return self.reject(io, asker, request, error);
        };
        tried.push(conn);
        let message = Request::TrackStatus(Subscribe {
            track: track.clone(),
            params: Parameters::default(),
        });
        let sent = self.with_session(io, conn, |session, transport| {
            session.request(now, transport, message)
        });
        match sent {
            Some(Ok(id)) => {
                if let Some(peer) = self.peers.get_mut(&conn) {
                    let role = Role::UpstreamStatus {
                        conn: asker,
                        request,
                        track,
                        tried,
                    };
                    peer.roles.insert(id, role);
                }
            }
            _ => self.status_failed(io, (asker, request, track, tried), error),
        }
    }

    pub(super) fn on_status_response(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        question: Question,
        response: Response,
    ) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.roles.remove(&id);
        }
        match response {
            Response::RequestOk(ok) => {
                let (asker, request, ..) = question;
                let waits = self
                    .peers
                    .get_mut(&asker)
                    .is_some_and(|peer| peer.roles.remove(&request).is_some());
                if !waits {
                    return;
                }
                if let Some(key) = ok.properties.unknown_mandatory(|_| false) {
                    let error = RequestError::new(
                        request_codes::UNSUPPORTED_EXTENSION,
                        format!("the track needs the property {key:#x}"),
                    );
                    return self.reject(io, asker, request, error);
                }
                let ok = RequestOk {
                    params: Parameters {
                        largest_object: ok.params.largest_object,
                        ..Parameters::default()
                    },
                    properties: ok.properties,
                };
                self.respond(io, asker, request, Response::RequestOk(ok));
            }
            Response::RequestError(error) => self.status_failed(io, question, Some(error)),
            _ => {}
        }
    }
}
