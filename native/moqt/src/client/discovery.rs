//! Namespaces under a prefix: overlapping discoveries share one request on the wire.

use super::error::{ClientError, ErrorCode};
use super::faults;
use super::shared::{Cx, Route, Shared};
use super::subscriber::unsendable;
use super::types::{ClientEvent, End, Handle};
use crate::session::{RequestEnd, RequestId, SessionError};
use crate::wire::error::{request_codes, stream_codes};
use crate::wire::message::{NamespaceRequest, Request, Response};
use crate::wire::name::Namespace;
use crate::wire::params::Parameters;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// After a wider request took over: how long its first answers are waited for before namespaces
/// that it did not name count as gone.
const SETTLE: Duration = Duration::from_secs(1);
/// After a lost connection was replaced: how long until what the relay has not named again counts
/// as gone.
const REAPPEAR: Duration = Duration::from_secs(2);
/// A PREFIX_OVERLAP right after a cancel is a race: tried again so often and so far apart.
const OVERLAP_RETRIES: u32 = 20;
const OVERLAP_WAIT: Duration = Duration::from_millis(50);

struct Watch {
    prefix: Namespace,
    request: Option<RequestId>,
    accepted: bool,
    known: BTreeSet<Namespace>,
    readers: Vec<Handle>,
    /// It takes the place of one on a connection that was lost.
    again: bool,
    retries: u32,
    retry_at: Option<Instant>,
    settle_at: Option<Instant>,
}

struct Finder {
    prefix: Namespace,
    watch: u64,
    known: BTreeSet<Namespace>,
}

#[derive(Default)]
pub(super) struct Discovery {
    watches: HashMap<u64, Watch>,
    finders: BTreeMap<Handle, Finder>,
    /// Namespaces not kept because of the bound.
    pub dropped: u64,
}

impl Discovery {
    pub fn len(&self) -> usize {
        self.finders.len()
    }

    pub fn discover(&mut self, prefix: Namespace, shared: &mut Shared) -> Handle {
        let handle = shared.next_handle();
        let covering = self
            .watches
            .iter()
            .find(|(_, w)| w.prefix.is_prefix_of(&prefix));
        let id = match covering {
            Some((id, _)) => *id,
            None => self.watch(prefix.clone(), shared),
        };
        let mut finder = Finder {
            prefix,
            watch: id,
            known: BTreeSet::new(),
        };
        if let Some(watch) = self.watches.get_mut(&id) {
            watch.readers.push(handle);
            if watch.accepted {
                shared.event(ClientEvent::DiscoveryReady(handle));
            }
            for namespace in &watch.known {
                if finder.prefix.is_prefix_of(namespace) {
                    finder.known.insert(namespace.clone());
                    shared.event(ClientEvent::NamespaceAdded(handle, namespace.clone()));
                }
            }
        }
        self.finders.insert(handle, finder);
        handle
    }

    /// A new request on the wire, which takes over from narrower ones: a peer refuses overlaps.
    fn watch(&mut self, prefix: Namespace, shared: &mut Shared) -> u64 {
        let id = shared.next_id();
        let narrower: Vec<u64> = self
            .watches
            .iter()
            .filter(|(_, watch)| prefix.is_prefix_of(&watch.prefix))
            .map(|(id, _)| *id)
            .collect();
        let mut readers = Vec::new();
        for old in narrower {
            let Some(watch) = self.watches.remove(&old) else {
                continue;
            };
            if let Some(request) = watch.request {
                shared.cancel(request, stream_codes::CANCELLED);
            }
            readers.extend(watch.readers);
        }
        for handle in &readers {
            if let Some(finder) = self.finders.get_mut(handle) {
                finder.watch = id;
            }
        }
        let watch = Watch {
            prefix,
            request: None,
            accepted: false,
            known: BTreeSet::new(),
            readers,
            again: false,
            retries: 0,
            retry_at: None,
            settle_at: None,
        };
        self.watches.insert(id, watch);
        shared.want();
        id
    }

    pub fn cancel(&mut self, handle: Handle, shared: &mut Shared) -> bool {
        let Some(finder) = self.finders.remove(&handle) else {
            return false;
        };
        shared.event(ClientEvent::Ended(handle, End::Closed));
        let Some(watch) = self.watches.get_mut(&finder.watch) else {
            return true;
        };
        watch.readers.retain(|reader| *reader != handle);
        if watch.readers.is_empty() {
            if let Some(watch) = self.watches.remove(&finder.watch) {
                if let Some(request) = watch.request {
                    shared.cancel(request, stream_codes::CANCELLED);
                }
            }
        }
        true
    }

    pub fn pump(&mut self, cx: &mut Cx<'_>) {
        let mut failed = Vec::new();
        for (id, watch) in &mut self.watches {
            if watch.request.is_some() || watch.retry_at.is_some_and(|at| at > cx.now) {
                continue;
            }
            let namespace = watch.prefix.clone();
            let request = NamespaceRequest {
                namespace,
                params: Parameters::default(),
            };
            match cx
                .session
                .request(cx.now, cx.t, Request::SubscribeNamespace(request))
            {
                Ok(request) => {
                    watch.request = Some(request);
                    watch.retry_at = None;
                    cx.shared.routes.insert(request, Route::Discovery(*id));
                }
                Err(SessionError::NoStreams) => break,
                // The next connection takes it.
                Err(SessionError::GoingAway) if cx.shared.recovers() => break,
                Err(error) => failed.push((*id, unsendable("discover", &error))),
            }
        }
        for (id, error) in failed {
            self.end_watch(id, &End::Error(error), cx.shared);
        }
    }

