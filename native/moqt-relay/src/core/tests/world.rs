//! A relay core and clients that are plain sessions, all over in-memory connections.

use crate::config::RelayConfig;
use crate::core::Core;
use crate::io::Io;
use crate::stats::RelayStats;
use bytes::Bytes;
use moqt::memory::{pair, MemoryConfig, MemoryTransport};
use moqt::session::{RequestEnd, RequestId, Session, SessionConfig, SessionEvent};
use moqt::transport::{Dir, Transport, TransportEvent};
use moqt::wire::*;
use moqt_net::{ConnId, ConnInfo, EndpointStats, TransportKind};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub struct Links {
    now: Instant,
    servers: BTreeMap<ConnId, MemoryTransport>,
}

impl Io for Links {
    fn now(&self) -> Instant {
        self.now
    }
    fn transport(&mut self, conn: ConnId) -> Option<&mut dyn Transport> {
        self.servers.get_mut(&conn).map(|t| t as &mut dyn Transport)
    }
}

pub struct Client {
    pub session: Session,
    pub transport: MemoryTransport,
    pub events: Vec<SessionEvent>,
    /// Whether it takes what arrives.
    pub reads: bool,
}

pub struct World {
    pub core: Core,
    pub links: Links,
    pub clients: BTreeMap<ConnId, Client>,
    next: u64,
}

pub fn ns(text: &str) -> Namespace {
    Namespace::new(
        text.split('/')
            .map(|f| Bytes::copy_from_slice(f.as_bytes())),
    )
    .unwrap()
}

pub fn name(namespace: &str, track: &'static str) -> FullTrackName {
    FullTrackName::new(ns(namespace), Bytes::from_static(track.as_bytes())).unwrap()
}

pub fn at(group: u64, object: u64) -> Location {
    Location::new(group, object)
}

pub fn largest() -> Parameters {
    Parameters {
        filter: Some(SubscriptionFilter::LargestObject),
        ..Parameters::default()
    }
}

impl World {
    pub fn new() -> World {
        World::with(RelayConfig::default())
    }

    pub fn with(config: RelayConfig) -> World {
        let now = Instant::now();
        World {
            core: Core::new(config, now),
            links: Links {
                now,
                servers: BTreeMap::new(),
            },
            clients: BTreeMap::new(),
            next: 0,
        }
    }

    pub fn client(&mut self) -> ConnId {
        self.client_with(MemoryConfig::default(), Vec::new())
    }

    pub fn client_with(&mut self, memory: MemoryConfig, tokens: Vec<AuthToken>) -> ConnId {
        let conn = self.connect_raw(memory);
        let client = self.clients.get_mut(&conn).unwrap();
        client.session = Session::new(SessionConfig {
            tokens,
            ..SessionConfig::client()
        });
        client.session.start(self.links.now, &mut client.transport);
        self.run();
        conn
    }

    /// A connection on which the client has sent nothing yet.
    pub fn connect_raw(&mut self, memory: MemoryConfig) -> ConnId {
        self.next += 1;
        let conn = ConnId(self.next);
        let (ours, theirs) = pair(memory);
        self.links.servers.insert(conn, theirs);
        let session = Session::new(SessionConfig::client());
        let client = Client {
            session,
            transport: ours,
            events: Vec::new(),
            reads: true,
        };
        self.clients.insert(conn, client);
        let info = ConnInfo {
            kind: TransportKind::Memory,
            protocol: "moqt-18".into(),
            path: "/".into(),
            authority: String::new(),
            remote: None,
            incoming: true,
        };
        self.core.on_connected(&mut self.links, conn, info);
        conn
    }

    pub fn now(&self) -> Instant {
        self.links.now
    }

