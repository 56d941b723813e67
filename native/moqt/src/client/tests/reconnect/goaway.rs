//! A relay that goes away is left for the one that it names.

use super::*;
use crate::wire::message::Request;

/// A relay's end of one connection.
struct Server {
    session: Session,
    t: MemoryTransport,
    requests: Vec<Request>,
}

fn serve(now: Instant) -> (Server, MemoryTransport) {
    let (ta, tb) = pair(MemoryConfig::default());
    let mut server = Server {
        session: Session::new(SessionConfig::server()),
        t: tb,
        requests: Vec::new(),
    };
    server.session.start(now, &mut server.t);
    (server, ta)
}

fn exchange(
    now: Instant,
    client: &mut Client,
    link: LinkId,
    t: &mut MemoryTransport,
    server: &mut Server,
) {
    for _ in 0..100 {
        while let Some(event) = server.t.poll_event() {
            server.session.handle(now, &mut server.t, event);
        }
        while let Some(event) = server.session.poll_event() {
            if let SessionEvent::Request { request, .. } = event {
                server.requests.push(request);
            }
        }
        while let Some(event) = t.poll_event() {
            client.handle(now, link, t, event);
        }
    }
}

#[test]
fn a_goaway_is_followed_while_the_old_session_goes_on() {
    let mut now = Instant::now();
    let config = ClientConfig {
        reconnect: Some(Reconnect::default()),
        ..ClientConfig::default()
    };
    let mut client = Client::new(config);
    client.connect(now);
    let Some(LinkCommand::Connect { link: old, url, .. }) = client.poll_link() else {
        panic!("no connection is asked for")
    };
    assert_eq!(url, None);
    let (mut first, mut ta) = serve(now);
    let address = SetupAddress {
        path: Some("/".into()),
        ..SetupAddress::default()
    };
    client.attach(now, old, &address, &mut ta);
    client
        .publish(track("p"), PublishOptions::default())
        .expect("publishes");
    let options = SubscribeOptions::default();
    client
        .subscribe(track("s"), options.clone())
        .expect("subscribes");
    client.pump(now, &mut ta);
    exchange(now, &mut client, old, &mut ta, &mut first);
    assert_eq!(first.requests.len(), 3, "{:?}", first.requests);

    let uri = "moqt://second:1/";
    first
        .session
        .goaway(now, &mut first.t, uri, 0)
        .expect("says so");
    exchange(now, &mut client, old, &mut ta, &mut first);
    assert_eq!(client.state(), ClientState::Reconnecting);
    assert_eq!(client.link(), Some(old));
    // A request that this session takes no more waits for the next one.
    let late = client
        .subscribe(track("late"), options)
        .expect("subscribes");
    client.pump(now, &mut ta);

    // Attempts elsewhere fail; then the first address has its turn, and the place named again.
    let mut urls = Vec::new();
    let (link, mut second, mut tb) = loop {
        now = client.poll_timeout().expect("an attempt is due");
        client.on_timeout(now, Some(&mut ta));
        let Some(LinkCommand::Connect { link, url, .. }) = client.poll_link() else {
            continue;
        };
        urls.push(url);
        if urls.len() < 4 {
            let error = ClientError::new(ErrorCode::ConnectionFailed, "not there");
            client.connect_failed(now, link, error);
            continue;
        }
        let (second, tb) = serve(now);
        break (link, second, tb);
    };
    let named = Some(uri.to_owned());
    assert_eq!(urls, [named.clone(), named.clone(), named, None]);
    client.attach(now, link, &address, &mut tb);
    assert_eq!(client.link(), Some(old), "until SETUP is exchanged");
    exchange(now, &mut client, link, &mut tb, &mut second);
    assert_eq!(client.link(), Some(link));
    assert_eq!(client.state(), ClientState::Open);
    assert_eq!(client.poll_link(), Some(LinkCommand::Close { link: old }));
    assert_eq!(client.poll_link(), None);
    let kinds: Vec<&str> = second
        .requests
        .iter()
        .map(|request| match request {
            Request::PublishNamespace(_) => "announce",
            Request::Subscribe(_) => "subscribe",
            Request::Fetch(_) => "fetch",
            _ => "other",
        })
        .collect();
    let count = |kind| kinds.iter().filter(|k| **k == kind).count();
    assert_eq!(
        (count("announce"), count("subscribe"), count("fetch")),
        (1, 2, 2)
    );
    while let Some(event) = client.poll_event(now) {
        assert!(!matches!(event, ClientEvent::Ended(of, _) if of == late));
    }
}