    pub fn on_response(&mut self, id: u64, response: Response, now: Instant, shared: &mut Shared) {
        let Some(watch) = self.watches.get_mut(&id) else {
            return;
        };
        match response {
            Response::RequestOk(_) => {
                watch.accepted = true;
                let settle = if watch.again { REAPPEAR } else { SETTLE };
                watch.settle_at = Some(now + settle);
                for handle in &watch.readers {
                    shared.event(ClientEvent::DiscoveryReady(*handle));
                }
            }
            Response::RequestError(error) => {
                let race = error.code == request_codes::PREFIX_OVERLAP;
                if race && watch.retries < OVERLAP_RETRIES {
                    watch.retries += 1;
                    watch.request = None;
                    watch.retry_at = Some(now + OVERLAP_WAIT);
                    return;
                }
                watch.request = None;
                let what = format!("tell the namespaces under {}", watch.prefix);
                let error = faults::refused(&what, &error);
                self.end_watch(id, &End::Error(error), shared);
            }
            Response::Namespace(suffix) => {
                // Beyond 32 fields or 4,096 bytes: nothing could be requested under it.
                let Ok(namespace) = watch.prefix.join(&suffix) else {
                    return;
                };
                self.added(id, namespace, shared);
            }
            Response::NamespaceDone(suffix) => {
                let Ok(namespace) = watch.prefix.join(&suffix) else {
                    return;
                };
                watch.known.remove(&namespace);
                self.removed(id, &namespace, shared);
            }
            _ => {}
        }
    }

    fn added(&mut self, id: u64, namespace: Namespace, shared: &mut Shared) {
        let total: usize = self.watches.values().map(|watch| watch.known.len()).sum();
        let Some(watch) = self.watches.get_mut(&id) else {
            return;
        };
        if total >= shared.config.max_namespaces {
            self.dropped += 1;
            return;
        }
        watch.known.insert(namespace.clone());
        for handle in &watch.readers {
            let Some(finder) = self.finders.get_mut(handle) else {
                continue;
            };
            if finder.prefix.is_prefix_of(&namespace) && finder.known.insert(namespace.clone()) {
                shared.event(ClientEvent::NamespaceAdded(*handle, namespace.clone()));
            }
        }
    }

    fn removed(&mut self, id: u64, namespace: &Namespace, shared: &mut Shared) {
        let Some(watch) = self.watches.get(&id) else {
            return;
        };
        for handle in &watch.readers {
            let Some(finder) = self.finders.get_mut(handle) else {
                continue;
            };
            if finder.known.remove(namespace) {
                shared.event(ClientEvent::NamespaceRemoved(*handle, namespace.clone()));
            }
        }
    }

    pub fn on_closed(&mut self, id: u64, end: RequestEnd, shared: &mut Shared) {
        let Some(watch) = self.watches.get_mut(&id) else {
            return;
        };
        watch.request = None;
        let error = match end {
            RequestEnd::Rejected => return,
            RequestEnd::Cancelled(code) => faults::cancelled("discovery", code),
            RequestEnd::TimedOut => faults::timed_out("discovery"),
            RequestEnd::Done | RequestEnd::Finished => faults::finished("discovery"),
        };
        self.end_watch(id, &End::Error(error), shared);
    }

    /// The request is over: every namespace counts as gone (draft-18 "SUBSCRIBE_NAMESPACE").
    fn end_watch(&mut self, id: u64, end: &End, shared: &mut Shared) {
        let Some(watch) = self.watches.remove(&id) else {
            return;
        };
        if let Some(request) = watch.request {
            shared.cancel(request, stream_codes::CANCELLED);
        }
        for handle in watch.readers {
            let Some(finder) = self.finders.remove(&handle) else {
                continue;
            };
            for namespace in finder.known {
                shared.event(ClientEvent::NamespaceRemoved(handle, namespace));
            }
            shared.event(ClientEvent::Ended(handle, end.clone()));
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.watches
            .values()
            .flat_map(|watch| [watch.retry_at, watch.settle_at])
            .flatten()
            .min()
    }

    pub fn on_timeout(&mut self, now: Instant, shared: &mut Shared) {
        for watch in self.watches.values_mut() {
            if watch.retry_at.is_some_and(|at| at <= now) {
                watch.retry_at = None;
                shared.want();
            }
            if watch.settle_at.is_none_or(|at| at > now) {
                continue;
            }
            watch.settle_at = None;
            for handle in &watch.readers {
                let Some(finder) = self.finders.get_mut(handle) else {
                    continue;
                };
                let gone: Vec<Namespace> = finder.known.difference(&watch.known).cloned().collect();
                for namespace in gone {
                    finder.known.remove(&namespace);
                    shared.event(ClientEvent::NamespaceRemoved(*handle, namespace));
                }
            }
        }
    }

    /// The connection is gone: the next one is asked anew. Who reads is told only what changed.
    pub fn detach(&mut self) {
        for watch in self.watches.values_mut() {
            watch.request = None;
            watch.accepted = false;
            watch.known.clear();
            watch.again = true;
            watch.retries = 0;
            watch.retry_at = None;
            watch.settle_at = None;
        }
    }

    pub fn close_all(&mut self, end: &End, shared: &mut Shared) {
        for handle in self.finders.keys() {
            shared.event(ClientEvent::Ended(*handle, end.clone()));
        }
        *self = Discovery::default();
    }
}

/// A discovery cannot be made: the bound on requests.
pub(super) fn too_many(max: usize) -> ClientError {
    let message = format!("This client has {max} requests under way, its limit: close some.");
    ClientError::new(ErrorCode::LimitExceeded, message)
}
