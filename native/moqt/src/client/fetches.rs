//! FETCHes and TRACK_STATUSes of the application.

use super::error::{ClientError, ErrorCode};
use super::faults;
use super::reader::{Reader, Source};
use super::shared::{Cx, Route, Shared};
use super::subscriber::{unsendable, Subscriber};
use super::types::{ClientEvent, End, FetchOptions, GapReason, Handle};
use crate::delivery::info::PUBLISHED_AT;
use crate::delivery::receiver::MAX_ID;
use crate::delivery::{FetchEnd, Gap, InObject, TrackInfo};
use crate::session::{RequestEnd, RequestId, SessionError, StreamEnd};
use crate::transport::StreamId;
use crate::wire::error::stream_codes;
use crate::wire::location::Location;
use crate::wire::message::{Fetch, FetchRange, Request, Response, Subscribe};
use crate::wire::name::FullTrackName;
use crate::wire::object::FetchItem;
use crate::wire::params::Parameters;
use std::collections::{BTreeMap, HashMap};

struct FetchState {
    options: FetchOptions,
    request: Option<RequestId>,
    stream: Option<StreamId>,
    paused: bool,
    /// The stream is to be let flow at the next pump.
    resume: bool,
}

#[derive(Default)]
pub(super) struct Fetches {
    of: BTreeMap<Handle, FetchState>,
    statuses: HashMap<Handle, (FullTrackName, Option<RequestId>)>,
    /// Could not be sent.
    pub failed: Vec<(Handle, ClientError)>,
}

impl Fetches {
    /// Status requests under way (fetches count as readers).
    pub fn len(&self) -> usize {
        self.statuses.len()
    }

    pub fn add(&mut self, handle: Handle, options: FetchOptions) {
        let state = FetchState {
            options,
            request: None,
            stream: None,
            paused: false,
            resume: false,
        };
        self.of.insert(handle, state);
    }

    pub fn status(&mut self, handle: Handle, track: FullTrackName, shared: &mut Shared) {
        self.statuses.insert(handle, (track, None));
        shared.want();
    }

    pub fn statuses(&self) -> Vec<Handle> {
        self.statuses.keys().copied().collect()
    }

    /// The session is over: none of them goes on.
    pub fn take_all(&mut self) -> Vec<Handle> {
        std::mem::take(&mut self.of).into_keys().collect()
    }

    /// The same of the status requests.
    pub fn take_statuses(&mut self) -> Vec<Handle> {
        self.statuses.drain().map(|(handle, _)| handle).collect()
    }

    pub fn cancel(&mut self, handle: Handle, shared: &mut Shared) {
        if let Some(request) = self.of.remove(&handle).and_then(|fetch| fetch.request) {
            shared.cancel(request, stream_codes::CANCELLED);
        }
    }

    pub fn cancel_status(&mut self, handle: Handle, shared: &mut Shared) -> bool {
        let Some((_, request)) = self.statuses.remove(&handle) else {
            return false;
        };
        if let Some(request) = request {
            shared.cancel(request, stream_codes::CANCELLED);
        }
        shared.event(ClientEvent::Ended(handle, End::Closed));
        true
    }

    /// The reader has room again. True when that needs a pump.
    pub fn resume(&mut self, handle: Handle) -> bool {
        match self.of.get_mut(&handle) {
            Some(fetch) if fetch.paused => {
                fetch.resume = true;
                true
            }
            _ => false,
        }
    }

