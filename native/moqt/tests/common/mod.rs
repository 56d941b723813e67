//! Two sessions over an in-memory connection, or one session against hand-made bytes.
#![allow(dead_code)]

use bytes::{Bytes, BytesMut};
use moqt::memory::{pair, MemoryConfig, MemoryTransport};
use moqt::session::{RequestId, Session, SessionClose, SessionConfig, SessionEvent};
use moqt::transport::{Dir, StreamId, Transport, TransportEvent};
use moqt::wire::*;
use std::time::{Duration, Instant};

/// A session with its end of a connection.
pub struct Peer {
    pub session: Session,
    pub link: MemoryTransport,
    pub events: Vec<SessionEvent>,
}

impl Peer {
    pub fn new(config: SessionConfig, link: MemoryTransport) -> Self {
        Peer {
            session: Session::new(config),
            link,
            events: Vec::new(),
        }
    }

    /// Handles what has arrived; whether there was anything.
    pub fn turn(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some(event) = self.link.poll_event() {
            any = true;
            self.session.handle(now, &mut self.link, event);
        }
        while let Some(event) = self.session.poll_event() {
            any = true;
            self.events.push(event);
        }
        any
    }

    /// Takes all events so far.
    pub fn take(&mut self) -> Vec<SessionEvent> {
        std::mem::take(&mut self.events)
    }

    /// The session termination code with which this side closed.
    pub fn close_code(&self) -> Option<u64> {
        self.events.iter().find_map(|event| match event {
            SessionEvent::Closed {
                reason: SessionClose::Local { code, .. },
            } => Some(*code),
            _ => None,
        })
    }

    pub fn request_event(&self) -> Option<(RequestId, Request)> {
        self.events.iter().rev().find_map(|event| match event {
            SessionEvent::Request { id, request, .. } => Some((*id, request.clone())),
            _ => None,
        })
    }
}

/// A client and a server.
pub struct World {
    pub client: Peer,
    pub server: Peer,
    pub now: Instant,
}

impl World {
    pub fn with(client: SessionConfig, server: SessionConfig, memory: MemoryConfig) -> Self {
        let (a, b) = pair(memory);
        let now = Instant::now();
        let mut world = World {
            client: Peer::new(client, a),
            server: Peer::new(server, b),
            now,
        };
        world.client.session.start(now, &mut world.client.link);
        world.server.session.start(now, &mut world.server.link);
        world
    }

    /// Both sides ready, events cleared.
    pub fn ready() -> Self {
        let mut world = World::with(
            SessionConfig::client(),
            SessionConfig::server(),
            MemoryConfig::default(),
        );
        world.settle();
        assert!(world.client.session.is_ready() && world.server.session.is_ready());
        world.client.take();
        world.server.take();
        world
    }

    /// Runs both sides until nothing moves.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            let a = self.client.turn(self.now);
            let b = self.server.turn(self.now);
            if !a && !b {
                return;
            }
        }
        panic!("the sessions do not settle");
    }

    pub fn advance(&mut self, by: Duration) {
        self.now += by;
        self.client
            .session
            .on_timeout(self.now, &mut self.client.link);
        self.server
            .session
            .on_timeout(self.now, &mut self.server.link);
        self.settle();
    }

    pub fn client_requests(&mut self, request: Request) -> RequestId {
        let id = self
            .client
            .session
            .request(self.now, &mut self.client.link, request)
            .unwrap();
        self.settle();
        id
    }

    pub fn server_responds(&mut self, id: RequestId, response: Response) {
        self.server
            .session
            .respond(&mut self.server.link, id, response)
            .unwrap();
        self.settle();
    }

    /// A subscription of the client with alias 7; gives its id.
    pub fn subscribed(&mut self) -> RequestId {
        let id = self.client_requests(subscribe("a"));
        self.server_responds(id, subscribe_ok(7));
        self.client.take();
        self.server.take();
        id
    }
}

pub fn track(name: &str) -> FullTrackName {
    FullTrackName::new(
        namespace(&["game", "1"]),
        Bytes::copy_from_slice(name.as_bytes()),
    )
    .unwrap()
}

