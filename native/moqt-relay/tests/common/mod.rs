//! Clients of a relay that are plain sessions over real connections, driven from the test.
#![allow(dead_code)]

use bytes::Bytes;
use moqt::session::{RequestId, Session, SessionConfig, SessionEvent};
use moqt::transport::{Transport, TransportEvent};
use moqt::wire::*;
use moqt_net::{
    ConnId, ConnInfo, ConnectConfig, Context, Handler, HandlerId, Remote, Runtime, TransportKind,
    Trust,
};
use moqt_relay::{HttpListen, Relay, RelayConfig, RelayHandle};
use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// No test waits longer for one thing.
pub const LIMIT: Duration = Duration::from_secs(20);

type Sessions = HashMap<ConnId, Session>;
type Job = Box<dyn FnOnce(&mut Context<'_>, &mut Sessions) + Send>;

struct Probe {
    jobs: Arc<Mutex<VecDeque<Job>>>,
    sessions: Sessions,
    tokens: Vec<AuthToken>,
    seen: Sender<(ConnId, SessionEvent)>,
    paused: Arc<Mutex<bool>>,
    kept: VecDeque<(ConnId, TransportEvent)>,
}

impl Probe {
    fn drain(&mut self) {
        for (conn, session) in &mut self.sessions {
            while let Some(event) = session.poll_event() {
                let _ = self.seen.send((*conn, event));
            }
        }
    }
}

impl Handler for Probe {
    fn on_connected(&mut self, cx: &mut Context<'_>, conn: ConnId, info: ConnInfo) {
        let mut config = SessionConfig {
            tokens: self.tokens.clone(),
            ..SessionConfig::client()
        };
        match info.kind {
            TransportKind::WebTransport => config.link = moqt::session::Link::WebTransport,
            _ => config.path = Some(info.path.clone()).filter(|p| !p.is_empty()),
        }
        let mut session = Session::new(config);
        let now = cx.now();
        if let Some(transport) = cx.transport(conn) {
            session.start(now, transport);
        }
        self.sessions.insert(conn, session);
        self.drain();
    }

    fn on_event(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        if *self.paused.lock().unwrap() {
            // Data that is not read holds back what follows on its stream.
            if let (TransportEvent::Data { id, .. }, Some(transport)) = (&event, cx.transport(conn))
            {
                transport.pause(*id, true);
            }
            self.kept.push_back((conn, event));
            return;
        }
        let now = cx.now();
        let session = self
            .sessions
            .entry(conn)
            .or_insert_with(|| Session::new(SessionConfig::client()));
        match cx.transport(conn) {
            Some(transport) => session.handle(now, transport, event),
            None => session.handle(now, &mut Nothing, event),
        }
        self.drain();
    }

    fn on_wake(&mut self, cx: &mut Context<'_>) {
        loop {
            let Some(job) = self.jobs.lock().unwrap().pop_front() else {
                break;
            };
            job(cx, &mut self.sessions);
        }
        self.drain();
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.sessions
            .values()
            .filter_map(Session::poll_timeout)
            .min()
    }

    fn on_timeout(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        for (conn, session) in &mut self.sessions {
            if let Some(transport) = cx.transport(*conn) {
                session.on_timeout(now, transport);
            }
        }
        self.drain();
    }
}

/// A transport for sessions whose connection is gone.
struct Nothing;

impl Transport for Nothing {
    fn open(&mut self, _: moqt::transport::Dir) -> Option<moqt::transport::StreamId> {
        None
    }
    fn write(
        &mut self,
        _: moqt::transport::StreamId,
        _: &mut Bytes,
    ) -> Result<(), moqt::transport::StreamClosed> {
        Err(moqt::transport::StreamClosed)
    }
    fn finish(&mut self, _: moqt::transport::StreamId) {}
    fn reset(&mut self, _: moqt::transport::StreamId, _: u64) {}
    fn stop(&mut self, _: moqt::transport::StreamId, _: u64) {}
    fn set_priority(&mut self, _: moqt::transport::StreamId, _: i32) {}
    fn pause(&mut self, _: moqt::transport::StreamId, _: bool) {}
    fn send_datagram(&mut self, _: Bytes) -> Result<(), moqt::transport::DatagramError> {
        Err(moqt::transport::DatagramError::Unsupported)
    }
    fn max_datagram_size(&self) -> Option<usize> {
        None
    }
    fn close(&mut self, _: u64, _: &str) {}
    fn stats(&self) -> moqt::transport::TransportStats {
        moqt::transport::TransportStats::default()
    }
}

/// One client with one connection.
pub struct Node {
    remote: Remote,
    jobs: Arc<Mutex<VecDeque<Job>>>,
    seen: Receiver<(ConnId, SessionEvent)>,
    kept: VecDeque<SessionEvent>,
    paused: Arc<Mutex<bool>>,
    pub conn: ConnId,
}

/// How a client reaches the relay.
pub enum Way<'a> {
    Url(String, &'a str),
    Memory(HandlerId),
}

/// A relay on a free port of the loopback address.
pub fn relay(change: impl FnOnce(&mut RelayConfig)) -> RelayHandle {
    let mut config = RelayConfig {
        listen: vec![([127, 0, 0, 1], 0).into()],
        http: HttpListen::Off,
        ..RelayConfig::default()
    };
    change(&mut config);
    Relay::start(config).expect("a relay")
}

pub fn webtransport(relay: &RelayHandle) -> Way<'_> {
    Way::Url(relay.url().expect("a URL"), relay.certificate_sha256())
}