    pub fn pump(&mut self, readers: &BTreeMap<Handle, Reader>, cx: &mut Cx<'_>) {
        for (handle, fetch) in &mut self.of {
            if std::mem::take(&mut fetch.resume) {
                fetch.paused = false;
                if let Some(stream) = fetch.stream {
                    cx.session.pause_stream(cx.t, stream, false);
                }
            }
            if fetch.request.is_some() {
                continue;
            }
            let Some(reader) = readers.get(handle).filter(|reader| !reader.is_finished()) else {
                continue;
            };
            let range = FetchRange::Standalone {
                track: reader.track.clone(),
                start: Location::new(fetch.options.from_group, 0),
                end: Location::new(fetch.options.to_group, 0),
            };
            let params = Parameters {
                subscriber_priority: Some(fetch.options.priority),
                group_order: Some(fetch.options.order),
                ..Parameters::default()
            };
            match cx
                .session
                .request(cx.now, cx.t, Request::Fetch(Fetch { range, params }))
            {
                Ok(request) => {
                    fetch.request = Some(request);
                    cx.shared.routes.insert(request, Route::Fetch(*handle));
                }
                Err(SessionError::NoStreams) => break,
                Err(error) => self.failed.push((*handle, unsendable("fetch", &error))),
            }
        }
        let mut failed = Vec::new();
        for (handle, (track, request)) in &mut self.statuses {
            if request.is_some() {
                continue;
            }
            let subscribe = Subscribe {
                track: track.clone(),
                params: Parameters::default(),
            };
            match cx
                .session
                .request(cx.now, cx.t, Request::TrackStatus(subscribe))
            {
                Ok(id) => {
                    *request = Some(id);
                    cx.shared.routes.insert(id, Route::Status(*handle));
                }
                Err(SessionError::NoStreams) => break,
                Err(error) => failed.push((*handle, unsendable("ask for the status", &error))),
            }
        }
        for (handle, error) in failed {
            self.statuses.remove(&handle);
            cx.shared
                .event(ClientEvent::Ended(handle, End::Error(error)));
        }
    }

    pub fn on_status_response(&mut self, handle: Handle, response: Response, shared: &mut Shared) {
        let Some((track, _)) = self.statuses.remove(&handle) else {
            return;
        };
        let end = match response {
            Response::RequestOk(ok) => {
                let largest = ok.params.largest_object;
                let class = TrackInfo::from_properties(&ok.properties).class;
                shared.event(ClientEvent::Status {
                    handle,
                    largest,
                    class,
                });
                End::Ended
            }
            Response::RequestError(error) => End::Error(faults::refused(
                &format!("tell the status of {track}"),
                &error,
            )),
            _ => End::Error(faults::finished("status request")),
        };
        shared.event(ClientEvent::Ended(handle, end));
    }

    pub fn on_status_closed(&mut self, handle: Handle, end: RequestEnd, shared: &mut Shared) {
        if self.statuses.remove(&handle).is_some() {
            let error = request_ended("status request", end);
            shared.event(ClientEvent::Ended(handle, End::Error(error)));
        }
    }
}

fn request_ended(what: &str, end: RequestEnd) -> ClientError {
    match end {
        RequestEnd::Cancelled(code) => faults::cancelled(what, code),
        RequestEnd::TimedOut => faults::timed_out(what),
        RequestEnd::Rejected | RequestEnd::Done | RequestEnd::Finished => faults::finished(what),
    }
}

/// A reader's own fetch, or the one that joins it to a feed.
impl Subscriber {
    pub fn on_fetch_opened(&mut self, handle: Handle, stream: StreamId) {
        if let Some(fetch) = self.fetches.of.get_mut(&handle) {
            fetch.stream = Some(stream);
        }
    }

    pub fn on_fetch_item(
        &mut self,
        handle: Handle,
        stream: StreamId,
        item: FetchItem,
        cx: &mut Cx<'_>,
    ) {
        let Some(reader) = self.readers.get_mut(&handle) else {
            return;
        };
        match item {
            FetchItem::Object(object) => {
                if object.group > MAX_ID || object.object > MAX_ID {
                    let error = ClientError::new(
                        ErrorCode::Unsupported,
                        "The fetch has an id above 2^53 - 1, the largest that this library delivers.",
                    );
                    self.fetches.cancel(handle, cx.shared);
                    self.end_reader(handle, End::Error(error));
                    return;
                }
                if let Some(joining) = &mut reader.joining {
                    joining.start = Location::new(object.group, object.object.saturating_add(1));
                }
                let published_at = match object.properties.is_empty() {
                    true => None,
                    false => object.properties.varint(PUBLISHED_AT),
                };
                reader.object(InObject {
                    group: object.group,
                    object: object.object,
                    subgroup: object.subgroup.unwrap_or(0),
                    payload: object.payload,
                    received: cx.now,
                    published_at,
                    keyframe: object.object == 0,
                });
            }
            FetchItem::EndOfRange { location, unknown } => {
                if unknown && reader.source == Source::Fetch {
                    let to_group = location.group.min(MAX_ID);
                    reader.gap_now(Gap {
                        from_group: to_group,
                        to_group,
                        objects: None,
                        reason: GapReason::Lost,
                    });
                }
            }
        }
        self.turns.list(reader);
        if reader.source == Source::Fetch && reader.is_full() {
            if let Some(fetch) = self.fetches.of.get_mut(&handle).filter(|f| !f.paused) {
                fetch.paused = true;
                cx.session.pause_stream(cx.t, stream, true);
            }
        }
    }

