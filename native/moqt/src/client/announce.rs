//! PUBLISH_NAMESPACE: one per namespace, shared by its publications and by announcements of the
//! namespace alone.

use super::error::{ClientError, ErrorCode};
use super::faults;
use super::publication::{Life, Publication};
use super::publisher::Publisher;
use super::shared::{Cx, Route, Shared};
use super::types::{ClientEvent, End, Handle};
use crate::session::{RequestEnd, RequestId, SessionError};
use crate::wire::error::stream_codes;
use crate::wire::message::{NamespaceRequest, Request, Response};
use crate::wire::name::Namespace;
use crate::wire::params::Parameters;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Spacing of announcements that are refused for a passing reason after a connection was replaced.
const ANNOUNCE_AGAIN: Duration = Duration::from_millis(1_000);

enum Announced {
    /// PUBLISH_NAMESPACE is to be sent.
    Unsent,
    Sent(RequestId),
    Accepted(RequestId),
}

/// One namespace that publications share.
struct Announcement {
    namespace: Namespace,
    /// Publications and `alone`.
    users: usize,
    /// Announcements without a publication.
    alone: Vec<Handle>,
    state: Announced,
    /// The peer accepted it, on this connection or on one before.
    accepted: bool,
    /// It is not sent before.
    again_at: Option<Instant>,
}

/// Every namespace that is published under.
#[derive(Default)]
pub(super) struct Announcements {
    of: HashMap<u64, Announcement>,
    by_namespace: HashMap<Namespace, u64>,
}

impl Announcements {
    /// The connection is gone: all of them are announced on the next one.
    pub fn detach(&mut self) {
        for announcement in self.of.values_mut() {
            announcement.state = Announced::Unsent;
            announcement.again_at = None;
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.of.values().filter_map(|one| one.again_at).min()
    }

    pub fn on_timeout(&mut self, now: Instant, shared: &mut Shared) {
        for announcement in self.of.values_mut() {
            if announcement.again_at.take_if(|at| *at <= now).is_some() {
                shared.want();
            }
        }
    }
}

impl Publisher {
    /// Announces a namespace for its own sake, until [`Publisher::withdraw`].
    pub fn announce_alone(
        &mut self,
        namespace: &Namespace,
        shared: &mut Shared,
    ) -> Result<Handle, ClientError> {
        let max = shared.config.max_requests;
        let open: usize = self.announcements.of.values().map(|a| a.alone.len()).sum();
        if open >= max {
            let message = format!("This client announces {max} namespaces, its limit: end some.");
            return Err(ClientError::new(ErrorCode::LimitExceeded, message));
        }
        let handle = shared.next_handle();
        self.announce(namespace, handle, shared);
        let id = self.announcements.by_namespace.get(namespace);
        if let Some(one) = id.and_then(|id| self.announcements.of.get_mut(id)) {
            one.alone.push(handle);
        }
        Ok(handle)
    }

    /// Ends an announcement without a publication. False when the handle is none.
    pub fn withdraw(&mut self, handle: Handle, shared: &mut Shared) -> bool {
        let found = self.announcements.of.values_mut().find_map(|one| {
            let at = one.alone.iter().position(|other| *other == handle)?;
            one.alone.swap_remove(at);
            Some(one.namespace.clone())
        });
        let Some(namespace) = found else {
            return false;
        };
        shared.event(ClientEvent::Ended(handle, End::Closed));
        self.unannounce(&namespace, shared);
        true
    }

    /// The client closes: announcements without a publication end.
    pub(super) fn end_announcements(&mut self, end: &End, shared: &mut Shared) {
        for one in self.announcements.of.values_mut() {
            for handle in one.alone.drain(..) {
                shared.event(ClientEvent::Ended(handle, end.clone()));
            }
        }
    }

    pub(super) fn announce(&mut self, namespace: &Namespace, handle: Handle, shared: &mut Shared) {
        if let Some(id) = self.announcements.by_namespace.get(namespace) {
            if let Some(announcement) = self.announcements.of.get_mut(id) {
                announcement.users += 1;
                if announcement.accepted {
                    shared.event(ClientEvent::PublicationReady(handle));
                }
                return;
            }
        }
        let id = shared.next_id();
        let namespace = namespace.clone();
        self.announcements
            .by_namespace
            .insert(namespace.clone(), id);
        let announcement = Announcement {
            namespace,
            users: 1,
            alone: Vec::new(),
            state: Announced::Unsent,
            accepted: false,
            again_at: None,
        };
        self.announcements.of.insert(id, announcement);
        shared.want();
    }

