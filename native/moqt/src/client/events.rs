//! What the session tells goes to the part of the client that waits for it.

use super::shared::{Cx, Route};
use super::types::{ClientEvent, ClientState, SessionInfo};
use super::Client;
use crate::delivery::StreamSignal;
use crate::session::{PeerSetup, RequestEnd, RequestId, SessionEvent};
use crate::transport::{Dir, StreamId, Transport};
use crate::wire::message::Response;
use crate::wire::profile::Draft;
use std::time::Instant;

impl Client {
    pub(super) fn take_session_events(&mut self, now: Instant, t: &mut dyn Transport) {
        while let Some(session) = &mut self.session {
            let Some(event) = session.poll_event() else {
                return;
            };
            self.on_session_event(now, t, event);
        }
    }

    pub(super) fn on_session_event(
        &mut self,
        now: Instant,
        t: &mut dyn Transport,
        event: SessionEvent,
    ) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut cx = Cx {
            now,
            session,
            t,
            shared: &mut self.shared,
        };
        match event {
            SessionEvent::Ready { peer } => self.on_ready(now, &peer),
            SessionEvent::Request { id, request, .. } => {
                self.publisher.on_request(id, request, &mut cx);
            }
            SessionEvent::Response { id, response } => self.on_response(now, t, id, response),
            SessionEvent::Update { id, params, .. } => {
                self.publisher.on_update(id, &params, &mut cx);
            }
            // Only priorities are updated; a refusal ends the subscription, which is told.
            SessionEvent::UpdateResponse { .. } => {}
            SessionEvent::RequestClosed { id, end } => self.on_request_closed(now, t, id, end),
            SessionEvent::SubgroupOpened {
                stream,
                request,
                header,
            } => {
                if let Some(Route::Feed(id)) = cx.shared.routes.get(&request) {
                    let id = *id;
                    if let Some(feed) = self.subscriber.feeds.get_mut(&id) {
                        feed.receiver.on_subgroup(stream, &header);
                    }
                    self.subscriber.distribute(id);
                    self.subscriber.apply_pauses(&mut cx);
                }
            }
            SessionEvent::Object {
                stream,
                request,
                object,
            } => {
                if let Some(Route::Feed(id)) = cx.shared.routes.get(&request) {
                    let id = *id;
                    let Some(feed) = self.subscriber.feeds.get_mut(&id) else {
                        return;
                    };
                    let result = feed.receiver.on_object(now, stream, object);
                    self.subscriber.after_arrival(id, result, &mut cx);
                }
            }
            SessionEvent::Datagram { request, datagram } => {
                if let Some(Route::Feed(id)) = cx.shared.routes.get(&request) {
                    let id = *id;
                    let Some(feed) = self.subscriber.feeds.get_mut(&id) else {
                        return;
                    };
                    let result = feed.receiver.on_datagram(now, datagram);
                    self.subscriber.after_arrival(id, result, &mut cx);
                }
            }
            SessionEvent::FetchOpened { stream, request } => {
                match cx.shared.routes.get(&request).cloned() {
                    Some(Route::Fetch(handle)) => self.subscriber.on_fetch_opened(handle, stream),
                    Some(Route::FeedFetch(id)) => {
                        self.subscriber.on_join_opened(id, stream, &mut cx);
                    }
                    _ => {}
                }
            }
            SessionEvent::FetchItem {
                stream,
                request,
                item,
            } => match cx.shared.routes.get(&request).cloned() {
                Some(Route::FeedFetch(id)) => self.subscriber.on_join_item(id, item, &mut cx),
                Some(Route::Fetch(handle)) => {
                    self.subscriber.on_fetch_item(handle, stream, item, &mut cx);
                }
                _ => {}
            },
            SessionEvent::StreamEnded {
                stream,
                request,
                end,
            } => match cx.shared.routes.get(&request).cloned() {
                Some(Route::Feed(id)) => {
                    if let Some(feed) = self.subscriber.feeds.get_mut(&id) {
                        feed.receiver.on_stream_end(now, stream, end);
                    }
                    self.subscriber.after_arrival(id, Ok(()), &mut cx);
                }
                Some(Route::FeedFetch(id)) => {
                    self.subscriber.on_join_stream_ended(id, end, now);
                }
                Some(Route::Fetch(handle)) => {
                    self.subscriber.on_fetch_stream_ended(handle, end);
                }
                _ => {}
            },
            SessionEvent::Writable { stream } => {
                self.on_stream(now, t, StreamSignal::Writable, stream)
            }
            SessionEvent::Acked { stream } => self.on_stream(now, t, StreamSignal::Acked, stream),
            SessionEvent::Stopped { stream, .. } => {
                self.on_stream(now, t, StreamSignal::Stopped, stream);
            }
            SessionEvent::StreamsAvailable { dir } => {
                if dir == Dir::Bi {
                    self.subscriber.retry();
                    cx.shared.control = true;
                }
                self.publisher.pump_all(&mut cx);
            }
            SessionEvent::DatagramsAvailable => self.publisher.pump_all(&mut cx),
            SessionEvent::Goaway { uri, .. } => self.on_goaway(now, &uri),
            // What runs goes on.
            SessionEvent::RequestGoaway { .. } => {}
            SessionEvent::Closed { reason } => self.on_session_closed(now, &reason),
        }
    }

    pub(super) fn on_stream(
        &mut self,
        now: Instant,
        t: &mut dyn Transport,
        signal: StreamSignal,
        stream: StreamId,
    ) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut cx = Cx {
            now,
            session,
            t,
            shared: &mut self.shared,
        };
        self.publisher.on_stream(signal, stream, &mut cx);
    }

    pub(super) fn on_ready(&mut self, now: Instant, peer: &PeerSetup) {
        if self.state != ClientState::Connecting {
            self.reconnects += 1;
            log::info!("the connection stands again");
        }
        self.state = ClientState::Open;
        self.stands = true;
        self.connector.stood(now);
        let draft = Draft::default();
        let info = SessionInfo {
            draft: draft.number(),
            peer: peer.implementation.clone(),
        };
        self.info = Some(info.clone());
        self.shared.event(ClientEvent::State {
            state: ClientState::Open,
            info: Some(info),
            error: None,
        });
    }

    pub(super) fn on_response(
        &mut self,
        now: Instant,
        t: &mut dyn Transport,
        id: RequestId,
        response: Response,
    ) {
        let Some(route) = self.shared.routes.get(&id).cloned() else {
            return;
        };
        let Some(session) = &mut self.session else {
            return;
        };
        let mut cx = Cx {
            now,
            session,
            t,
            shared: &mut self.shared,
        };
        match route {
            Route::Namespace(entry) => {
                self.publisher
                    .on_announce_response(entry, response, now, cx.shared);
            }
            Route::Feed(feed) => self.subscriber.on_feed_response(feed, response, &mut cx),
            Route::FeedFetch(feed) => self.subscriber.on_join_response(feed, &response, now),
            Route::Fetch(handle) => {
                self.subscriber
                    .on_fetch_response(handle, &response, cx.shared);
            }
            Route::Status(handle) => {
                self.subscriber
                    .fetches
                    .on_status_response(handle, response, cx.shared);
            }
            Route::Discovery(watch) => {
                self.discovery.on_response(watch, response, now, cx.shared);
            }
            Route::Downstream(_) | Route::Serve | Route::Watcher | Route::Accepted => {}
        }
    }

    pub(super) fn on_request_closed(
        &mut self,
        now: Instant,
        t: &mut dyn Transport,
        id: RequestId,
        end: RequestEnd,
    ) {
        let Some(route) = self.shared.routes.remove(&id) else {
            return;
        };
        let Some(session) = &mut self.session else {
            return;
        };
        let mut cx = Cx {
            now,
            session,
            t,
            shared: &mut self.shared,
        };
        match &route {
            Route::Namespace(entry) => self.publisher.on_announce_closed(*entry, end, cx.shared),
            Route::Feed(feed) => self.subscriber.on_feed_closed(*feed, end, &mut cx),
            Route::FeedFetch(feed) => self.subscriber.on_join_closed(*feed, end, &mut cx),
            Route::Fetch(handle) => self.subscriber.on_fetch_closed(*handle, end),
            Route::Status(handle) => {
                self.subscriber
                    .fetches
                    .on_status_closed(*handle, end, cx.shared);
            }
            Route::Discovery(watch) => self.discovery.on_closed(*watch, end, cx.shared),
            Route::Downstream(_) | Route::Serve | Route::Watcher | Route::Accepted => {
                self.publisher.on_request_closed(id, &route, &mut cx);
            }
        }
    }
}
