//! One WebTransport session on an HTTP/3 connection, client or server.
//!
//! Follows draft-ietf-webtrans-http3 as far as draft-02 (Chromium) to draft-14 agree: SETTINGS,
//! extended CONNECT with `WT-Available-Protocols` and `WT-Protocol`, stream and datagram
//! prefixes, CLOSE_WEBTRANSPORT_SESSION. Everything that HTTP/3 allows beside it (QPACK streams,
//! unknown stream, frame and capsule types) is tolerated.

use super::h3::{self, ConnectReader, Prefix};
use super::incoming::{End, Incoming};
use bytes::{Buf, Bytes, BytesMut};
use moqt::transport::{CloseReason, Dir};
use moqt::wire::session_codes;
use quinn_proto::{Connection, StreamId, VarInt};
use std::collections::HashMap;
use std::time::Instant;
use web_transport_proto as proto;

/// Most bytes of SETTINGS or CONNECT headers kept while they are not complete.
pub(super) const MAX_HEADERS: usize = 65_536 + 64;

pub(crate) enum Role {
    Client {
        request: Box<proto::ConnectRequest>,
        peer: String,
    },
    Server {
        protocols: Vec<String>,
    },
}

/// What has to be done after something was received.
pub(super) enum Outcome {
    Nothing,
    /// Data of an MOQT stream.
    App(Incoming),
    /// Data of an MOQT stream that came before the session is ready.
    Hold(Incoming),
    Ready(Box<Ready>),
    /// The session ended, or never came to be. With the HTTP/3 code for the connection, or `None`
    /// when the last word on the CONNECT stream has to arrive first.
    Ended(CloseReason, Option<u32>),
}

pub(super) struct Ready {
    pub protocol: String,
    pub path: String,
    pub authority: String,
    /// Streams that waited.
    pub early: Vec<StreamId>,
    /// What came behind the headers.
    pub rest: Incoming,
}

enum Kind {
    /// The prefix is not complete.
    Unidentified(BytesMut),
    /// The peer's control stream up to its SETTINGS.
    Control(BytesMut),
    /// Read and thrown away: QPACK, the control stream after SETTINGS, requests of no use.
    Discard,
}

/// Bytes that the QUIC stream did not take yet, ahead of the stream's own data.
struct Outbox {
    data: Bytes,
    fin: bool,
}

pub(crate) struct WebTransport {
    pub(super) role: Role,
    /// The CONNECT stream.
    pub(super) session: Option<StreamId>,
    pub(super) ready: bool,
    /// The peer's SETTINGS allow WebTransport.
    peer_is_able: bool,
    pub(super) headers: BytesMut,
    reader: ConnectReader,
    control: Option<StreamId>,
    kinds: HashMap<StreamId, Kind>,
    pub(super) early: Vec<StreamId>,
    outbox: HashMap<StreamId, Outbox>,
    pub(super) datagram_prefix: Bytes,
    pub(super) bi_prefix: Bytes,
    pub(super) uni_prefix: Bytes,
    /// Client: an answer other than 200, while its text may still come.
    pub(super) refused: Option<CloseReason>,
    /// Until when that text is waited for.
    pub refused_until: Option<Instant>,
    /// How the connection ends that stays to have its last word taken.
    pub farewell: Option<Farewell>,
}

/// What is left to do after the end of the session.
pub(crate) struct Farewell {
    pub until: Instant,
    /// What the connection is then closed with.
    pub code: VarInt,
    pub reason: Bytes,
}

impl WebTransport {
    pub fn new(role: Role) -> Self {
        WebTransport {
            role,
            session: None,
            ready: false,
            peer_is_able: false,
            headers: BytesMut::new(),
            reader: ConnectReader::default(),
            control: None,
            kinds: HashMap::new(),
            early: Vec::new(),
            outbox: HashMap::new(),
            datagram_prefix: Bytes::new(),
            bi_prefix: Bytes::new(),
            uni_prefix: Bytes::new(),
            refused: None,
            refused_until: None,
            farewell: None,
        }
    }

    // Sending.

