//! Handlers: wakes, timers, removal, panics, and several handlers on one thread.

mod common;

use bytes::Bytes;
use common::{certificate, loopback, Node};
use moqt::transport::{CloseReason, Dir, StreamId, TransportEvent};
use moqt_net::{ConnId, ConnInfo, ConnectConfig, Context, Handler, ListenConfig, Runtime};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Counts {
    wakes: AtomicUsize,
    settled: AtomicUsize,
    timeouts: AtomicUsize,
    stops: AtomicUsize,
    drops: AtomicUsize,
}

struct Counter {
    counts: Arc<Counts>,
    next: Option<Instant>,
    hold: Duration,
    woken: bool,
    panic_on_wake: bool,
    leave_on_wake: bool,
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.counts.drops.fetch_add(1, Ordering::SeqCst);
    }
}

fn counter(counts: &Arc<Counts>) -> Box<Counter> {
    Box::new(Counter {
        counts: counts.clone(),
        next: None,
        hold: Duration::ZERO,
        woken: false,
        panic_on_wake: false,
        leave_on_wake: false,
    })
}

impl Handler for Counter {
    fn on_connected(&mut self, _: &mut Context<'_>, _: ConnId, _: ConnInfo) {}
    fn on_event(&mut self, _: &mut Context<'_>, _: ConnId, _: TransportEvent) {}
    fn on_wake(&mut self, cx: &mut Context<'_>) {
        std::thread::sleep(self.hold);
        self.counts.wakes.fetch_add(1, Ordering::SeqCst);
        self.woken = true;
        if self.panic_on_wake {
            panic!("on purpose");
        }
        if self.leave_on_wake {
            cx.remove_self();
            cx.remove_self();
        }
    }
    fn on_settled(&mut self, _: &mut Context<'_>) {
        if std::mem::take(&mut self.woken) {
            self.counts.settled.fetch_add(1, Ordering::SeqCst);
        }
    }
    fn next_timeout(&self) -> Option<Instant> {
        self.next
    }
    fn on_timeout(&mut self, cx: &mut Context<'_>) {
        assert!(self.next.is_some_and(|at| at <= cx.now()), "too early");
        let before = self.counts.timeouts.fetch_add(1, Ordering::SeqCst);
        self.next = (before < 4).then_some(cx.now() + Duration::from_millis(20));
    }
    fn on_stop(&mut self, _: &mut Context<'_>) {
        self.counts.stops.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_handler_that_was_called_settles_in_the_same_round() {
    let runtime = Runtime::start("test").unwrap();
    let counts = Arc::<Counts>::default();
    let remote = runtime.spawn(counter(&counts));
    for round in 1..=20 {
        remote.wake();
        until("settling", || {
            counts.settled.load(Ordering::SeqCst) == round
        });
        assert_eq!(counts.wakes.load(Ordering::SeqCst), round);
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !done() {
        assert!(Instant::now() < end, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn wakes_are_merged_and_none_is_lost() {
    let runtime = Runtime::start("test").unwrap();
    let counts = Arc::new(Counts::default());
    let mut handler = counter(&counts);
    handler.hold = Duration::from_millis(30);
    let remote = runtime.spawn(handler);
    let start = Instant::now();
    for _ in 0..1_000 {
        remote.wake();
    }
    // One while it is idle, and one for what came during each call.
    let most = 3 + start.elapsed().as_millis() as usize / 30;
    until("a wake", || counts.wakes.load(Ordering::SeqCst) > 0);
    std::thread::sleep(Duration::from_millis(150));
    let wakes = counts.wakes.load(Ordering::SeqCst);
    assert!(
        (1..=most).contains(&wakes),
        "{wakes} callbacks for 1,000 wakes, at most {most} expected"
    );
    for i in 0..20 {
        let before = counts.wakes.load(Ordering::SeqCst);
        remote.wake();
        until(&format!("wake {i}"), || {
            counts.wakes.load(Ordering::SeqCst) > before
        });
    }
    runtime.shutdown().unwrap();
}

#[test]
fn timers_come_in_time_and_again() {
    let runtime = Runtime::start("test").unwrap();
    let counts = Arc::new(Counts::default());
    let mut handler = counter(&counts);
    let start = Instant::now();
    handler.next = Some(start + Duration::from_millis(50));
    runtime.spawn(handler);
    until("five timeouts", || {
        counts.timeouts.load(Ordering::SeqCst) == 5
    });
    assert!(start.elapsed() >= Duration::from_millis(130));
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(counts.timeouts.load(Ordering::SeqCst), 5);
    runtime.shutdown().unwrap();
    assert_eq!(counts.drops.load(Ordering::SeqCst), 1);
    assert_eq!(counts.stops.load(Ordering::SeqCst), 1);
}

#[test]
fn a_handler_can_remove_itself() {
    let runtime = Runtime::start("test").unwrap();
    let counts = Arc::new(Counts::default());
    let mut handler = counter(&counts);
    handler.leave_on_wake = true;
    let remote = runtime.spawn(handler);
    remote.wake();
    until("the removal", || counts.drops.load(Ordering::SeqCst) == 1);
    assert_eq!(counts.stops.load(Ordering::SeqCst), 1);
    until("the end", || !remote.is_alive());
    runtime.shutdown().unwrap();
}

#[test]
fn a_panic_removes_only_the_handler() {
    let runtime = Runtime::start("test").unwrap();
    let counts = Arc::new(Counts::default());
    let mut handler = counter(&counts);
    handler.panic_on_wake = true;
    let remote = runtime.spawn(handler);
    let mut other = Node::new(&runtime);
    let peer = remote.id();
    let conn = other.run(move |cx| cx.connect_memory(peer, "/")).unwrap();
    other.connected();
    remote.wake();
    match other.closed(conn) {
        CloseReason::Peer { code, .. } => assert_eq!(code, 1, "INTERNAL_ERROR"),
        reason => panic!("{reason:?}"),
    }
    assert!(!remote.is_alive());
    assert_eq!(counts.drops.load(Ordering::SeqCst), 1);
    assert_eq!(other.run(|_| 5), 5);
    runtime.shutdown().unwrap();
}

/// Sends what it gets on one connection to all others: the shape of a relay.
struct FanOut {
    told: Option<Sender<SocketAddr>>,
    conns: Vec<ConnId>,
}

impl Handler for FanOut {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        let address = cx
            .listen(ListenConfig::new(loopback(), certificate()))
            .unwrap();
        let _ = self.told.take().unwrap().send(address);
    }
    fn on_connected(&mut self, _: &mut Context<'_>, conn: ConnId, _: ConnInfo) {
        self.conns.push(conn);
    }
    fn on_event(&mut self, cx: &mut Context<'_>, from: ConnId, event: TransportEvent) {
        let TransportEvent::Datagram(data) = event else {
            return;
        };
        for conn in &self.conns {
            if *conn == from {
                continue;
            }
            if let Some(t) = cx.transport(*conn) {
                t.send_datagram(data.clone()).unwrap();
            }
        }
    }
    fn on_wake(&mut self, _: &mut Context<'_>) {}
    fn on_stop(&mut self, cx: &mut Context<'_>) {
        for conn in &self.conns {
            if let Some(t) = cx.transport(*conn) {
                // What is written before the end arrives.
                if let Some(id) = t.open(Dir::Uni) {
                    let _ = t.write(id, &mut Bytes::from_static(b"last words"));
                    t.finish(id);
                }
                t.close(4, "going away");
            }
        }
    }
}

#[test]
fn one_callback_writes_to_many_connections() {
    let runtime = Runtime::start("server").unwrap();
    let (told, address) = channel();
    let relay = runtime.spawn(Box::new(FanOut {
        told: Some(told),
        conns: Vec::new(),
    }));
    let address = address.recv_timeout(LONG).unwrap();
    let clients = Runtime::start("clients").unwrap();
    let mut node = Node::new(&clients);
    let mut conns = Vec::new();
    for i in 0..30 {
        let scheme = ["moqt", "https"][i % 2];
        let mut config = ConnectConfig::new(format!("{scheme}://{address}/"));
        config.trust.insecure = true;
        conns.push(node.connect(config));
    }
    for _ in &conns {
        node.connected();
    }
    // In-process connections are reached the same way.
    let mut local = Node::new(&runtime);
    let id = relay.id();
    let memory = local.run(move |cx| cx.connect_memory(id, "/")).unwrap();
    local.connected();
    node.on(conns[0], |t| {
        t.send_datagram(Bytes::from_static(b"tick")).unwrap()
    });
    let tick = |e: &TransportEvent| (*e == TransportEvent::Datagram("tick".into())).then_some(());
    for conn in &conns[1..] {
        node.wait_event("the tick", *conn, tick);
    }
    local.wait_event("the tick", memory, tick);
    runtime.shutdown().unwrap();
    let expected = CloseReason::Peer {
        code: 4,
        reason: "going away".into(),
    };
    for conn in conns {
        assert_eq!(&node.accept(conn, Dir::Uni).1[..], b"last words");
        assert_eq!(node.closed(conn), expected);
    }
    clients.shutdown().unwrap();
}

#[test]
fn ipv6_and_the_second_address_of_a_name() {
    let runtime = Runtime::start("test").unwrap();
    let (server, mut client) = (Node::new(&runtime), Node::new(&runtime));
    let six: SocketAddr = "[::1]:0".parse().unwrap();
    if std::net::UdpSocket::bind(six).is_err() {
        eprintln!("no IPv6 on this machine");
        return;
    }
    let address = server.listen(ListenConfig::new(six, certificate()));
    // "localhost" means 127.0.0.1 first, where nobody listens.
    let mut hosts = vec![format!("[::1]:{}", address.port())];
    let both = std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 1)).unwrap();
    if both.into_iter().any(|a| a.is_ipv6()) {
        hosts.push(format!("localhost:{}", address.port()));
    }
    for host in hosts {
        let mut config = ConnectConfig::new(format!("moqt://{host}/"));
        config.trust.insecure = true;
        let conn = client.connect(config);
        let (id, info) = client.connected();
        assert_eq!(id, conn);
        assert_eq!(info.remote, Some(address));
    }
    runtime.shutdown().unwrap();
}

#[test]
fn a_wildcard_listener_takes_both_families() {
    let runtime = Runtime::start("test").unwrap();
    let (mut server, mut client) = (Node::new(&runtime), Node::new(&runtime));
    let any: SocketAddr = "[::]:0".parse().unwrap();
    if std::net::UdpSocket::bind(any).is_err() {
        eprintln!("no IPv6 on this machine");
        return;
    }
    let port = server.listen(ListenConfig::new(any, certificate())).port();
    for host in ["127.0.0.1", "[::1]"] {
        let mut config = ConnectConfig::new(format!("https://{host}:{port}/"));
        config.trust.insecure = true;
        let conn = client.connect(config);
        assert_eq!(client.connected().0, conn, "{host}");
        let remote = server.connected().1.remote.unwrap();
        assert_eq!(remote.is_ipv4(), host == "127.0.0.1", "{remote}");
    }
    runtime.shutdown().unwrap();
}

#[test]
fn priorities_decide_who_goes_first_when_the_path_is_full() {
    let mut l = common::link(common::Over::Quic);
    let (conn, peer) = (l.client_conn, l.server_conn);
    // Much more than the first congestion window, written in one batch, least important first.
    let order: Vec<(StreamId, i32)> = l.client.on(conn, |t| {
        [0, 5, 10]
            .map(|priority| {
                let id = t.open(Dir::Uni).unwrap();
                t.set_priority(id, priority);
                t.write(id, &mut Bytes::from(vec![priority as u8; 20_000]))
                    .unwrap();
                t.finish(id);
                (id, priority)
            })
            .to_vec()
    });
    let mut ended = Vec::new();
    while ended.len() < order.len() {
        let id = l.server.wait_event("an end", peer, |e| match e {
            TransportEvent::Data { id, fin: true, .. } => Some(*id),
            _ => None,
        });
        ended.push(id);
    }
    let expected: Vec<StreamId> = order.iter().rev().map(|(id, _)| *id).collect();
    assert_eq!(ended, expected);
}

#[test]
fn nothing_is_left_of_ended_connections_and_runtimes() {
    let files = || std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count());
    let before = files();
    for _ in 0..20 {
        let runtime = Runtime::start("short-lived").unwrap();
        let (server, mut client) = (Node::new(&runtime), Node::new(&runtime));
        let address = server.listen(ListenConfig::new(loopback(), certificate()));
        let peer = server.remote.id();
        let memory = client.run(move |cx| cx.connect_memory(peer, "/")).unwrap();
        let mut conns = vec![memory];
        for scheme in ["moqt", "https"] {
            let mut config = ConnectConfig::new(format!("{scheme}://{address}/"));
            config.trust.insecure = true;
            conns.push(client.connect(config));
        }
        for conn in conns {
            client.ready(conn);
            client.on(conn, |t| t.close(0, ""));
            client.closed(conn);
        }
        until("the end of all connections", || {
            client.run(|cx| cx.endpoint_stats().connections) == 0
        });
        runtime.shutdown().unwrap();
    }
    // Other tests run at the same time and hold a few.
    assert!(files() < before + 40, "{} files, {before} before", files());
}