    /// Lets everything that is on its way arrive.
    pub fn run(&mut self) {
        for _ in 0..100_000 {
            let mut idle = true;
            let conns: Vec<ConnId> = self.clients.keys().copied().collect();
            for conn in conns {
                let event = self
                    .links
                    .servers
                    .get_mut(&conn)
                    .and_then(|t| t.poll_event());
                if let Some(event) = event {
                    idle = false;
                    self.core.on_event(&mut self.links, conn, event);
                }
                let client = self.clients.get_mut(&conn).unwrap();
                if !client.reads {
                    continue;
                }
                if let Some(event) = client.transport.poll_event() {
                    idle = false;
                    client
                        .session
                        .handle(self.links.now, &mut client.transport, event);
                }
                while let Some(event) = client.session.poll_event() {
                    client.events.push(event);
                }
            }
            if self
                .core
                .next_timeout()
                .is_some_and(|at| at <= self.links.now)
            {
                idle = false;
                self.core.on_timeout(&mut self.links);
            }
            if idle {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: Duration) {
        self.links.now += time;
        let now = self.links.now;
        self.core.on_timeout(&mut self.links);
        for client in self.clients.values_mut() {
            client.session.on_timeout(now, &mut client.transport);
        }
        self.run();
    }

    /// Calls a client's session, then lets everything arrive.
    pub fn with_client<R>(
        &mut self,
        conn: ConnId,
        call: impl FnOnce(&mut Session, &mut dyn Transport, Instant) -> R,
    ) -> R {
        let now = self.links.now;
        let client = self.clients.get_mut(&conn).unwrap();
        let result = call(&mut client.session, &mut client.transport, now);
        while let Some(event) = client.session.poll_event() {
            client.events.push(event);
        }
        self.run();
        result
    }

    /// Takes the events of a client that `pick` wants, in order; others stay.
    pub fn take<R>(
        &mut self,
        conn: ConnId,
        mut pick: impl FnMut(&SessionEvent) -> Option<R>,
    ) -> Vec<R> {
        let mut taken = Vec::new();
        self.clients
            .get_mut(&conn)
            .unwrap()
            .events
            .retain(|event| match pick(event) {
                Some(value) => {
                    taken.push(value);
                    false
                }
                None => true,
            });
        taken
    }

    pub fn request(&mut self, conn: ConnId, request: Request) -> RequestId {
        self.with_client(conn, |s, t, now| s.request(now, t, request))
            .expect("a request")
    }

    pub fn responses(&mut self, conn: ConnId, id: RequestId) -> Vec<Response> {
        self.take(conn, |event| match event {
            SessionEvent::Response { id: of, response } if *of == id => Some(response.clone()),
            _ => None,
        })
    }

    /// The one answer to a request.
    pub fn response(&mut self, conn: ConnId, id: RequestId) -> Response {
        let mut all = self.responses(conn, id);
        assert_eq!(all.len(), 1, "exactly one answer: {all:?}");
        all.remove(0)
    }

    pub fn error(&mut self, conn: ConnId, id: RequestId) -> RequestError {
        match self.response(conn, id) {
            Response::RequestError(error) => error,
            other => panic!("not an error: {other:?}"),
        }
    }

    pub fn announce(&mut self, conn: ConnId, namespace: &str) -> RequestId {
        let message = NamespaceRequest {
            namespace: ns(namespace),
            params: Parameters::default(),
        };
        let id = self.request(conn, Request::PublishNamespace(message));
        assert!(matches!(self.response(conn, id), Response::RequestOk(_)));
        id
    }

    pub fn subscribe(
        &mut self,
        conn: ConnId,
        track: &FullTrackName,
        params: Parameters,
    ) -> RequestId {
        self.request(
            conn,
            Request::Subscribe(Subscribe {
                track: track.clone(),
                params,
            }),
        )
    }

    /// Requests that have reached a client.
    pub fn requests(&mut self, conn: ConnId) -> Vec<(RequestId, Request)> {
        self.take(conn, |event| match event {
            SessionEvent::Request { id, request, .. } => Some((*id, request.clone())),
            _ => None,
        })
    }

    /// The one SUBSCRIBE that has reached a publisher.
    pub fn upstream(&mut self, conn: ConnId) -> RequestId {
        let mut found = self.requests(conn);
        found.retain(|(_, request)| matches!(request, Request::Subscribe(_)));
        assert_eq!(found.len(), 1, "one SUBSCRIBE upstream: {found:?}");
        found[0].0
    }

    /// Accepts a SUBSCRIBE as publisher with alias 7.
    pub fn accept(
        &mut self,
        conn: ConnId,
        id: RequestId,
        largest: Option<Location>,
        properties: Properties,
    ) {
        let ok = SubscribeOk {
            track_alias: 7,
            params: Parameters {
                largest_object: largest,
                ..Parameters::default()
            },
            properties,
        };
        self.with_client(conn, |s, t, _| s.respond(t, id, Response::SubscribeOk(ok)))
            .expect("an answer");
    }

    /// A publisher of a track, a subscriber, and the publisher's request.
    pub fn joined(
        &mut self,
        track: &FullTrackName,
        properties: Properties,
    ) -> (ConnId, ConnId, RequestId, RequestId) {
        let (publisher, subscriber) = (self.client(), self.client());
        self.announce(publisher, &track.namespace().to_string().replace('-', "/"));
        let downstream = self.subscribe(subscriber, track, largest());
        let upstream = self.upstream(publisher);
        self.accept(publisher, upstream, None, properties);
        assert!(matches!(
            self.response(subscriber, downstream),
            Response::SubscribeOk(_)
        ));
        (publisher, subscriber, upstream, downstream)
    }

    /// Sends one whole group on one stream as publisher with alias 7.
    pub fn send_group(&mut self, conn: ConnId, group: u64, payloads: &[&'static [u8]]) {
        let header = SubgroupHeader {
            track_alias: 7,
            group,
            end_of_group: true,
            first_object: true,
            ..SubgroupHeader::default()
        };
        self.with_client(conn, |s, t, _| {
            let stream = s.open_subgroup(t, &header, 0).expect("a stream");
            for (id, payload) in payloads.iter().enumerate() {
                let object = SubgroupObject {
                    object: id as u64,
                    payload: Bytes::from_static(payload),
                    ..SubgroupObject::default()
                };
                s.write_object(t, stream, &object).expect("room");
            }
            s.finish_stream(t, stream);
        });
    }

    /// Objects that have reached a client on streams: `group.object=payload` in order of arrival.
    pub fn objects(&mut self, conn: ConnId) -> Vec<String> {
        let mut groups = BTreeMap::new();
        self.take(conn, |event| match event {
            SessionEvent::SubgroupOpened { stream, header, .. } => {
                groups.insert(*stream, header.group);
                Some(None)
            }
            SessionEvent::Object { stream, object, .. } => {
                let group = groups.get(stream).map_or("?".to_owned(), u64::to_string);
                let payload = String::from_utf8_lossy(&object.payload).into_owned();
                Some(Some(format!("{group}.{}={payload}", object.object)))
            }
            _ => None,
        })
        .into_iter()
        .flatten()
        .collect()
    }

    pub fn dones(&mut self, conn: ConnId) -> Vec<PublishDone> {
        self.take(conn, |event| match event {
            SessionEvent::Response {
                response: Response::PublishDone(done),
                ..
            } => Some(done.clone()),
            _ => None,
        })
    }

    pub fn ends(&mut self, conn: ConnId) -> Vec<RequestEnd> {
        self.take(conn, |event| match event {
            SessionEvent::RequestClosed { end, .. } => Some(*end),
            _ => None,
        })
    }

    /// What a fetch gave: items in words, and whether it ended well.
    pub fn fetched(&mut self, conn: ConnId, id: RequestId) -> String {
        let items = self.take(conn, |event| match event {
            SessionEvent::FetchItem { request, item, .. } if *request == id => Some(match item {
                FetchItem::Object(o) => {
                    format!(
                        "{}.{}={}",
                        o.group,
                        o.object,
                        String::from_utf8_lossy(&o.payload)
                    )
                }
                FetchItem::EndOfRange { location, unknown } => {
                    let kind = if *unknown { "unknown" } else { "none" };
                    format!("{kind}<={}.{}", location.group, location.object)
                }
            }),
            _ => None,
        });
        items.join(" ")
    }

    pub fn fetch(&mut self, conn: ConnId, range: FetchRange, params: Parameters) -> RequestId {
        self.request(conn, Request::Fetch(Fetch { range, params }))
    }

    pub fn close(&mut self, conn: ConnId, code: u64) {
        self.with_client(conn, |s, t, _| s.close(t, code, "bye"));
    }

    /// Cuts the connection below the session, as a crash does.
    pub fn lose(&mut self, conn: ConnId) {
        self.clients
            .get_mut(&conn)
            .unwrap()
            .transport
            .break_connection();
        self.run();
    }

    pub fn stats(&self) -> RelayStats {
        self.core.stats(&self.links, EndpointStats::default())
    }

    pub fn is_open(&self, conn: ConnId) -> bool {
        !self.clients[&conn].session.is_closed()
    }

    /// The relay's end of a connection is over, and the event that says so has not come yet.
    pub fn cut(&mut self, conn: ConnId) {
        self.links.servers.remove(&conn);
    }

    /// The next event of the relay's end of a connection.
    pub fn links_poll(&mut self, conn: ConnId) -> Option<TransportEvent> {
        self.links.servers.get_mut(&conn)?.poll_event()
    }

    /// One turn of the relay's deadlines.
    pub fn core_timeout(&mut self) {
        self.core.on_timeout(&mut self.links);
    }

    pub fn core_event(&mut self, conn: ConnId, event: TransportEvent) {
        self.core.on_event(&mut self.links, conn, event);
    }

    /// Writes raw bytes on a new stream of a client.
    pub fn raw_stream(&mut self, conn: ConnId, dir: Dir, bytes: &[u8], fin: bool) {
        let client = self.clients.get_mut(&conn).unwrap();
        if let Some(stream) = client.transport.open(dir) {
            let mut data = Bytes::copy_from_slice(bytes);
            let _ = client.transport.write(stream, &mut data);
            if fin {
                client.transport.finish(stream);
            }
        }
        self.run();
    }
}