    pub fn on_fetch_response(&mut self, handle: Handle, response: &Response, shared: &mut Shared) {
        let Response::RequestError(error) = response else {
            return;
        };
        let Some(reader) = self.readers.get_mut(&handle) else {
            return;
        };
        match reader.source {
            Source::Feed(_) => {
                reader.joined(false);
                self.turns.list(reader);
            }
            Source::Fetch => {
                let error = faults::refused(&format!("fetch from {}", reader.track), error);
                if let Some(request) = self.fetches.of.remove(&handle).and_then(|f| f.request) {
                    shared.routes.remove(&request);
                }
                self.end_reader(handle, End::Error(error));
            }
        }
    }

    /// The fetch's stream has ended.
    pub fn on_fetch_stream_ended(&mut self, handle: Handle, end: StreamEnd) {
        let Some(reader) = self.readers.get_mut(&handle) else {
            return;
        };
        match (reader.source, end) {
            (Source::Feed(_), _) => {
                reader.joined(end == StreamEnd::Fin);
                self.turns.list(reader);
            }
            (Source::Fetch, StreamEnd::Fin) => {
                self.fetches.of.remove(&handle);
                self.end_reader(handle, End::Ended);
            }
            (Source::Fetch, StreamEnd::Reset { code, .. }) => {
                reader.count_reset();
                self.fetches.of.remove(&handle);
                self.end_reader(handle, End::Error(faults::cancelled("fetch", code)));
            }
            (Source::Fetch, StreamEnd::TooLarge) => {
                reader.count_reset();
                self.fetches.of.remove(&handle);
                let error = ClientError::new(
                    ErrorCode::TooLarge,
                    "An object of the fetch is larger than `maxObjectSize`: raise that option.",
                );
                self.end_reader(handle, End::Error(error));
            }
        }
    }

    pub fn on_fetch_closed(&mut self, handle: Handle, end: RequestEnd) {
        let Some(reader) = self.readers.get_mut(&handle) else {
            return;
        };
        match reader.source {
            Source::Feed(_) => {
                reader.joined(end == RequestEnd::Done);
                self.turns.list(reader);
            }
            Source::Fetch => {
                if self.fetches.of.remove(&handle).is_some() {
                    let end = match end {
                        RequestEnd::Done => End::Ended,
                        other => End::Error(request_ended("fetch", other)),
                    };
                    self.end_reader(handle, end);
                }
            }
        }
    }

    /// The joining fetch of a feed.
    pub fn on_join_item(&mut self, id: u64, item: FetchItem, cx: &mut Cx<'_>) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        feed.join_moves(cx.now);
        let result = feed.receiver.on_fetch_item(cx.now, item);
        self.distribute(id);
        if let Err(fault) = result {
            self.on_fault(id, &fault, cx.shared);
        }
    }

    pub fn on_join_stream_ended(&mut self, id: u64, end: StreamEnd, now: std::time::Instant) {
        let end = match end {
            StreamEnd::Fin => FetchEnd::Complete,
            StreamEnd::Reset { .. } | StreamEnd::TooLarge => FetchEnd::Cut,
        };
        self.end_join(id, end, now);
    }
}
