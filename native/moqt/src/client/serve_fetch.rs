//! Answering the peer's FETCHes from the retained current group.

use super::publication::{Downstream, Publication};
use super::publisher::Publisher;
use super::serve::{reject, NO_TRACK};
use super::shared::{Cx, Route};
use crate::delivery::priority::transport_priority;
use crate::delivery::SharedObject;
use crate::session::{RequestId, SessionError};
use crate::transport::StreamId;
use crate::wire::error::{request_codes, stream_codes};
use crate::wire::location::{GroupOrder, Location};
use crate::wire::message::{Fetch, FetchOk, FetchRange, Response};
use crate::wire::object::{FetchItem, FetchObject};
use crate::wire::params::Parameters;
use std::collections::VecDeque;

/// Fetches of the peer that are served at one time.
const MAX_FETCHES: usize = 256;

/// One FETCH of the peer on its way out.
pub(super) struct Outgoing {
    pub request: RequestId,
    pub stream: Option<StreamId>,
    pub priority: i32,
    pub items: VecDeque<FetchItem>,
    pub blocked: bool,
}

/// Writes a fetch as far as its stream takes it. False: it is over.
pub(super) fn pump_fetch(fetch: &mut Outgoing, cx: &mut Cx<'_>) -> bool {
    if fetch.blocked {
        return true;
    }
    let stream = match fetch.stream {
        Some(stream) => stream,
        None => match cx.session.open_fetch(cx.t, fetch.request, fetch.priority) {
            Ok(stream) => *fetch.stream.insert(stream),
            Err(SessionError::NoStreams | SessionError::Blocked) => return true,
            Err(_) => return false,
        },
    };
    while let Some(item) = fetch.items.front() {
        match cx.session.write_fetch_item(cx.t, stream, item) {
            Ok(blocked) => {
                fetch.items.pop_front();
                if blocked {
                    fetch.blocked = true;
                    return true;
                }
            }
            Err(SessionError::Blocked) => {
                fetch.blocked = true;
                return true;
            }
            Err(_) => {
                cx.session
                    .reset_stream(cx.t, stream, stream_codes::INTERNAL_ERROR);
                return false;
            }
        }
    }
    cx.session.finish_stream(cx.t, stream);
    false
}

impl Publisher {
    pub(super) fn on_fetch(&mut self, id: RequestId, fetch: &Fetch, cx: &mut Cx<'_>) {
        if self.serving.fetches.len() >= MAX_FETCHES {
            let text = "too many fetches at one time";
            return reject(cx, id, request_codes::EXCESSIVE_LOAD, text);
        }
        let found = match self.resolve(&fetch.range) {
            Ok(found) => found,
            Err((code, reason)) => return reject(cx, id, code, reason),
        };
        let order = fetch.params.group_order.unwrap_or(GroupOrder::Ascending);
        let subscriber = fetch.params.subscriber_priority.unwrap_or(128);
        let publisher = found.publication.info.priority;
        let group = found.start.group;
        let ok = FetchOk {
            end_of_track: false,
            end: found.end,
            params: Parameters::default(),
            properties: found.publication.info.to_properties(),
        };
        let items = found.items(order);
        if cx.session.respond(cx.t, id, Response::FetchOk(ok)).is_err() {
            return;
        }
        cx.shared.routes.insert(id, Route::Serve);
        self.serving.fetches.push(Outgoing {
            request: id,
            stream: None,
            priority: transport_priority(subscriber, publisher, order, group, 0),
            items,
            blocked: false,
        });
        cx.shared.dirty = true;
    }

