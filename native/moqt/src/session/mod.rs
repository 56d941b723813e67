//! The sans-I/O session: bytes, stream events and time go in; bytes, stream actions and events
//! come out.

mod types;

pub use types::{
    Limits, Link, PeerSetup, RequestEnd, RequestId, Role, SessionClose, SessionConfig,
    SessionError, SessionEvent, SessionStats, StreamEnd,
};

use crate::transport::{StreamId, Transport, TransportEvent};
use crate::wire::{
    FetchItem, ObjectDatagram, Parameters, Profile, PublishDone, Request, RequestError, RequestOk,
    Response, SubgroupHeader, SubgroupObject,
};
use bytes::Bytes;
use std::time::Instant;

/// One MOQT session over one connection.
pub struct Session {
    config: SessionConfig,
    stats: SessionStats,
}

impl Session {
    /// A session that has not sent anything yet: call [`Session::start`].
    pub fn new(config: SessionConfig) -> Self {
        Session {
            config,
            stats: SessionStats::default(),
        }
    }

    /// Opens the control stream and sends SETUP. Requests and data may follow at once.
    pub fn start(&mut self, _now: Instant, _t: &mut dyn Transport) {}

    /// Takes one event of the connection.
    pub fn handle(&mut self, _now: Instant, _t: &mut dyn Transport, _event: TransportEvent) {}

