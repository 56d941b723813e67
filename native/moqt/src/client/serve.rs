//! Answering the peer: SUBSCRIBE, FETCH, TRACK_STATUS and namespace requests for this client's
//! publications, FETCHes from the retained current group.

use super::publication::{Downstream, Life};
use super::publisher::Publisher;
use super::serve_fetch::{pump_fetch, Outgoing};
use super::shared::{Cx, Route};
use super::types::{ClientEvent, Handle};
use crate::delivery::{Outlet, Sender, SenderConfig, StreamSignal};
use crate::session::RequestId;
use crate::transport::StreamId;
use crate::wire::error::{request_codes, stream_codes};
use crate::wire::message::{
    NamespaceRequest, Request, RequestError, RequestOk, Response, Subscribe, SubscribeOk,
};
use crate::wire::name::Namespace;
use crate::wire::params::{Parameters, SubscriptionFilter};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// How long the group at the time of SUBSCRIBE is kept for a joining fetch.
const JOIN_LIMIT: Duration = Duration::from_secs(5);

/// What the peer asked for, beside subscriptions.
#[derive(Default)]
pub(super) struct Serving {
    pub(super) fetches: Vec<Outgoing>,
    /// SUBSCRIBE_NAMESPACEs of the peer with their prefixes and what they were told.
    watchers: HashMap<RequestId, (Namespace, Vec<Namespace>)>,
    /// Namespaces that went away and are to be told.
    gone: Vec<Namespace>,
    /// Publications with a snapshot for joining fetches, and until when it is kept.
    snapshots: VecDeque<(Instant, Handle)>,
}

impl Serving {
    pub fn namespace_gone(&mut self, namespace: &Namespace) {
        if !self.watchers.is_empty() {
            self.gone.push(namespace.clone());
        }
    }

    /// Whether the stream is one of a fetch.
    pub fn on_stream(&mut self, signal: StreamSignal, stream: StreamId, cx: &mut Cx<'_>) -> bool {
        let found = self
            .fetches
            .iter()
            .position(|fetch| fetch.stream == Some(stream));
        let Some(index) = found else { return false };
        match signal {
            StreamSignal::Writable => {
                self.fetches[index].blocked = false;
                self.pump_fetches(cx);
            }
            StreamSignal::Acked | StreamSignal::Stopped => {
                self.fetches.swap_remove(index);
            }
        }
        true
    }

    /// The peer gave up a request.
    pub fn closed(&mut self, request: RequestId) {
        self.fetches.retain(|fetch| fetch.request != request);
        self.watchers.remove(&request);
    }

    pub fn next_snapshot(&self) -> Option<Instant> {
        self.snapshots.front().map(|(at, _)| *at)
    }

    fn expired_snapshot(&mut self, now: Instant) -> Option<Handle> {
        let (at, handle) = *self.snapshots.front()?;
        if at > now {
            return None;
        }
        self.snapshots.pop_front();
        Some(handle)
    }

    fn pump_fetches(&mut self, cx: &mut Cx<'_>) {
        let mut index = 0;
        while index < self.fetches.len() {
            if pump_fetch(&mut self.fetches[index], cx) {
                index += 1;
            } else {
                self.fetches.swap_remove(index);
            }
        }
    }
}

pub(super) fn reject(cx: &mut Cx<'_>, id: RequestId, code: u64, reason: &str) {
    cx.shared.refused += 1;
    // The request may be over already: then there is nobody to tell.
    let _ = cx.session.reject(cx.t, id, RequestError::new(code, reason));
}

pub(super) const NO_TRACK: &str = "this endpoint does not publish that track";

impl Publisher {
    /// A request of the peer.
    pub fn on_request(&mut self, id: RequestId, request: Request, cx: &mut Cx<'_>) {
        match request {
            Request::Subscribe(subscribe) => self.on_subscribe(id, &subscribe, cx),
            Request::Fetch(fetch) => self.on_fetch(id, &fetch, cx),
            Request::TrackStatus(status) => self.on_track_status(id, &status, cx),
            Request::PublishNamespace(_) => {
                // Told to nobody: clients find namespaces with SUBSCRIBE_NAMESPACE.
                if cx
                    .session
                    .respond(cx.t, id, Response::RequestOk(RequestOk::default()))
                    .is_ok()
                {
                    cx.shared.routes.insert(id, Route::Accepted);
                }
            }
            Request::SubscribeNamespace(watch) => self.on_watch(id, watch, cx),
            Request::Publish(_) => {
                reject(
                    cx,
                    id,
                    request_codes::UNINTERESTED,
                    "this endpoint subscribes by itself",
                );
            }
            Request::SubscribeTracks(_) => {
                reject(
                    cx,
                    id,
                    request_codes::NOT_SUPPORTED,
                    "use SUBSCRIBE_NAMESPACE",
                );
            }
        }
    }

