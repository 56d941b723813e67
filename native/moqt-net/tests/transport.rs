//! The transport contract over every kind of connection.

mod common;

use bytes::Bytes;
use common::{link, link_with, write_all, Over, Seen};
use moqt::transport::{CloseReason, DatagramError, Dir, TransportEvent};
use moqt::wire::session_codes;
use moqt_net::TransportKind;
use std::time::{Duration, Instant};

const MEGABYTE: usize = 1 << 20;

fn pattern(length: usize) -> Bytes {
    (0..length)
        .map(|i| (i % 251) as u8)
        .collect::<Vec<_>>()
        .into()
}

/// Makes one test per kind of connection.
macro_rules! over_all {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            use super::Over;
            #[test]
            fn quic() { super::checks::$name(Over::Quic) }
            #[test]
            fn webtransport() { super::checks::$name(Over::WebTransport) }
            #[test]
            fn memory() { super::checks::$name(Over::Memory) }
        }
    )*};
}

over_all!(
    info_of_both_sides,
    ten_megabytes_each_way,
    small_streams_end_in_one_event,
    an_empty_stream_shows,
    reset_and_stop_carry_codes,
    paused_stream_holds_the_writer_back,
    datagrams_both_ways,
    close_carries_code_and_reason,
    acked_after_everything_arrived,
    stream_credit_returns,
);

mod checks {
    use super::*;

    pub fn info_of_both_sides(over: Over) {
        let l = link(over);
        let kind = match over {
            Over::Quic => TransportKind::Quic,
            Over::WebTransport => TransportKind::WebTransport,
            Over::Memory => TransportKind::Memory,
        };
        assert_eq!((l.client_info.kind, l.server_info.kind), (kind, kind));
        assert_eq!(l.client_info.protocol, "moqt-18");
        assert_eq!(l.server_info.protocol, "moqt-18");
        assert!(!l.client_info.incoming && l.server_info.incoming);
        match over {
            Over::WebTransport => {
                assert_eq!(l.server_info.path, "/game?x=1");
                assert_eq!(l.client_info.path, "/game?x=1");
                assert_eq!(l.server_info.authority, l.client_info.authority);
                assert!(l.server_info.authority.starts_with("127.0.0.1:"));
            }
            Over::Quic => {
                assert_eq!(l.client_info.path, "/game?x=1");
                assert_eq!(l.server_info.path, "");
            }
            Over::Memory => assert_eq!(l.server_info.path, "/game"),
        }
        assert_eq!(l.server_info.remote.is_some(), over != Over::Memory);
    }

    pub fn ten_megabytes_each_way(over: Over) {
        let mut l = link(over);
        let data = pattern(10 * MEGABYTE);
        let (conn, peer) = (l.client_conn, l.server_conn);
        let stream = l.client.on(conn, |t| t.open(Dir::Bi)).unwrap();
        let (up, down) = (data.clone(), data.clone());
        std::thread::scope(|scope| {
            let common::Linked { client, server, .. } = &mut l;
            scope.spawn(move || {
                write_all(client, conn, stream, up, true);
                assert!(client.read_all(conn, stream) == down, "download differs");
            });
            let (theirs, first, _) = server.accept(peer, Dir::Bi);
            let mut got = first.to_vec();
            got.extend(server.read_all(peer, theirs));
            assert!(got == data, "upload differs");
            write_all(server, peer, theirs, data, true);
        });
    }

    pub fn small_streams_end_in_one_event(over: Over) {
        let mut l = link(over);
        l.client.on(l.client_conn, |t| {
            for i in 0..50u8 {
                let id = t.open(Dir::Uni).unwrap();
                t.write(id, &mut Bytes::from(vec![i; 100])).unwrap();
                t.finish(id);
            }
        });
        let (mut seen, mut whole) = (Vec::new(), 0);
        for _ in 0..50 {
            let (id, data, fin) = l.server.accept(l.server_conn, Dir::Uni);
            let mut all = data.to_vec();
            whole += usize::from(fin);
            if !fin {
                // Cut by the end of a packet.
                all.extend(l.server.read_all(l.server_conn, id));
            }
            assert_eq!(all.len(), 100);
            seen.push(all[0]);
        }
        assert!(
            whole >= 40,
            "only {whole} of 50 came with data and end together"
        );
        seen.sort_unstable();
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
    }

