//! A handler that tests drive from outside: jobs run on the I/O thread, events come back.
#![allow(dead_code)]

pub mod pair;

use bytes::Bytes;
use moqt::transport::{Dir, StreamId, Transport, TransportEvent};
use moqt_net::{
    ConnId, ConnInfo, ConnectConfig, Context, Handler, ListenConfig, Remote, Runtime,
    ServerCertificate, Trust,
};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// No test waits longer for one thing.
pub const LIMIT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub enum Seen {
    Connected(ConnId, ConnInfo),
    Event(ConnId, TransportEvent),
}

type Job = Box<dyn FnOnce(&mut Context<'_>) + Send>;

struct Probe {
    jobs: Arc<Mutex<VecDeque<Job>>>,
    seen: Sender<Seen>,
}

impl Handler for Probe {
    fn on_connected(&mut self, _: &mut Context<'_>, conn: ConnId, info: ConnInfo) {
        let _ = self.seen.send(Seen::Connected(conn, info));
    }
    fn on_event(&mut self, _: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        let _ = self.seen.send(Seen::Event(conn, event));
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) {
        loop {
            let Some(job) = self.jobs.lock().unwrap().pop_front() else {
                return;
            };
            job(cx);
        }
    }
}

pub struct Node {
    pub remote: Remote,
    jobs: Arc<Mutex<VecDeque<Job>>>,
    seen: Receiver<Seen>,
    kept: VecDeque<Seen>,
}

impl Node {
    pub fn new(runtime: &Runtime) -> Node {
        let (sender, seen) = channel();
        let jobs = Arc::new(Mutex::new(VecDeque::new()));
        let remote = runtime.spawn(Box::new(Probe {
            jobs: jobs.clone(),
            seen: sender,
        }));
        Node {
            remote,
            jobs,
            seen,
            kept: VecDeque::new(),
        }
    }

    /// Runs a job on the I/O thread and gives its result.
    pub fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Context<'_>) -> R + Send + 'static,
    ) -> R {
        let (sender, result) = channel();
        self.jobs.lock().unwrap().push_back(Box::new(move |cx| {
            let _ = sender.send(job(cx));
        }));
        self.remote.wake();
        result.recv_timeout(LIMIT).expect("the I/O thread answers")
    }

    /// Runs a job with the transport of a connection.
    pub fn on<R: Send + 'static>(
        &self,
        conn: ConnId,
        job: impl FnOnce(&mut dyn Transport) -> R + Send + 'static,
    ) -> R {
        self.run(move |cx| job(cx.transport(conn).expect("the connection is ready")))
    }

    pub fn listen(&self, config: ListenConfig) -> SocketAddr {
        self.run(move |cx| cx.listen(config)).expect("a free port")
    }

    pub fn connect(&self, config: ConnectConfig) -> ConnId {
        self.run(move |cx| cx.connect(config))
            .expect("usable options")
    }

    fn next(&mut self, until: Instant) -> Option<Seen> {
        let left = until.saturating_duration_since(Instant::now());
        match self.seen.recv_timeout(left) {
            Ok(seen) => Some(seen),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the handler is gone"),
        }
    }

    /// Waits for the first thing that `pick` takes; others are kept for later calls, in order.
    pub fn wait<R>(&mut self, what: &str, mut pick: impl FnMut(&Seen) -> Option<R>) -> R {
        for i in 0..self.kept.len() {
            if let Some(result) = pick(&self.kept[i]) {
                self.kept.remove(i);
                return result;
            }
        }
        let until = Instant::now() + LIMIT;
        while let Some(seen) = self.next(until) {
            if let Some(result) = pick(&seen) {
                return result;
            }
            self.kept.push_back(seen);
        }
        panic!("no {what} within {LIMIT:?}; seen: {:.2000?}", self.kept);
    }

    pub fn wait_event<R>(
        &mut self,
        what: &str,
        conn: ConnId,
        mut pick: impl FnMut(&TransportEvent) -> Option<R>,
    ) -> R {
        self.wait(what, |seen| match seen {
            Seen::Event(id, event) if *id == conn => pick(event),
            _ => None,
        })
    }

    pub fn connected(&mut self) -> (ConnId, ConnInfo) {
        self.wait("connection", |seen| match seen {
            Seen::Connected(id, info) => Some((*id, info.clone())),
            Seen::Event(id, TransportEvent::Closed(why)) => panic!("{id:?} closed: {why:?}"),
            _ => None,
        })
    }

    /// This connection is ready, whatever happens to others.
    pub fn ready(&mut self, conn: ConnId) -> ConnInfo {
        self.wait("connection", |seen| match seen {
            Seen::Connected(id, info) if *id == conn => Some(info.clone()),
            Seen::Event(id, TransportEvent::Closed(why)) if *id == conn => {
                panic!("{id:?} closed: {why:?}")
            }
            _ => None,
        })
    }

    pub fn closed(&mut self, conn: ConnId) -> moqt::transport::CloseReason {
        self.wait_event("Closed", conn, |event| match event {
            TransportEvent::Closed(reason) => Some(reason.clone()),
            _ => None,
        })
    }

    /// All data of one stream until its end; also how many bytes each event carried.
    pub fn read_all(&mut self, conn: ConnId, stream: StreamId) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let fin = self.wait_event("data", conn, |event| match event {
                TransportEvent::Data { id, data, fin, .. } if *id == stream => {
                    all.extend_from_slice(data);
                    Some(*fin)
                }
                TransportEvent::Reset { id, code } if *id == stream => {
                    panic!("stream reset with {code} after {} bytes", all.len())
                }
                _ => None,
            });
            if fin {
                return all;
            }
        }
    }

    /// The next stream that the peer opens, with the bytes of its first event.
    pub fn accept(&mut self, conn: ConnId, want: Dir) -> (StreamId, Bytes, bool) {
        self.wait_event("a new stream", conn, |event| match event {
            TransportEvent::Data { id, dir, data, fin } if *dir == want => {
                Some((*id, data.clone(), *fin))
            }
            _ => None,
        })
    }

    /// Drops what was kept; gives how many events that were.
    pub fn forget(&mut self) -> usize {
        while let Ok(seen) = self.seen.try_recv() {
            self.kept.push_back(seen);
        }
        std::mem::take(&mut self.kept).len()
    }

    /// Whether nothing that `pick` takes arrives for a while.
    pub fn quiet(&mut self, time: Duration, mut pick: impl FnMut(&Seen) -> bool) -> bool {
        let until = Instant::now() + time;
        while let Some(seen) = self.next(until) {
            if pick(&seen) {
                return false;
            }
            self.kept.push_back(seen);
        }
        true
    }
}