pub fn quic(relay: &RelayHandle) -> Way<'_> {
    let url = relay.url().expect("a URL").replace("https:", "moqt:");
    Way::Url(url, relay.certificate_sha256())
}

pub fn memory(relay: &RelayHandle) -> Way<'_> {
    Way::Memory(relay.handler_id())
}

impl Node {
    pub fn connect(runtime: &Runtime, way: Way<'_>) -> Node {
        Node::connect_with(runtime, way, Vec::new())
    }

    pub fn connect_with(runtime: &Runtime, way: Way<'_>, tokens: Vec<AuthToken>) -> Node {
        Node::connect_within(runtime, way, tokens, LIMIT)
    }

    /// An attempt over QUIC ends after `timeout`.
    pub fn connect_within(
        runtime: &Runtime,
        way: Way<'_>,
        tokens: Vec<AuthToken>,
        timeout: Duration,
    ) -> Node {
        let (sender, seen) = channel();
        let jobs: Arc<Mutex<VecDeque<Job>>> = Arc::default();
        let paused: Arc<Mutex<bool>> = Arc::default();
        let remote = runtime.spawn(Box::new(Probe {
            jobs: jobs.clone(),
            sessions: HashMap::new(),
            tokens,
            seen: sender,
            paused: paused.clone(),
            kept: VecDeque::new(),
        }));
        let kept = VecDeque::new();
        let mut node = Node {
            remote,
            jobs,
            seen,
            kept,
            paused,
            conn: ConnId(0),
        };
        node.conn = match way {
            Way::Url(url, hash) => {
                let mut config = ConnectConfig::new(url);
                config.trust = Trust::pinned(&[hash]).expect("a hash");
                config.timeout = timeout;
                node.run(move |cx, _| cx.connect(config))
                    .expect("usable options")
            }
            Way::Memory(peer) => node
                .run(move |cx, _| cx.connect_memory(peer, "/"))
                .expect("a relay"),
        };
        node
    }

    /// Waits until both SETUPs are exchanged.
    pub fn ready(mut self) -> Node {
        self.wait("ready", |event| {
            matches!(event, SessionEvent::Ready { .. }).then_some(())
        });
        self
    }