    /// TLS is done: SETTINGS.
    pub fn start(&mut self, conn: &mut Connection) {
        let Some(id) = conn.streams().open(quinn_proto::Dir::Uni) else {
            // The peer grants no unidirectional stream: no HTTP/3. The handshake timeout ends it.
            return;
        };
        self.control = Some(id);
        let mut settings = proto::Settings::default();
        settings.enable_webtransport(1);
        let mut bytes = Vec::new();
        settings.encode(&mut bytes);
        self.post(conn, id, bytes.into(), false);
    }

    /// Queues bytes on a stream of this module's own, or a prefix.
    pub(super) fn post(&mut self, conn: &mut Connection, id: StreamId, data: Bytes, fin: bool) {
        let outbox = self.outbox.entry(id).or_insert(Outbox {
            data: Bytes::new(),
            fin: false,
        });
        if outbox.data.is_empty() {
            outbox.data = data;
        } else {
            let mut all = BytesMut::from(&outbox.data[..]);
            all.extend_from_slice(&data);
            outbox.data = all.freeze();
        }
        outbox.fin |= fin;
        self.flush(conn, id);
    }

    /// Writes what waits for a stream; whether nothing waits any more.
    pub fn flush(&mut self, conn: &mut Connection, id: StreamId) -> bool {
        let Some(outbox) = self.outbox.get_mut(&id) else {
            return true;
        };
        let mut stream = conn.send_stream(id);
        while !outbox.data.is_empty() {
            match stream.write_chunks(std::slice::from_mut(&mut outbox.data)) {
                Ok(_) => {}
                Err(quinn_proto::WriteError::Blocked) => return false,
                // Reset or stopped: nothing to be sent any more.
                Err(_) => break,
            }
        }
        if outbox.fin {
            let _ = stream.finish();
        }
        self.outbox.remove(&id);
        true
    }

    pub fn open(&mut self, conn: &mut Connection, id: StreamId, dir: Dir) {
        let mut prefix = match dir {
            Dir::Bi => self.bi_prefix.clone(),
            Dir::Uni => self.uni_prefix.clone(),
        };
        let length = prefix.len();
        // Nearly always the whole prefix fits at once.
        let taken = conn
            .send_stream(id)
            .write_chunks(std::slice::from_mut(&mut prefix));
        if !taken.is_ok_and(|taken| taken.bytes == length) {
            self.post(conn, id, prefix, false);
        }
    }

    pub fn finish(&mut self, conn: &mut Connection, id: StreamId) {
        match self.outbox.get_mut(&id) {
            Some(outbox) => outbox.fin = true,
            None => {
                let _ = conn.send_stream(id).finish();
            }
        }
    }

    pub fn forget_sending(&mut self, id: StreamId) {
        self.outbox.remove(&id);
    }

    /// Whether the stream belongs to HTTP/3 and not to MOQT.
    pub fn is_internal(&self, id: StreamId) -> bool {
        Some(id) == self.session || Some(id) == self.control
    }

    pub fn wrap_datagram(&self, data: &[u8]) -> Bytes {
        let mut whole = BytesMut::with_capacity(self.datagram_prefix.len() + data.len());
        whole.extend_from_slice(&self.datagram_prefix);
        whole.extend_from_slice(data);
        whole.freeze()
    }

    pub fn datagram_overhead(&self) -> usize {
        self.datagram_prefix.len()
    }

    /// The MOQT datagram in an HTTP/3 datagram; `None` when it is not of this session.
    pub fn unwrap_datagram(&self, mut data: Bytes) -> Option<Bytes> {
        let mut rest = &data[..];
        let quarter = h3::read_varint(&mut rest)?;
        let session = u64::from(self.session?);
        if !self.ready || quarter != session / 4 {
            return None;
        }
        let length = data.len() - rest.len();
        data.advance(length);
        Some(data)
    }

    /// Whether the session ends with its connection and without a word of its own: that of a
    /// server that goes away. Chromium (seen in 156) crashes a page whose session is ended by
    /// CLOSE_WEBTRANSPORT_SESSION, or by the end of the CONNECT stream, while the end of one of the
    /// page's streams is not acknowledged, and then there is always one. Pages lose the code by it,
    /// and GOAWAY has told them before.
    pub fn ends_with_connection(&self, code: u64) -> bool {
        let goes_away = [session_codes::NO_ERROR, session_codes::GOAWAY_TIMEOUT].contains(&code);
        self.ready && goes_away && matches!(self.role, Role::Server { .. })
    }