pub fn namespace(fields: &[&'static str]) -> Namespace {
    Namespace::new(fields.iter().copied()).unwrap()
}

pub fn subscribe(name: &str) -> Request {
    Request::Subscribe(Subscribe {
        track: track(name),
        params: Parameters::default(),
    })
}

pub fn subscribe_ok(alias: u64) -> Response {
    Response::SubscribeOk(SubscribeOk {
        track_alias: alias,
        ..Default::default()
    })
}

pub fn object(id: u64, payload: &'static str) -> SubgroupObject {
    SubgroupObject {
        object: id,
        payload: Bytes::from_static(payload.as_bytes()),
        ..Default::default()
    }
}

/// One session against raw bytes that the test writes.
pub struct Raw {
    pub peer: Peer,
    pub wire: MemoryTransport,
    pub now: Instant,
}

impl Raw {
    pub fn new(config: SessionConfig) -> Self {
        let (a, b) = pair(MemoryConfig::default());
        let now = Instant::now();
        let mut raw = Raw {
            peer: Peer::new(config, a),
            wire: b,
            now,
        };
        raw.peer.session.start(now, &mut raw.peer.link);
        raw
    }

    /// After an empty SETUP from the other side.
    pub fn ready(config: SessionConfig) -> Self {
        let mut raw = Raw::new(config);
        raw.uni(&message(&Message::Setup(Setup::default())), false);
        raw.turn();
        assert!(raw.peer.session.is_ready());
        raw.peer.take();
        raw
    }

    pub fn turn(&mut self) {
        while self.peer.turn(self.now) {}
    }

    pub fn write(&mut self, id: StreamId, bytes: &[u8], fin: bool) {
        let mut data = Bytes::copy_from_slice(bytes);
        self.wire.write(id, &mut data).unwrap();
        assert!(data.is_empty());
        if fin {
            self.wire.finish(id);
        }
    }

    pub fn uni(&mut self, bytes: &[u8], fin: bool) -> StreamId {
        let id = self.wire.open(Dir::Uni).unwrap();
        self.write(id, bytes, fin);
        id
    }

    pub fn bi(&mut self, bytes: &[u8], fin: bool) -> StreamId {
        let id = self.wire.open(Dir::Bi).unwrap();
        self.write(id, bytes, fin);
        id
    }

    pub fn advance(&mut self, by: Duration) {
        self.now += by;
        self.peer.session.on_timeout(self.now, &mut self.peer.link);
        self.turn();
    }

    /// Everything that the session has sent so far.
    pub fn received(&mut self) -> Vec<TransportEvent> {
        std::iter::from_fn(|| self.wire.poll_event()).collect()
    }

    /// The messages that the session has written on one stream since the last look.
    pub fn messages_on(&mut self, stream: StreamId) -> Vec<Message> {
        let mut data = BytesMut::new();
        for event in self.received() {
            match event {
                TransportEvent::Data {
                    id, data: chunk, ..
                } if id == stream => data.extend_from_slice(&chunk),
                _ => {}
            }
        }
        let mut data = data.freeze();
        let mut messages = Vec::new();
        while !data.is_empty() {
            let (message, used) = Draft::Draft18.profile().decode_message(&data).unwrap();
            messages.push(message);
            data = data.slice(used..);
        }
        messages
    }
}

/// A message's bytes.
pub fn message(message: &Message) -> Vec<u8> {
    let mut out = BytesMut::new();
    Draft::Draft18
        .profile()
        .encode_message(message, &mut out)
        .unwrap();
    out.to_vec()
}

pub fn request_bytes(id: u64, request: Request) -> Vec<u8> {
    message(&Message::Request { id, request })
}

pub fn response_bytes(response: Response) -> Vec<u8> {
    message(&Message::Response { id: None, response })
}

pub fn setup_bytes() -> Vec<u8> {
    message(&Message::Setup(Setup::default()))
}

pub fn subgroup_bytes(alias: u64, objects: &[SubgroupObject]) -> Vec<u8> {
    let header = SubgroupHeader {
        track_alias: alias,
        group: 1,
        ..Default::default()
    };
    let mut out = BytesMut::new();
    Draft::Draft18
        .profile()
        .encode_subgroup_header(&header, &mut out);
    let mut state = SubgroupState::new(&header);
    for object in objects {
        Draft::Draft18
            .profile()
            .encode_subgroup_object(&mut state, object, &mut out)
            .unwrap();
        out.extend_from_slice(&object.payload);
    }
    out.to_vec()
}

pub fn datagram_bytes(alias: u64) -> Bytes {
    let mut out = BytesMut::new();
    let datagram = ObjectDatagram {
        track_alias: alias,
        payload: Bytes::from_static(b"x"),
        ..Default::default()
    };
    Draft::Draft18
        .profile()
        .encode_datagram(&datagram, &mut out)
        .unwrap();
    out.freeze()
}

pub fn publish(name: &str, alias: u64) -> Request {
    Request::Publish(Publish {
        track: track(name),
        track_alias: alias,
        params: Parameters::default(),
        properties: Properties::empty(),
    })
}

pub fn in_namespace(fields: &[&'static str]) -> Request {
    let track = FullTrackName::new(namespace(fields), "t").unwrap();
    Request::Subscribe(Subscribe {
        track,
        params: Parameters::default(),
    })
}

pub fn with_tokens(tokens: Vec<AuthToken>) -> Request {
    let params = Parameters {
        tokens,
        ..Default::default()
    };
    Request::Subscribe(Subscribe {
        track: track("a"),
        params,
    })
}

/// What the server closes with after these bytes on a stream of the client.
pub fn closes_on(dir: Dir, bytes: &[u8], fin: bool) -> Option<u64> {
    let mut raw = Raw::ready(SessionConfig::server());
    match dir {
        Dir::Bi => raw.bi(bytes, fin),
        Dir::Uni => raw.uni(bytes, fin),
    };
    raw.turn();
    raw.peer.close_code()
}

/// The REQUEST_ERROR code with which the server answers.
pub fn refusal(raw: &mut Raw, bytes: &[u8]) -> Option<u64> {
    let stream = raw.bi(bytes, false);
    raw.turn();
    raw.messages_on(stream)
        .into_iter()
        .find_map(|message| match message {
            Message::Response {
                response: Response::RequestError(error),
                ..
            } => Some(error.code),
            _ => None,
        })
}

pub fn on_namespace(make: fn(NamespaceRequest) -> Request) -> Request {
    make(NamespaceRequest {
        namespace: namespace(&["game"]),
        params: Parameters::default(),
    })
}

/// Neither side keeps a request or hears anything more.
pub fn assert_over(world: &mut World, id: RequestId) {
    world.settle();
    assert!(!world.client.session.is_live(id) && !world.server.session.is_live(id));
    world.client.take();
    world.server.take();
    world.advance(Duration::from_secs(100));
    assert_eq!((world.client.take(), world.server.take()), (vec![], vec![]));
    assert!(world.client.session.is_ready() && world.server.session.is_ready());
}
