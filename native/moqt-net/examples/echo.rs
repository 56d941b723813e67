//! A server that sends back what it gets: streams (unidirectional ones on a new stream) and
//! datagrams, over raw QUIC and WebTransport. A datagram `close` ends the connection with code 9. Prints its port and certificate hash, and runs
//! until it is killed or the given number of seconds is over.
//!
//! `cargo run -p moqt-net --example echo -- 0 30`

use bytes::Bytes;
use moqt::transport::{Dir, StreamId, Transport, TransportEvent};
use moqt_net::{ConnId, ConnInfo, Context, Handler, ListenConfig, Runtime, ServerCertificate};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::mpsc::Sender;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().unwrap_or_default().parse().unwrap_or(0);
    let seconds: u64 = arguments
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or(3_600);
    let certificate = ServerCertificate::development(&[])?;
    let hash = certificate.sha256_hex();
    let runtime = Runtime::start("echo")?;
    let (sender, address) = std::sync::mpsc::channel();
    runtime.spawn(Box::new(Echo {
        address: Some(sender),
        config: Some(ListenConfig::new(
            ([127, 0, 0, 1], port).into(),
            certificate,
        )),
        back: HashMap::new(),
    }));
    let address = address.recv()?;
    println!("{{\"port\":{},\"hash\":\"{hash}\"}}", address.port());
    std::thread::sleep(Duration::from_secs(seconds));
    runtime.shutdown()?;
    Ok(())
}

/// What goes back for one stream. `out` is missing until the peer grants a stream.
struct Back {
    out: Option<StreamId>,
    queue: VecDeque<Bytes>,
    fin: bool,
}

struct Echo {
    address: Option<Sender<SocketAddr>>,
    config: Option<ListenConfig>,
    back: HashMap<(ConnId, StreamId), Back>,
}

impl Handler for Echo {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        let (Some(config), Some(told)) = (self.config.take(), self.address.take()) else {
            return;
        };
        match cx.listen(config) {
            Ok(address) => drop(told.send(address)),
            Err(e) => eprintln!("{e}"),
        }
    }

    fn on_connected(&mut self, _: &mut Context<'_>, conn: ConnId, info: ConnInfo) {
        eprintln!("{:x}: {info:?}", conn.0);
    }

    fn on_wake(&mut self, _: &mut Context<'_>) {}

    fn on_event(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        let Some(t) = cx.transport(conn) else {
            eprintln!("{:x}: {event:?}", conn.0);
            self.back.retain(|(c, _), _| *c != conn);
            return;
        };
        match event {
            TransportEvent::Data { id, dir, data, fin } => {
                let out = (dir == Dir::Bi).then_some(id);
                let back = self.back.entry((conn, id)).or_insert_with(|| Back {
                    out,
                    queue: VecDeque::new(),
                    fin: false,
                });
                back.queue.push_back(data);
                back.fin |= fin;
                back.send(t);
            }
            TransportEvent::Datagram(data) if &data[..] == b"close" => t.close(9, "as asked"),
            TransportEvent::Datagram(data) => drop(t.send_datagram(data)),
            TransportEvent::Reset { id, code } | TransportEvent::Stopped { id, code } => {
                eprintln!("{:x}: stream {id:?} given up with code {code}", conn.0);
                self.back.remove(&(conn, id));
                t.reset(id, code);
            }
            _ => {
                let ours = self.back.iter_mut().filter(|((c, _), _)| *c == conn);
                ours.for_each(|(_, back)| back.send(t));
            }
        }
        self.back
            .retain(|_, back| !(back.fin && back.queue.is_empty()));
    }
}

impl Back {
    fn send(&mut self, t: &mut dyn Transport) {
        if self.out.is_none() {
            self.out = t.open(Dir::Uni);
        }
        let Some(out) = self.out else {
            return;
        };
        while let Some(data) = self.queue.front_mut() {
            if t.write(out, data).is_err() {
                self.queue.clear();
            } else if !data.is_empty() {
                return;
            } else {
                self.queue.pop_front();
            }
        }
        if self.fin {
            t.finish(out);
        }
    }
}
