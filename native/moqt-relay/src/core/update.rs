//! REQUEST_UPDATE.

use super::Core;
use crate::io::Io;
use crate::peer::Role;
use moqt::delivery::Outlet;
use moqt::session::{RequestEnd, RequestId};
use moqt::wire::{request_codes, Parameters, RequestError, RequestOk, Token};
use moqt_net::ConnId;

impl Core {
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
                    self.on_request_closed(io, conn, request, RequestEnd::Rejected);
                } else if let Some(prefix) = &params.namespace_prefix {
                    self.prefix_moved(io, conn, request, prefix);
                }
            }
            _ => {}
        }
    }

    pub(super) fn update_subscriber(
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