    /// Ends the session with an MOQT code. Gives whether the peer has to take it before the
    /// connection closes.
    pub fn close(&mut self, conn: &mut Connection, code: u64, reason: &str) -> bool {
        match self.session {
            Some(id) if self.ready => {
                // Behind all data that was written before.
                let _ = conn.send_stream(id).set_priority(i32::MIN);
                self.post(conn, id, h3::close_frame(code, reason).into(), true);
                true
            }
            _ => false,
        }
    }

    // Receiving.

    /// A peer's stream was opened.
    pub fn opened(&mut self, id: StreamId) {
        self.kinds.insert(id, Kind::Unidentified(BytesMut::new()));
    }

    /// More streams may be opened: the CONNECT that could not be sent.
    pub fn streams_available(&mut self, conn: &mut Connection) {
        if self.session.is_none() && self.peer_is_able {
            self.send_connect(conn);
        }
    }

    pub(super) fn on_incoming(&mut self, conn: &mut Connection, mut incoming: Incoming) -> Outcome {
        let id = incoming.id;
        if Some(id) == self.session {
            return self.on_connect_stream(conn, incoming);
        }
        match self.kinds.get_mut(&id) {
            // Identified as MOQT, or opened by this side.
            None => Outcome::App(incoming),
            Some(Kind::Discard) => {
                if incoming.end.is_some() {
                    self.kinds.remove(&id);
                }
                Outcome::Nothing
            }
            Some(Kind::Control(buffer)) => {
                incoming
                    .chunks
                    .iter()
                    .for_each(|chunk| buffer.extend_from_slice(chunk));
                let outcome = self.on_control(conn, id);
                if incoming.end.is_some() {
                    self.kinds.remove(&id);
                }
                outcome
            }
            Some(Kind::Unidentified(buffer)) => {
                // Usually the first piece has the whole prefix: nothing is copied then.
                if !(buffer.is_empty() && incoming.chunks.len() == 1) {
                    incoming
                        .chunks
                        .drain(..)
                        .for_each(|chunk| buffer.extend_from_slice(&chunk));
                    incoming.chunks.push_back(std::mem::take(buffer).freeze());
                }
                self.identify(conn, incoming)
            }
        }
    }

    fn identify(&mut self, conn: &mut Connection, mut incoming: Incoming) -> Outcome {
        let id = incoming.id;
        let dir = super::quic::dir_of(id.dir());
        let first = incoming.chunks.front().cloned().unwrap_or_default();
        match h3::prefix(dir, &first) {
            Prefix::More => {
                if incoming.end.is_some() {
                    self.kinds.remove(&id);
                } else {
                    self.kinds
                        .insert(id, Kind::Unidentified(BytesMut::from(&first[..])));
                }
                Outcome::Nothing
            }
            Prefix::Session { session, length } => {
                self.kinds.remove(&id);
                if self.session.is_some_and(|s| u64::from(s) != session) {
                    reject(conn, id, h3::WEBTRANSPORT_BUFFERED_STREAM_REJECTED);
                    return Outcome::Nothing;
                }
                match incoming.chunks.front_mut() {
                    Some(chunk) if chunk.len() > length => chunk.advance(length),
                    _ => drop(incoming.chunks.pop_front()),
                }
                incoming.announce = true;
                if self.ready {
                    return Outcome::App(incoming);
                }
                self.early.push(id);
                Outcome::Hold(incoming)
            }
            Prefix::Uni(h3::STREAM_CONTROL) => {
                self.kinds
                    .insert(id, Kind::Control(BytesMut::from(&first[..])));
                self.on_control(conn, id)
            }
            Prefix::Uni(_) => {
                if incoming.end.is_some() {
                    self.kinds.remove(&id);
                } else {
                    self.kinds.insert(id, Kind::Discard);
                }
                Outcome::Nothing
            }
            Prefix::Request => {
                if matches!(self.role, Role::Server { .. }) && self.session.is_none() {
                    self.kinds.remove(&id);
                    self.session = Some(id);
                    self.on_connect_stream(conn, incoming)
                } else {
                    // One session per connection.
                    self.kinds.remove(&id);
                    reject(conn, id, h3::H3_REQUEST_REJECTED);
                    Outcome::Nothing
                }
            }
        }
    }