/// Writes all of `data`, waiting for `Writable` where the transport is full.
pub fn write_all(node: &mut Node, conn: ConnId, stream: StreamId, data: Bytes, fin: bool) {
    let mut data = data;
    loop {
        let rest = node.on(conn, move |t| {
            t.write(stream, &mut data).expect("open");
            data
        });
        data = rest;
        if data.is_empty() {
            break;
        }
        node.wait_event("Writable", conn, |event| match event {
            TransportEvent::Writable { id } if *id == stream => Some(()),
            _ => None,
        });
    }
    if fin {
        node.on(conn, move |t| t.finish(stream));
    }
}

pub fn certificate() -> ServerCertificate {
    ServerCertificate::development(&[]).expect("a development certificate")
}

pub fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// How the tests of behaviour connect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    Quic,
    WebTransport,
    Memory,
}

pub struct Linked {
    pub runtimes: Vec<Runtime>,
    pub client: Node,
    pub server: Node,
    pub client_conn: ConnId,
    pub server_conn: ConnId,
    pub client_info: ConnInfo,
    pub server_info: ConnInfo,
}

impl Drop for Linked {
    fn drop(&mut self) {
        for runtime in &self.runtimes {
            let _ = runtime.shutdown();
        }
    }
}

/// A client and a server, connected, each with default options unless changed.
pub fn link(over: Over) -> Linked {
    link_with(over, |_| {}, |_| {})
}

pub fn link_with(
    over: Over,
    listen: impl FnOnce(&mut ListenConfig),
    connect: impl FnOnce(&mut ConnectConfig),
) -> Linked {
    let first = Runtime::start("test-server").unwrap();
    if over == Over::Memory {
        let (mut server, mut client) = (Node::new(&first), Node::new(&first));
        let peer = server.remote.id();
        let client_conn = client
            .run(move |cx| cx.connect_memory(peer, "/game"))
            .unwrap();
        let (id, client_info) = client.connected();
        assert_eq!(id, client_conn);
        let (server_conn, server_info) = server.connected();
        return Linked {
            runtimes: vec![first],
            client,
            server,
            client_conn,
            server_conn,
            client_info,
            server_info,
        };
    }
    let second = Runtime::start("test-client").unwrap();
    let (mut server, mut client) = (Node::new(&first), Node::new(&second));
    let certificate = certificate();
    let pin = certificate.sha256();
    let mut config = ListenConfig::new(loopback(), certificate);
    listen(&mut config);
    let address = server.listen(config);
    let scheme = if over == Over::Quic { "moqt" } else { "https" };
    let mut config = ConnectConfig::new(format!("{scheme}://{address}/game?x=1"));
    config.trust = Trust {
        pins: vec![pin],
        ..Trust::default()
    };
    connect(&mut config);
    let client_conn = client.connect(config);
    let (id, client_info) = client.connected();
    assert_eq!(id, client_conn);
    let (server_conn, server_info) = server.connected();
    Linked {
        runtimes: vec![first, second],
        client,
        server,
        client_conn,
        server_conn,
        client_info,
        server_info,
    }
}