    /// Runs a job on the I/O thread.
    pub fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Context<'_>, &mut Sessions) -> R + Send + 'static,
    ) -> R {
        let (sender, result) = channel();
        self.jobs
            .lock()
            .unwrap()
            .push_back(Box::new(move |cx, sessions| {
                let _ = sender.send(job(cx, sessions));
            }));
        self.remote.wake();
        result.recv_timeout(LIMIT).expect("the I/O thread answers")
    }

    /// Calls the session.
    pub fn with<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Session, &mut dyn Transport, Instant) -> R + Send + 'static,
    ) -> R {
        let conn = self.conn;
        self.run(move |cx, sessions| {
            let now = cx.now();
            let session = sessions.get_mut(&conn).expect("a session");
            job(session, cx.transport(conn).expect("a live connection"), now)
        })
    }

    /// Waits for the first event that `pick` takes; others are kept for later calls, in order.
    pub fn wait<R>(&mut self, what: &str, mut pick: impl FnMut(&SessionEvent) -> Option<R>) -> R {
        for i in 0..self.kept.len() {
            if let Some(result) = pick(&self.kept[i]) {
                self.kept.remove(i);
                return result;
            }
        }
        let until = Instant::now() + LIMIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.seen.recv_timeout(left) {
                Ok((_, event)) => match pick(&event) {
                    Some(result) => return result,
                    None => self.kept.push_back(event),
                },
                Err(e) => panic!("no {what}: {e}; kept: {:?}", self.kept),
            }
        }
    }

    /// Stops or goes on taking what arrives.
    pub fn pause(&self, paused: bool) {
        *self.paused.lock().unwrap() = paused;
    }

    pub fn request(&self, request: Request) -> RequestId {
        self.with(move |s, t, now| s.request(now, t, request))
            .expect("a request")
    }

    pub fn response(&mut self, id: RequestId) -> Response {
        self.wait("response", |event| match event {
            SessionEvent::Response { id: of, response } if *of == id => Some(response.clone()),
            _ => None,
        })
    }

    pub fn announce(&mut self, namespace: &Namespace) {
        let message = NamespaceRequest {
            namespace: namespace.clone(),
            params: Parameters::default(),
        };
        let id = self.request(Request::PublishNamespace(message));
        let response = self.response(id);
        assert!(matches!(response, Response::RequestOk(_)), "{response:?}");
    }

    pub fn subscribe(&mut self, track: &FullTrackName, params: Parameters) -> RequestId {
        self.request(Request::Subscribe(Subscribe {
            track: track.clone(),
            params,
        }))
    }

    /// Waits for a SUBSCRIBE as publisher and accepts it with an alias.
    pub fn accept(
        &mut self,
        alias: u64,
        largest: Option<Location>,
        properties: Properties,
    ) -> RequestId {
        let id = self.wait("SUBSCRIBE", |event| match event {
            SessionEvent::Request {
                id,
                request: Request::Subscribe(_),
                ..
            } => Some(*id),
            _ => None,
        });
        let ok = SubscribeOk {
            track_alias: alias,
            params: Parameters {
                largest_object: largest,
                ..Parameters::default()
            },
            properties,
        };
        self.with(move |s, t, _| s.respond(t, id, Response::SubscribeOk(ok)))
            .expect("an answer");
        id
    }

    /// Sends a group of objects on one stream.
    pub fn send_group(&self, alias: u64, group: u64, payloads: Vec<Bytes>) {
        let header = SubgroupHeader {
            track_alias: alias,
            group,
            end_of_group: true,
            first_object: true,
            ..SubgroupHeader::default()
        };
        self.with(move |s, t, _| {
            let stream = s.open_subgroup(t, &header, 0).expect("a stream");
            for (id, payload) in payloads.into_iter().enumerate() {
                let object = SubgroupObject {
                    object: id as u64,
                    payload,
                    ..SubgroupObject::default()
                };
                s.write_object(t, stream, &object).expect("room");
            }
            s.finish_stream(t, stream);
        });
    }

    /// The next object on a stream: its id and payload.
    pub fn object(&mut self) -> (u64, Bytes) {
        self.wait("object", |event| match event {
            SessionEvent::Object { object, .. } => Some((object.object, object.payload.clone())),
            _ => None,
        })
    }

    pub fn closed(&mut self) -> moqt::session::SessionClose {
        self.wait("close", |event| match event {
            SessionEvent::Closed { reason } => Some(reason.clone()),
            _ => None,
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.remote.remove();
    }
}

pub fn ns(text: &str) -> Namespace {
    Namespace::new(
        text.split('/')
            .map(|f| Bytes::copy_from_slice(f.as_bytes())),
    )
    .expect("a name")
}

pub fn track(namespace: &str, name: &'static str) -> FullTrackName {
    FullTrackName::new(ns(namespace), Bytes::from_static(name.as_bytes())).expect("a name")
}

pub fn largest() -> Parameters {
    Parameters {
        filter: Some(SubscriptionFilter::LargestObject),
        ..Parameters::default()
    }
}