    fn on_subscribe(&mut self, id: RequestId, subscribe: &Subscribe, cx: &mut Cx<'_>) {
        let handle = self.by_track.get(&subscribe.track).copied();
        let Some(publication) = handle.and_then(|h| self.publications.get_mut(&h)) else {
            return reject(cx, id, request_codes::DOES_NOT_EXIST, NO_TRACK);
        };
        if publication.down.is_some() {
            let text = "this session has a subscription to that track";
            return reject(cx, id, request_codes::DUPLICATE_SUBSCRIPTION, text);
        }
        let handle = publication.handle;
        let alias = cx.session.next_alias();
        let config = SenderConfig::from_subscribe(
            handle.0,
            alias,
            publication.info,
            &subscribe.params,
            publication.largest,
        );
        let Ok(mut config) = config else {
            return reject(cx, id, request_codes::INVALID_RANGE, "that range is over");
        };
        // `send` stops at the publication's bound; this one only catches what comes at once.
        config.limits.queue_bytes = publication.options.queue_bytes.saturating_mul(2);
        config.limits.queue_bytes = config
            .limits
            .queue_bytes
            .max(cx.shared.config.max_object_size);
        config.limits.queue_objects = usize::MAX;
        let sender_room = config.limits.queue_bytes / 2;
        let ok = SubscribeOk {
            track_alias: alias,
            params: Parameters {
                largest_object: publication.largest,
                ..Parameters::default()
            },
            properties: publication.info.to_properties(),
        };
        if cx
            .session
            .respond(cx.t, id, Response::SubscribeOk(ok))
            .is_err()
        {
            return;
        }
        cx.shared.routes.insert(id, Route::Downstream(handle));
        let joins = subscribe.params.filter == Some(SubscriptionFilter::LargestObject);
        let mut snapshot = Vec::new();
        if joins {
            snapshot.extend(publication.retained.iter().cloned());
            self.serving
                .snapshots
                .push_back((cx.now + JOIN_LIMIT, handle));
        }
        let mut sender = Sender::new(config);
        // A relay's subscription begins in the past: after a lost connection its subscribers get what
        // was published meanwhile without asking for it.
        if publication.retained_cost() <= sender_room {
            for object in &publication.retained {
                sender.push(object);
            }
        }
        publication.down = Some(Downstream {
            request: id,
            sender,
            joined: publication.largest,
            snapshot_complete: publication.retained_complete,
            snapshot,
        });
        cx.shared.event(ClientEvent::Subscribers(handle, 1));
        if let Some(known) = subscribe.params.new_group_request {
            publication.want_keyframe(cx.now, known, cx.shared);
        }
        self.dirty.push(handle);
        cx.shared.dirty = true;
    }

    fn on_track_status(&mut self, id: RequestId, status: &Subscribe, cx: &mut Cx<'_>) {
        let handle = self.by_track.get(&status.track);
        let Some(publication) = handle.and_then(|h| self.publications.get(h)) else {
            return reject(cx, id, request_codes::DOES_NOT_EXIST, NO_TRACK);
        };
        let ok = RequestOk {
            params: Parameters {
                largest_object: publication.largest,
                ..Parameters::default()
            },
            properties: publication.info.to_properties(),
        };
        let _ = cx.session.respond(cx.t, id, Response::RequestOk(ok));
    }

    fn on_watch(&mut self, id: RequestId, watch: NamespaceRequest, cx: &mut Cx<'_>) {
        let prefix = watch.namespace;
        let overlaps =
            |other: &Namespace| other.is_prefix_of(&prefix) || prefix.is_prefix_of(other);
        if self
            .serving
            .watchers
            .values()
            .any(|(other, _)| overlaps(other))
        {
            let text = "the prefix overlaps another one of this session";
            return reject(cx, id, request_codes::PREFIX_OVERLAP, text);
        }
        if cx
            .session
            .respond(cx.t, id, Response::RequestOk(RequestOk::default()))
            .is_err()
        {
            return;
        }
        cx.shared.routes.insert(id, Route::Watcher);
        self.serving.watchers.insert(id, (prefix, Vec::new()));
        cx.shared.dirty = true;
    }