    fn on_control(&mut self, conn: &mut Connection, id: StreamId) -> Outcome {
        let Some(Kind::Control(buffer)) = self.kinds.get(&id) else {
            return Outcome::Nothing;
        };
        let settings = match proto::Settings::decode(&mut &buffer[..]) {
            Ok(settings) => settings,
            Err(proto::SettingsError::UnexpectedEnd) if buffer.len() < MAX_HEADERS => {
                return Outcome::Nothing;
            }
            Err(e) => {
                let text = format!("the peer's HTTP/3 settings are not valid: {e}");
                let reason = CloseReason::Transport(text);
                return Outcome::Ended(reason, Some(h3::H3_SETTINGS_ERROR));
            }
        };
        self.kinds.insert(id, Kind::Discard);
        if let (Role::Client { peer, .. }, None) = (&self.role, self.session) {
            if settings.supports_webtransport() == 0 {
                let text = format!("{peer} speaks HTTP/3 but not WebTransport");
                return Outcome::Ended(CloseReason::Refused(text), Some(h3::H3_NO_ERROR));
            }
            self.peer_is_able = true;
            self.send_connect(conn);
        }
        Outcome::Nothing
    }

    fn send_connect(&mut self, conn: &mut Connection) {
        let Role::Client { request, .. } = &self.role else {
            return;
        };
        let Some(id) = conn.streams().open(quinn_proto::Dir::Bi) else {
            return;
        };
        let mut bytes = Vec::new();
        // Checked when the attempt began.
        let _ = request.encode(&mut bytes);
        self.session = Some(id);
        self.post(conn, id, bytes.into(), false);
    }

    fn on_connect_stream(&mut self, conn: &mut Connection, mut incoming: Incoming) -> Outcome {
        if let Some(End::Reset(_)) = incoming.end {
            let reason = match (self.ready, &self.role) {
                (true, _) => CloseReason::Peer {
                    code: 0,
                    reason: String::new(),
                },
                (false, Role::Client { peer, .. }) => {
                    CloseReason::Refused(format!("{peer} rejected the WebTransport request"))
                }
                (false, _) => CloseReason::Refused("the client gave up its request".into()),
            };
            return Outcome::Ended(reason, Some(h3::H3_NO_ERROR));
        }
        if !self.ready {
            incoming
                .chunks
                .drain(..)
                .for_each(|chunk| self.headers.extend_from_slice(&chunk));
            let outcome = match &self.role {
                Role::Server { .. } => self.on_request(conn),
                Role::Client { .. } => self.on_response(incoming.end.is_some()),
            };
            return match outcome {
                Outcome::Ready(mut ready) => {
                    ready.rest.end = incoming.end;
                    Outcome::Ready(ready)
                }
                Outcome::Nothing if incoming.end.is_some() => {
                    let text = "the WebTransport request ended before it was complete";
                    let reason = CloseReason::Refused(text.into());
                    Outcome::Ended(reason, Some(h3::H3_MESSAGE_ERROR))
                }
                other => other,
            };
        }
        for chunk in &incoming.chunks {
            match self.reader.feed(chunk) {
                Ok(None) => {}
                Ok(Some((code, reason))) => {
                    let reason = CloseReason::Peer {
                        code: code.into(),
                        reason,
                    };
                    return Outcome::Ended(reason, Some(h3::H3_NO_ERROR));
                }
                Err(text) => {
                    let reason = CloseReason::Transport(text.into());
                    return Outcome::Ended(reason, Some(h3::H3_MESSAGE_ERROR));
                }
            }
        }
        if incoming.end.is_some() {
            // The end without a capsule is an end with code 0.
            let reason = CloseReason::Peer {
                code: 0,
                reason: String::new(),
            };
            return Outcome::Ended(reason, Some(h3::H3_NO_ERROR));
        }
        Outcome::Nothing
    }

    pub fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// Nothing more is waited for; the answer, if there is one.
    pub fn give_up_waiting(&mut self) -> Option<CloseReason> {
        self.refused.take()
    }
}

/// Both halves of a peer's stream that is not wanted.
fn reject(conn: &mut Connection, id: StreamId, code: u32) {
    let code = VarInt::from_u32(code);
    let _ = conn.recv_stream(id).stop(code);
    if id.dir() == quinn_proto::Dir::Bi {
        let _ = conn.send_stream(id).reset(code);
    }
}