    pub fn an_empty_stream_shows(over: Over) {
        let mut l = link(over);
        let id = l.client.on(l.client_conn, |t| {
            let id = t.open(Dir::Uni).unwrap();
            t.finish(id);
            id
        });
        let (_, data, fin) = l.server.accept(l.server_conn, Dir::Uni);
        assert!(data.is_empty() && fin);
        l.client.wait_event("Acked", l.client_conn, |e| {
            (*e == TransportEvent::Acked { id }).then_some(())
        });
    }

    pub fn reset_and_stop_carry_codes(over: Over) {
        let mut l = link(over);
        let id = l.client.on(l.client_conn, |t| {
            let id = t.open(Dir::Bi).unwrap();
            t.write(id, &mut Bytes::from_static(b"hello")).unwrap();
            id
        });
        let (theirs, data, _) = l.server.accept(l.server_conn, Dir::Bi);
        assert_eq!(&data[..], b"hello");
        l.client.on(l.client_conn, move |t| {
            t.reset(id, 0x1f);
            assert!(t.write(id, &mut Bytes::from_static(b"x")).is_err());
        });
        let code = l.server.wait_event("Reset", l.server_conn, |e| match e {
            TransportEvent::Reset { id, code } if *id == theirs => Some(*code),
            _ => None,
        });
        assert_eq!(code, 0x1f);
        // The other direction still works, until its reader stops it.
        l.server.on(l.server_conn, move |t| {
            t.write(theirs, &mut Bytes::from_static(b"back")).unwrap();
        });
        l.client.wait_event("data", l.client_conn, |e| match e {
            TransportEvent::Data { id: i, data, .. } if *i == id && &data[..] == b"back" => {
                Some(())
            }
            _ => None,
        });
        l.client.on(l.client_conn, move |t| t.stop(id, 77));
        let code = l.server.wait_event("Stopped", l.server_conn, |e| match e {
            TransportEvent::Stopped { id, code } if *id == theirs => Some(*code),
            _ => None,
        });
        assert_eq!(code, 77);
        l.server.on(l.server_conn, move |t| {
            assert!(t.write(theirs, &mut Bytes::from_static(b"x")).is_err());
        });
    }

