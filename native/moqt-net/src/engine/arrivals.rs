//! First packets of new connections, from when they are admitted to when they are answered.
//!
//! An answer takes TLS's key exchange and signature, as much time as a hundred deliveries, and a
//! flood brings many first packets at once. So they are admitted or refused as they come, which is
//! cheap, and answered a few in each turn of the thread, after what live sessions need. Oldest
//! first: a client waits seconds for an answer, and one that was overtaken would come again.
//!
//! They count as handshakes from their arrival, so [`ListenConfig::max_handshakes`] bounds them
//! too; beyond it the newest is refused, which a client is told at once, while those that were
//! admitted keep their place. One that has waited for [`ListenConfig::handshake_timeout`] is
//! forgotten: nobody waits for that answer any more.
//!
//! [`ListenConfig::max_handshakes`]: crate::ListenConfig::max_handshakes
//! [`ListenConfig::handshake_timeout`]: crate::ListenConfig::handshake_timeout

use super::{Accepted, Core, Link};
use crate::link::quic::{Origin, QuicLink};
use crate::link::Mapping;
use crate::sources::Source;
use quinn_proto::Incoming;
use std::time::{Duration, Instant};

/// Time for answers in one turn; one is begun even so.
const TIME_PER_TURN: Duration = Duration::from_micros(200);

/// An admitted first packet.
pub(super) struct Arrival {
    endpoint: usize,
    incoming: Incoming,
    source: Option<Source>,
    at: Instant,
}

impl Core {
    /// Takes an admitted first packet; it is counted by its listener.
    pub(super) fn arrived(&mut self, endpoint: usize, incoming: Incoming, source: Option<Source>) {
        let at = self.now;
        self.arrivals.push_back(Arrival {
            endpoint,
            incoming,
            source,
            at,
        });
    }

    /// Begins handshakes with those that wait, for as long as a turn allows.
    pub fn answer_arrivals(&mut self) {
        self.answer_for(TIME_PER_TURN);
    }

    fn answer_for(&mut self, time: Duration) {
        if self.arrivals.is_empty() {
            return;
        }
        let begun = Instant::now();
        while let Some(arrival) = self.arrivals.pop_front() {
            self.answer(arrival);
            if begun.elapsed() >= time {
                return;
            }
        }
    }

    fn answer(&mut self, arrival: Arrival) {
        let Arrival {
            endpoint: index,
            incoming,
            source,
            at,
        } = arrival;
        let accepted = Accepted {
            endpoint: index,
            source,
        };
        let Some(Some(endpoint)) = self.endpoints.get_mut(index) else {
            return;
        };
        let listener = endpoint.listener.as_ref();
        let Some((config, handler)) = listener.map(|l| (l.config.clone(), l.handler)) else {
            return endpoint.quic.ignore(incoming);
        };
        let deadline = at + config.handshake_timeout;
        if deadline <= self.now {
            endpoint.quic.ignore(incoming);
            self.stats.expired += 1;
            return self.count_gone(Some(accepted), false);
        }
        self.packet.clear();
        match endpoint
            .quic
            .accept(incoming, self.now, &mut self.packet, None)
        {
            Ok((handle, connection)) => {
                let link = QuicLink::new(
                    connection,
                    index,
                    handle,
                    self.now,
                    Mapping::Raw,
                    &config.link,
                    Origin::Incoming(config.clone()),
                );
                let id = self.new_conn(handler, Link::Quic(Box::new(link)));
                if let Some(conn) = self.conns.get_mut(id) {
                    conn.deadline = Some(deadline);
                    conn.accepted = Some(accepted);
                }
                if let Some(Some(endpoint)) = self.endpoints.get_mut(index) {
                    endpoint.set_conn(handle, Some(id));
                }
            }
            Err(e) => {
                if let Some(transmit) = e.response {
                    endpoint.socket.send(transmit, &self.packet);
                }
                self.count_gone(Some(accepted), false);
            }
        }
    }