    pub(super) fn unannounce(&mut self, namespace: &Namespace, shared: &mut Shared) {
        let Some(&id) = self.announcements.by_namespace.get(namespace) else {
            return;
        };
        let Some(announcement) = self.announcements.of.get_mut(&id) else {
            return;
        };
        announcement.users -= 1;
        if announcement.users == 0 {
            if let Announced::Sent(request) | Announced::Accepted(request) = announcement.state {
                shared.cancel(request, stream_codes::CANCELLED);
            }
            self.announcements.of.remove(&id);
            self.announcements.by_namespace.remove(namespace);
            self.serving.namespace_gone(namespace);
        }
    }

    /// The namespaces that this client publishes under.
    pub fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.announcements.by_namespace.keys()
    }

    pub(super) fn send_announcements(&mut self, cx: &mut Cx<'_>) {
        let mut failed = Vec::new();
        for (id, announcement) in &mut self.announcements.of {
            let unsent = matches!(announcement.state, Announced::Unsent);
            if !unsent || announcement.again_at.is_some() {
                continue;
            }
            let namespace = announcement.namespace.clone();
            let request = NamespaceRequest {
                namespace,
                params: Parameters::default(),
            };
            match cx
                .session
                .request(cx.now, cx.t, Request::PublishNamespace(request))
            {
                Ok(request) => {
                    announcement.state = Announced::Sent(request);
                    cx.shared.routes.insert(request, Route::Namespace(*id));
                }
                Err(SessionError::NoStreams | SessionError::Closed) => break,
                // The next connection takes it.
                Err(SessionError::GoingAway) if cx.shared.recovers() => break,
                Err(error) => failed.push((*id, error)),
            }
        }
        for (id, error) in failed {
            let message = format!("Cannot announce the namespace: {error}. Connect again.");
            self.announcement_failed(
                id,
                ClientError::new(ErrorCode::GoingAway, message),
                cx.shared,
            );
        }
    }

    pub fn on_announce_response(
        &mut self,
        id: u64,
        response: Response,
        now: Instant,
        shared: &mut Shared,
    ) {
        match response {
            Response::RequestOk(_) => {
                let Some(announcement) = self.announcements.of.get_mut(&id) else {
                    return;
                };
                if let Announced::Sent(request) = announcement.state {
                    announcement.state = Announced::Accepted(request);
                }
                if std::mem::replace(&mut announcement.accepted, true) {
                    return;
                }
                for handle in &announcement.alone {
                    shared.event(ClientEvent::PublicationReady(*handle));
                }
                for (handle, publication) in &self.publications {
                    let live = publication.life == Life::Live;
                    if live && *publication.track.namespace() == announcement.namespace {
                        shared.event(ClientEvent::PublicationReady(*handle));
                    }
                }
            }
            Response::RequestError(error) => {
                let Some(announcement) = self.announcements.of.get_mut(&id) else {
                    return;
                };
                let what = format!("take publications under {}", announcement.namespace);
                let error = faults::refused(&what, &error);
                // Once it was accepted, a passing refusal does not end what is published.
                if announcement.accepted && error.retryable && shared.recovers() {
                    announcement.state = Announced::Unsent;
                    announcement.again_at = Some(now + ANNOUNCE_AGAIN);
                    return;
                }
                self.announcement_failed(id, error, shared);
            }
            _ => {}
        }
    }

    pub fn on_announce_closed(&mut self, id: u64, end: RequestEnd, shared: &mut Shared) {
        let what = "announcement of the namespace";
        let error = match end {
            RequestEnd::Rejected => return,
            RequestEnd::Cancelled(code) => faults::cancelled(what, code),
            RequestEnd::TimedOut => faults::timed_out(what),
            RequestEnd::Done | RequestEnd::Finished => faults::finished(what),
        };
        self.announcement_failed(id, error, shared);
    }

    /// Every publication under the namespace, and every announcement of it, ends with the error.
    pub(super) fn announcement_failed(&mut self, id: u64, error: ClientError, shared: &mut Shared) {
        let Some(announcement) = self.announcements.of.get_mut(&id) else {
            return;
        };
        let namespace = announcement.namespace.clone();
        if let Announced::Sent(request) | Announced::Accepted(request) = announcement.state {
            shared.routes.remove(&request);
        }
        // Nothing is left to cancel.
        announcement.state = Announced::Unsent;
        for handle in std::mem::take(&mut announcement.alone) {
            shared.event(ClientEvent::Ended(handle, End::Error(error.clone())));
            self.unannounce(&namespace, shared);
        }
        let of_it = |p: &&Publication| *p.track.namespace() == namespace && p.life == Life::Live;
        let handles: Vec<Handle> = self
            .publications
            .values()
            .filter(of_it)
            .map(|p| p.handle)
            .collect();
        for handle in handles {
            self.fail(handle, error.clone(), shared);
        }
    }
}