    pub fn paused_stream_holds_the_writer_back(over: Over) {
        let mut l = link(over);
        let (conn, peer) = (l.client_conn, l.server_conn);
        let id = l.client.on(conn, |t| {
            let id = t.open(Dir::Uni).unwrap();
            t.write(id, &mut Bytes::from_static(b"start")).unwrap();
            id
        });
        let (theirs, ..) = l.server.accept(peer, Dir::Uni);
        l.server.on(peer, move |t| t.pause(theirs, true));
        let data = pattern(6 * MEGABYTE);
        let mut rest = data.clone();
        // Written until nothing has moved for a while.
        let mut still = Instant::now();
        while still.elapsed() < Duration::from_millis(500) {
            let before = rest.len();
            rest = l.client.on(conn, move |t| {
                t.write(id, &mut rest).unwrap();
                rest
            });
            if rest.len() < before {
                still = Instant::now();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(rest.len() > MEGABYTE, "only {} bytes held back", rest.len());
        assert!(l.server.quiet(Duration::from_millis(50), |s| matches!(
            s,
            Seen::Event(_, TransportEvent::Data { .. })
        )));
        l.server.on(peer, move |t| t.pause(theirs, false));
        std::thread::scope(|scope| {
            let common::Linked { client, server, .. } = &mut l;
            scope.spawn(move || write_all(client, conn, id, rest, true));
            assert!(server.read_all(peer, theirs) == data, "data differs");
        });
    }

    pub fn datagrams_both_ways(over: Over) {
        let mut l = link(over);
        let limit = l
            .client
            .on(l.client_conn, |t| t.max_datagram_size())
            .unwrap();
        assert!((1_100..2_000).contains(&limit), "{limit}");
        let big = pattern(limit);
        let sent = big.clone();
        l.client.on(l.client_conn, move |t| {
            t.send_datagram(sent).unwrap();
            t.send_datagram(Bytes::new()).unwrap();
            let limit = t.max_datagram_size().unwrap();
            let too_large = Bytes::from(vec![0; limit + 1]);
            assert_eq!(
                t.send_datagram(too_large),
                Err(DatagramError::TooLarge { limit })
            );
        });
        let datagram = |e: &TransportEvent| match e {
            TransportEvent::Datagram(data) => Some(data.clone()),
            _ => None,
        };
        assert_eq!(
            l.server.wait_event("datagram", l.server_conn, datagram),
            big
        );
        assert_eq!(
            l.server.wait_event("datagram", l.server_conn, datagram),
            Bytes::new()
        );
        l.server.on(l.server_conn, |t| {
            t.send_datagram(Bytes::from_static(b"pong")).unwrap()
        });
        assert_eq!(
            &l.client.wait_event("datagram", l.client_conn, datagram)[..],
            b"pong"
        );
    }

    pub fn close_carries_code_and_reason(over: Over) {
        let mut l = link(over);
        l.client.on(l.client_conn, |t| {
            t.close(0x11, "see you");
            t.close(0x12, "ignored");
            assert_eq!(t.open(Dir::Bi), None);
        });
        assert_eq!(l.client.closed(l.client_conn), CloseReason::Local);
        let expected = CloseReason::Peer {
            code: 0x11,
            reason: "see you".into(),
        };
        assert_eq!(l.server.closed(l.server_conn), expected);
        let conn = l.server_conn;
        assert!(l.server.run(move |cx| cx.transport(conn).is_none()));
    }

    pub fn acked_after_everything_arrived(over: Over) {
        let mut l = link(over);
        let id = l.client.on(l.client_conn, |t| {
            let id = t.open(Dir::Uni).unwrap();
            t.write(id, &mut pattern(5_000)).unwrap();
            t.finish(id);
            t.set_priority(id, 7);
            id
        });
        let (theirs, first, fin) = l.server.accept(l.server_conn, Dir::Uni);
        let mut all = first.to_vec();
        if !fin {
            all.extend(l.server.read_all(l.server_conn, theirs));
        }
        assert!(all == pattern(5_000));
        l.client.wait_event("Acked", l.client_conn, |e| {
            (*e == TransportEvent::Acked { id }).then_some(())
        });
        if over != Over::Memory {
            let stats = l.client.on(l.client_conn, |t| t.stats());
            assert!(
                stats.rtt > Duration::ZERO && stats.bytes_sent > 5_000,
                "{stats:?}"
            );
            assert!(
                stats.congestion_window > 0 && stats.packets_sent > 0,
                "{stats:?}"
            );
        }
    }

    pub fn stream_credit_returns(over: Over) {
        if over == Over::Memory {
            // Its limits are its own and tested there.
            return;
        }
        let mut l = link_with(over, |config| config.link.max_incoming_uni = 8, |_| {});
        let open = l.client.on(l.client_conn, |t| {
            let mut open = Vec::new();
            while let Some(id) = t.open(Dir::Uni) {
                t.write(id, &mut Bytes::from_static(b"x")).unwrap();
                open.push(id);
            }
            open
        });
        // HTTP/3 takes one for its control stream.
        let expected = if over == Over::WebTransport { 7 } else { 8 };
        assert_eq!(open.len(), expected);
        l.client.on(l.client_conn, move |t| {
            open.iter().for_each(|id| t.finish(*id))
        });
        l.client.wait_event("StreamsAvailable", l.client_conn, |e| {
            (*e == TransportEvent::StreamsAvailable { dir: Dir::Uni }).then_some(())
        });
        l.client
            .on(l.client_conn, |t| assert!(t.open(Dir::Uni).is_some()));
    }
}

/// It ends the session with the connection; what it wrote before arrives first.
#[test]
fn a_server_that_goes_away_says_everything_before() {
    let mut l = link(Over::WebTransport);
    let id = l.server.on(l.server_conn, |t| {
        let id = t.open(Dir::Uni).unwrap();
        t.write(id, &mut pattern(20_000)).unwrap();
        t.finish(id);
        t.close(session_codes::GOAWAY_TIMEOUT, "the relay has shut down");
        id
    });
    let (theirs, first, fin) = l.client.accept(l.client_conn, Dir::Uni);
    let mut all = first.to_vec();
    if !fin {
        all.extend(l.client.read_all(l.client_conn, theirs));
    }
    assert!(all == pattern(20_000), "{id:?}: {} bytes", all.len());
    let expected = CloseReason::Peer {
        code: session_codes::GOAWAY_TIMEOUT,
        reason: "the relay has shut down".into(),
    };
    assert_eq!(l.client.closed(l.client_conn), expected);
}