    /// Refuses all that wait at an endpoint: it accepts no more.
    pub(super) fn refuse_arrivals(&mut self, index: usize) {
        for _ in 0..self.arrivals.len() {
            match self.arrivals.pop_front() {
                Some(one) if one.endpoint == index => self.refuse_arrival(one),
                Some(other) => self.arrivals.push_back(other),
                None => {}
            }
        }
        if let Some(Some(endpoint)) = self.endpoints.get_mut(index) {
            // The socket may be dropped next.
            endpoint.socket.send_batch();
        }
    }

    fn refuse_arrival(&mut self, arrival: Arrival) {
        let Some(Some(endpoint)) = self.endpoints.get_mut(arrival.endpoint) else {
            return;
        };
        self.packet.clear();
        let transmit = endpoint.quic.refuse(arrival.incoming, &mut self.packet);
        endpoint.socket.send(transmit, &self.packet);
        self.stats.refused += 1;
        if let Some(listener) = &mut endpoint.listener {
            listener.end(arrival.source, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::{ConnId, ConnInfo, Handler, HandlerId};
    use crate::inbox::{Bell, Inbox};
    use crate::{Context, ListenConfig, ServerCertificate, Trust};
    use moqt::transport::TransportEvent;
    use quinn_proto::EndpointConfig;
    use std::net::{SocketAddr, UdpSocket};
    use std::sync::Arc;

    const HANDLER: u64 = 7;

    struct Nobody;

    impl Handler for Nobody {
        fn on_event(&mut self, _: &mut Context<'_>, _: ConnId, _: TransportEvent) {}
        fn on_connected(&mut self, _: &mut Context<'_>, _: ConnId, _: ConnInfo) {}
        fn on_wake(&mut self, _: &mut Context<'_>) {}
        fn next_timeout(&self) -> Option<Instant> {
            None
        }
        fn on_timeout(&mut self, _: &mut Context<'_>) {}
    }

    /// A thread's state without its thread, and one listener in it.
    struct Bench {
        core: Core,
        address: SocketAddr,
        clients: quinn_proto::Endpoint,
        _poll: mio::Poll,
    }

    fn bench(change: impl FnOnce(&mut ListenConfig)) -> Bench {
        let poll = mio::Poll::new().unwrap();
        let registry = poll.registry().try_clone().unwrap();
        let waker = mio::Waker::new(&registry, crate::driver::WAKER).unwrap();
        let mut core = Core::new(registry, Arc::new(Inbox::new(waker)));
        core.spawn(Arc::new(Bell::new(HandlerId(HANDLER))), Box::new(Nobody));
        let certificate = ServerCertificate::development(&[]).unwrap();
        let mut config = ListenConfig::new(([127, 0, 0, 1], 0).into(), certificate);
        change(&mut config);
        let address = core.listen(config, HANDLER).unwrap();
        let clients =
            quinn_proto::Endpoint::new(Arc::new(EndpointConfig::default()), None, true, None);
        Bench {
            core,
            address,
            clients,
            _poll: poll,
        }
    }

    impl Bench {
        /// A first packet comes from a socket that hears what is answered.
        fn arrive(&mut self) -> UdpSocket {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let wait = Some(Duration::from_secs(10));
            socket.set_read_timeout(wait).unwrap();
            let trust = Trust {
                insecure: true,
                ..Trust::default()
            };
            let alpn = vec![crate::MOQT_18.as_bytes().to_vec()];
            let (crypto, _) = crate::verify::client_config(&trust, None, alpn).unwrap();
            let config = quinn_proto::ClientConfig::new(Arc::new(crypto));
            let connected = self
                .clients
                .connect(self.core.now, config, self.address, "localhost");
            let (_, mut connection) = connected.unwrap();
            let mut packet = Vec::new();
            let transmit = connection.poll_transmit(self.core.now, 1, &mut packet);
            let meta = quinn_udp::RecvMeta {
                addr: socket.local_addr().unwrap(),
                len: transmit.unwrap().size,
                stride: packet.len(),
                ..quinn_udp::RecvMeta::default()
            };
            self.core.on_packets(0, &meta, &packet[..meta.len]);
            socket
        }

        /// Connections begun and handshakes counted.
        fn counts(&self) -> (u64, usize) {
            let endpoint = self.core.endpoints.first().and_then(Option::as_ref);
            let listener = endpoint.and_then(|e| e.listener.as_ref()).unwrap();
            assert_eq!(listener.connections, listener.handshakes);
            (self.core.stats().connections, listener.handshakes)
        }

        /// What has been answered since is sent.
        fn send(&mut self) {
            self.core.work(4);
        }
    }

    /// Whether a close came, without any handshake.
    fn is_refused(socket: &UdpSocket) -> bool {
        let mut answer = [0; 2_048];
        let length = socket.recv(&mut answer).expect("an answer comes");
        // A connection that is begun is answered with 1,200 bytes and more.
        length < 200
    }

    #[test]
    fn they_are_answered_one_after_the_other_oldest_first() {
        let mut bench = bench(|_| {});
        let sockets: Vec<_> = (0..3).map(|_| bench.arrive()).collect();
        // Counted from their arrival, and nothing is done for them yet.
        assert_eq!(bench.counts(), (0, 3));
        assert_eq!(bench.core.stats().waiting, 3);
        for (answered, socket) in (1..).zip(&sockets) {
            assert!(bench.core.has_work(), "the thread must not sleep now");
            bench.core.answer_for(Duration::ZERO);
            bench.send();
            assert_eq!(bench.counts(), (answered, 3));
            assert!(!is_refused(socket));
        }
        assert_eq!(bench.core.stats().waiting, 0);
        assert!(!bench.core.has_work());
        bench.core.answer_for(Duration::ZERO);
        assert_eq!(bench.counts(), (3, 3));
    }

    #[test]
    fn beyond_the_bound_the_newest_is_refused_and_counted() {
        let mut bench = bench(|config| config.max_handshakes = 1);
        let first = bench.arrive();
        let second = bench.arrive();
        bench.send();
        assert!(is_refused(&second));
        let stats = bench.core.stats();
        assert_eq!((stats.waiting, stats.refused_handshakes), (1, 1));
        bench.core.answer_arrivals();
        bench.send();
        assert!(!is_refused(&first));
        assert_eq!(bench.counts(), (1, 1));
    }

    #[test]
    fn who_has_waited_too_long_is_forgotten_and_counted() {
        let mut bench = bench(|config| config.handshake_timeout = Duration::from_millis(100));
        let _late = bench.arrive();
        bench.core.now += Duration::from_millis(60);
        let in_time = bench.arrive();
        bench.core.now += Duration::from_millis(60);
        bench.core.answer_for(Duration::ZERO);
        let stats = bench.core.stats();
        assert_eq!((stats.expired, stats.handshake_failures), (1, 1));
        assert_eq!((bench.counts(), stats.waiting), ((0, 1), 1));
        bench.core.answer_for(Duration::ZERO);
        bench.send();
        assert!(!is_refused(&in_time));
        assert_eq!(bench.counts(), (1, 1));
    }

    #[test]
    fn who_waits_when_the_listener_stops_or_goes_is_refused() {
        let mut stopped = bench(|_| {});
        let waits = stopped.arrive();
        let address = stopped.address;
        stopped.core.stop_accepting(address, HANDLER);
        assert_eq!((stopped.counts(), stopped.core.has_work()), ((0, 0), false));
        assert!(is_refused(&waits));

        for leave in [
            (|core: &mut Core| core.remove_handler(HANDLER)) as fn(&mut Core),
            Core::begin_shutdown,
        ] {
            let mut gone = bench(|_| {});
            let waits = [gone.arrive(), gone.arrive()];
            leave(&mut gone.core);
            assert!(waits.iter().all(is_refused));
            let stats = gone.core.stats();
            assert_eq!((stats.waiting, stats.refused, stats.connections), (0, 2, 0));
            // Nothing holds the port.
            assert!(gone.core.endpoints.iter().all(Option::is_none));
        }
    }
}