    fn resolve(&self, range: &FetchRange) -> Result<Found<'_>, (u64, &'static str)> {
        const NOTHING: (u64, &str) = (request_codes::INVALID_RANGE, "nothing is in that range");
        let joining = |request_id: u64| {
            let joined = |p: &&Publication| {
                p.down
                    .as_ref()
                    .is_some_and(|down| down.request.0 == request_id)
            };
            let publication = self.publications.values().find(joined);
            let down = publication.and_then(|p| p.down.as_ref());
            let (Some(publication), Some(down)) = (publication, down) else {
                let text = "no such subscription of this session";
                return Err((request_codes::INVALID_JOINING_REQUEST_ID, text));
            };
            let joined = down.joined.filter(|_| down.sender.is_forwarding());
            Ok((publication, down, joined.ok_or(NOTHING)?))
        };
        let (publication, down, start, largest) = match range {
            FetchRange::RelativeJoining { request_id, groups } => {
                let (publication, down, at) = joining(*request_id)?;
                let start = Location::new(at.group.saturating_sub(*groups), 0);
                (publication, Some(down), start, at)
            }
            FetchRange::AbsoluteJoining { request_id, group } => {
                let (publication, down, at) = joining(*request_id)?;
                (publication, Some(down), Location::new(*group, 0), at)
            }
            FetchRange::Standalone { track, start, end } => {
                let handle = self.by_track.get(track);
                let publication = handle.and_then(|handle| self.publications.get(handle));
                let publication = publication.ok_or((request_codes::DOES_NOT_EXIST, NO_TRACK))?;
                let largest = publication.largest.ok_or(NOTHING)?;
                let last = match end.object {
                    0 => Location::new(end.group, u64::MAX),
                    object => Location::new(end.group, object - 1),
                };
                if last < *start {
                    return Err((
                        request_codes::INVALID_RANGE,
                        "the range ends before it begins",
                    ));
                }
                (publication, None, *start, largest.min(last))
            }
        };
        let newest = publication.largest.ok_or(NOTHING)?;
        if start > newest || start > largest {
            return Err(NOTHING);
        }
        let end = match range {
            FetchRange::Standalone { end, .. } if largest < newest => *end,
            _ => Location::new(largest.group, largest.object.saturating_add(1)),
        };
        Ok(Found {
            publication,
            down,
            start,
            last: largest,
            end,
        })
    }
}

/// The objects that a FETCH asks for.
struct Found<'a> {
    publication: &'a Publication,
    down: Option<&'a Downstream>,
    start: Location,
    last: Location,
    end: Location,
}

impl Found<'_> {
    fn items(&self, order: GroupOrder) -> VecDeque<FetchItem> {
        let within = |object: &&SharedObject| {
            let location = object.location();
            location >= self.start && location <= self.last
        };
        let retained = &self.publication.retained;
        let current = retained
            .front()
            .is_some_and(|first| first.group == self.last.group);
        let snapshot = self.down.filter(|_| !current).map(|down| &down.snapshot);
        let (objects, complete): (Vec<SharedObject>, bool) = match snapshot {
            Some(snapshot) => (
                snapshot.iter().filter(within).cloned().collect(),
                self.down.is_some_and(|down| down.snapshot_complete),
            ),
            None => (
                retained.iter().filter(within).cloned().collect(),
                self.publication.retained_complete,
            ),
        };
        let mut items = VecDeque::with_capacity(objects.len() + 1);
        let Some(first) = objects.first().filter(|_| complete) else {
            // What is not kept any more may exist all the same.
            items.push_back(FetchItem::EndOfRange {
                location: self.last,
                unknown: true,
            });
            return items;
        };
        let before = self.start.group.max(self.publication.first_group);
        let unknown = (first.group > before).then(|| FetchItem::EndOfRange {
            location: Location::new(first.group - 1, u64::MAX),
            unknown: true,
        });
        let objects = objects.iter().map(|object| {
            FetchItem::Object(FetchObject {
                group: object.group,
                subgroup: (!object.datagram).then_some(object.subgroup),
                object: object.object,
                priority: object.priority.unwrap_or(self.publication.info.priority),
                properties: object.properties.clone(),
                payload: object.payload.clone(),
            })
        });
        match order {
            GroupOrder::Ascending => {
                items.extend(unknown);
                items.extend(objects);
            }
            // One group is kept: within it, objects go up in either order.
            GroupOrder::Descending => items.extend(objects),
        }
        items
    }
}