    /// REQUEST_UPDATE for a subscription or a namespace request of the peer.
    pub fn on_update(&mut self, id: RequestId, params: &Parameters, cx: &mut Cx<'_>) {
        let Some(Route::Downstream(handle)) = cx.shared.routes.get(&id).cloned() else {
            let result = if params.namespace_prefix.is_some() {
                Err(RequestError::new(
                    request_codes::NOT_SUPPORTED,
                    "request the prefix anew",
                ))
            } else {
                Ok(RequestOk::default())
            };
            let _ = cx.session.respond_update(cx.t, id, result);
            return;
        };
        let Some(publication) = self.publications.get_mut(&handle) else {
            return;
        };
        let largest = publication.largest;
        let Some(down) = &mut publication.down else {
            return;
        };
        let was_forwarding = down.sender.is_forwarding();
        let mut out = Outlet {
            session: &mut *cx.session,
            transport: &mut *cx.t,
            owners: &mut cx.shared.owners,
        };
        let result = match down.sender.update(params, largest, &mut out) {
            Ok(()) => {
                if !was_forwarding && down.sender.is_forwarding() {
                    down.joined = largest;
                    down.snapshot.clear();
                }
                let params = Parameters {
                    largest_object: largest,
                    ..Parameters::default()
                };
                Ok(RequestOk {
                    params,
                    ..RequestOk::default()
                })
            }
            Err(_) => Err(RequestError::new(
                request_codes::INVALID_RANGE,
                "that range is over",
            )),
        };
        let failed = result.is_err();
        let _ = cx.session.respond_update(cx.t, id, result);
        if failed {
            // The session has ended the subscription.
            down.sender.close(
                stream_codes::CANCELLED,
                &mut Outlet {
                    session: &mut *cx.session,
                    transport: &mut *cx.t,
                    owners: &mut cx.shared.owners,
                },
            );
            cx.shared.routes.remove(&id);
            publication.drop_downstream(cx.shared);
            return;
        }
        if let Some(known) = params.new_group_request {
            publication.want_keyframe(cx.now, known, cx.shared);
        }
        self.dirty.push(handle);
        cx.shared.dirty = true;
    }

    /// The peer has given up a request.
    pub fn on_request_closed(&mut self, id: RequestId, route: &Route, cx: &mut Cx<'_>) {
        self.serving.closed(id);
        let Route::Downstream(handle) = route else {
            return;
        };
        let Some(publication) = self.publications.get_mut(handle) else {
            return;
        };
        if publication
            .down
            .as_ref()
            .is_none_or(|down| down.request != id)
        {
            return;
        }
        if let Some(down) = &mut publication.down {
            down.sender.close(
                stream_codes::CANCELLED,
                &mut Outlet {
                    session: &mut *cx.session,
                    transport: &mut *cx.t,
                    owners: &mut cx.shared.owners,
                },
            );
        }
        publication.drop_downstream(cx.shared);
        if let Life::Ending { flush, .. } = publication.life {
            let handle = *handle;
            self.publications.remove(&handle);
            if flush {
                cx.shared
                    .event(ClientEvent::Ended(handle, super::types::End::Closed));
            }
        }
    }

    /// Writes fetches, tells watchers, and lets old snapshots go.
    pub fn pump_serving(&mut self, cx: &mut Cx<'_>) {
        self.serving.pump_fetches(cx);
        while let Some(handle) = self.serving.expired_snapshot(cx.now) {
            if let Some(down) = self
                .publications
                .get_mut(&handle)
                .and_then(|p| p.down.as_mut())
            {
                down.snapshot = Vec::new();
                down.snapshot_complete = false;
            }
        }
        if self.serving.watchers.is_empty() {
            return;
        }
        let mut watchers = std::mem::take(&mut self.serving.watchers);
        let gone = std::mem::take(&mut self.serving.gone);
        for (id, (prefix, told)) in &mut watchers {
            for namespace in &gone {
                if let Some(index) = told.iter().position(|known| known == namespace) {
                    told.swap_remove(index);
                    if let Some(suffix) = namespace.suffix_after(prefix) {
                        let _ = cx
                            .session
                            .respond(cx.t, *id, Response::NamespaceDone(suffix));
                    }
                }
            }
            for namespace in self.namespaces() {
                if let Some(suffix) = namespace.suffix_after(prefix) {
                    if !told.contains(namespace)
                        && cx
                            .session
                            .respond(cx.t, *id, Response::Namespace(suffix))
                            .is_ok()
                    {
                        told.push(namespace.clone());
                    }
                }
            }
        }
        self.serving.watchers = watchers;
    }
}