    /// The next event for the owner. Call until `None` after each call that takes a transport.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        None
    }

    /// When [`Session::on_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Lets time pass.
    pub fn on_timeout(&mut self, _now: Instant, _t: &mut dyn Transport) {}

    /// Whether both SETUPs are exchanged and the session is not over.
    pub fn is_ready(&self) -> bool {
        false
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        false
    }

    /// How the negotiated draft is written.
    pub fn profile(&self) -> &'static dyn Profile {
        self.config.draft.profile()
    }

    /// The counters.
    pub fn stats(&self) -> &SessionStats {
        &self.stats
    }

    /// Closes the session with a session termination code.
    pub fn close(&mut self, _t: &mut dyn Transport, _code: u64, _reason: &str) {}

    /// Asks the peer to move. `uri` is empty from a client. Requests that the peer sends from now
    /// on are refused. With a `timeout` in milliseconds other than 0, the session closes with
    /// GOAWAY_TIMEOUT when requests are still open after it.
    pub fn goaway(
        &mut self,
        _now: Instant,
        _t: &mut dyn Transport,
        _uri: &str,
        _timeout: u64,
    ) -> Result<(), SessionError> {
        Err(SessionError::Closed)
    }

    /// Asks the peer to move one request.
    pub fn goaway_request(
        &mut self,
        _t: &mut dyn Transport,
        _id: RequestId,
        _uri: &str,
        _timeout: u64,
    ) -> Result<(), SessionError> {
        Err(SessionError::Closed)
    }

    /// Sends a request on a new stream.
    pub fn request(
        &mut self,
        _now: Instant,
        _t: &mut dyn Transport,
        _request: Request,
    ) -> Result<RequestId, SessionError> {
        Err(SessionError::Closed)
    }

    /// Changes a request of ours, or the peer's PUBLISH.
    pub fn update(
        &mut self,
        _now: Instant,
        _t: &mut dyn Transport,
        _id: RequestId,
        _params: Parameters,
    ) -> Result<(), SessionError> {
        Err(SessionError::Closed)
    }

    /// Ends a request of either side at once, with a stream reset code. Its data streams are reset
    /// or stopped. No [`SessionEvent::RequestClosed`] follows.
    pub fn cancel(&mut self, _t: &mut dyn Transport, _id: RequestId, _code: u64) {}

    /// Answers a request of the peer. SUBSCRIBE: `SubscribeOk`; FETCH: `FetchOk`; others:
    /// `RequestOk`; after that NAMESPACE, NAMESPACE_DONE, PUBLISH_BLOCKED where they belong.
    /// `RequestError` ends any unanswered request.
    pub fn respond(
        &mut self,
        _t: &mut dyn Transport,
        _id: RequestId,
        _response: Response,
    ) -> Result<(), SessionError> {
        Err(SessionError::Closed)
    }

    /// [`Session::respond`] with an error.
    pub fn reject(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        error: RequestError,
    ) -> Result<(), SessionError> {
        self.respond(t, id, Response::RequestError(error))
    }

    /// Answers the oldest unanswered [`SessionEvent::Update`] of a request. An error ends a
    /// subscription (PUBLISH_DONE UPDATE_FAILED), a fetch or a namespace request.
    pub fn respond_update(
        &mut self,
        _t: &mut dyn Transport,
        _id: RequestId,
        _result: Result<RequestOk, RequestError>,
    ) -> Result<(), SessionError> {
        Err(SessionError::Closed)
    }

    /// Ends a subscription as its publisher (the peer's SUBSCRIBE, our PUBLISH) with PUBLISH_DONE.
    /// Data streams that are still open are reset with CANCELLED: finish them first. The session
    /// fills in the stream count.
    pub fn publish_done(
        &mut self,
        _t: &mut dyn Transport,
        _id: RequestId,
        _done: PublishDone,
    ) -> Result<(), SessionError> {
        Err(SessionError::Closed)
    }

    /// A track alias that no live subscription of ours uses as publisher.
    pub fn next_alias(&mut self) -> u64 {
        0
    }

    /// Opens a data stream for a subscription, found by the header's alias: one that this side
    /// chose in SUBSCRIBE_OK or PUBLISH. `priority`: higher goes first.
    pub fn open_subgroup(
        &mut self,
        _t: &mut dyn Transport,
        _header: &SubgroupHeader,
        _priority: i32,
    ) -> Result<StreamId, SessionError> {
        Err(SessionError::Closed)
    }

    /// Opens the data stream of the peer's FETCH.
    pub fn open_fetch(
        &mut self,
        _t: &mut dyn Transport,
        _id: RequestId,
        _priority: i32,
    ) -> Result<StreamId, SessionError> {
        Err(SessionError::Closed)
    }

    /// Sends one object on a subgroup stream. `Ok(true)`: taken, and the stream is blocked now;
    /// the rest is kept and flushed when it is writable. A blocked stream takes nothing:
    /// [`SessionError::Blocked`].
    pub fn write_object(
        &mut self,
        _t: &mut dyn Transport,
        _stream: StreamId,
        _object: &SubgroupObject,
    ) -> Result<bool, SessionError> {
        Err(SessionError::Closed)
    }

    /// Sends one object whose fields before the payload are already coded (fan-out: the same bytes
    /// for every subscriber; see [`crate::wire::Profile::encode_subgroup_object`]). Otherwise like
    /// [`Session::write_object`]; do not mix the two on one stream.
    pub fn write_encoded(
        &mut self,
        _t: &mut dyn Transport,
        _stream: StreamId,
        _head: Bytes,
        _payload: Bytes,
    ) -> Result<bool, SessionError> {
        Err(SessionError::Closed)
    }

    /// Sends one item on a fetch stream. Like [`Session::write_object`].
    pub fn write_fetch_item(
        &mut self,
        _t: &mut dyn Transport,
        _stream: StreamId,
        _item: &FetchItem,
    ) -> Result<bool, SessionError> {
        Err(SessionError::Closed)
    }

    /// Whether bytes of an object wait on a stream of ours.
    pub fn is_blocked(&self, _stream: StreamId) -> bool {
        false
    }

    /// Ends a data stream of ours after everything written. [`SessionEvent::Acked`] or
    /// [`SessionEvent::Stopped`] follows.
    pub fn finish_stream(&mut self, _t: &mut dyn Transport, _stream: StreamId) {}

    /// Abandons a data stream of ours, also a finished one. No event follows.
    pub fn reset_stream(&mut self, _t: &mut dyn Transport, _stream: StreamId, _code: u64) {}

    /// Stops a data stream of the peer. No event of it follows.
    pub fn stop_stream(&mut self, _t: &mut dyn Transport, _stream: StreamId, _code: u64) {}

    /// Holds back or lets flow a data stream of the peer (back-pressure).
    pub fn pause_stream(&mut self, _t: &mut dyn Transport, _stream: StreamId, _paused: bool) {}

    /// Changes a data stream's priority: higher goes first.
    pub fn set_stream_priority(
        &mut self,
        _t: &mut dyn Transport,
        _stream: StreamId,
        _priority: i32,
    ) {
    }

    /// Sends one object as a datagram; the alias is one that this side chose.
    pub fn send_datagram(
        &mut self,
        _t: &mut dyn Transport,
        _datagram: &ObjectDatagram,
    ) -> Result<(), SessionError> {
        Err(SessionError::Closed)
    }
}
