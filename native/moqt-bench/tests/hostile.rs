//! A relay under attack: its memory stays below what its limits allow, the offender is refused,
//! stopped or closed with the draft's code and counted, and everybody else misses nothing.
//!
//! The relay runs in this process, whose memory is therefore the relay's. The attacker and the
//! bystanders are `moqt-bench` in processes of their own. `MOQ_ATTACK_SECONDS` makes the attacks
//! longer.

#[path = "support/scene.rs"]
mod scene;

use scene::{total, Scene};

#[test]
fn streams_that_nobody_asked_for_are_stopped() {
    let scene = Scene::new(|_| {});
    let attack = scene.attack("streams", &["--connections", "3"]);
    let refusals = scene.stats().refusals;
    assert!(
        refusals.streams + refusals.unknown_streams > 100,
        "{refusals:?}"
    );
    let refused = &attack["streams_refused"];
    let codes = refused.as_object().expect("an object");
    assert!(
        codes
            .keys()
            .all(|code| ["CANCELLED", "EXCESSIVE_LOAD"].contains(&code.as_str())),
        "{refused}"
    );
}

#[test]
fn datagrams_that_nobody_asked_for_are_dropped() {
    let scene = Scene::new(|_| {});
    let attack = scene.attack("datagrams", &["--connections", "3"]);
    assert!(attack["actions"].as_u64() > Some(1_000), "{attack}");
    assert!(scene.stats().refusals.datagrams > 1_000);
    assert_eq!(attack["connections"]["open_at_end"], 3, "{attack}");
}

#[test]
fn unknown_streams_close_the_session() {
    let scene = Scene::new(|_| {});
    let attack = scene.attack("unknown-streams", &["--rate", "200"]);
    let closed = &attack["connections"]["closed_by_relay"];
    assert!(closed["PROTOCOL_VIOLATION"].as_u64() > Some(5), "{attack}");
    assert_eq!(total(closed), closed["PROTOCOL_VIOLATION"].as_u64());
    let stats = scene.stats().sessions;
    assert!(stats.closed_by_code["PROTOCOL_VIOLATION"] > 5, "{stats:?}");
    assert_eq!(stats.violations, stats.closed_by_code["PROTOCOL_VIOLATION"]);
}

#[test]
fn requests_beyond_the_limit_are_answered_excessive_load() {
    for kind in ["subscribe", "namespaces", "prefixes", "tracks"] {
        let scene = Scene::new(|config| config.limits.requests_per_session = 100);
        let attack = scene.attack(kind, &["--connections", "2"]);
        let refused = attack["requests"]["refused"]["EXCESSIVE_LOAD"].as_u64();
        assert!(refused > Some(100), "{kind}: {attack}");
        let stats = scene.stats();
        let limits = &stats.limits;
        let counted = limits.requests + limits.request_rate + limits.publish_rate;
        assert!(counted >= refused.unwrap_or(0), "{kind}: {stats:?}");
        assert_eq!(attack["connections"]["open_at_end"], 2, "{kind}: {attack}");
    }
}

#[test]
fn fetches_beyond_the_limit_are_answered_excessive_load() {
    let scene = Scene::new(|config| config.limits.fetches_per_session = 4);
    let track = scene.reliable_track();
    let attack = scene.attack("fetch", &["--connections", "2", "--track", &track]);
    assert!(
        attack["requests"]["accepted"].as_u64() > Some(0),
        "{attack}"
    );
    assert!(scene.stats().requests.fetch > 100);
}

#[test]
fn announcements_that_come_and_go_leave_nothing_behind() {
    let scene = Scene::new(|_| {});
    let attack = scene.attack("announcements", &["--connections", "2"]);
    assert!(attack["actions"].as_u64() > Some(500), "{attack}");
    scene.until("the namespaces of the attacker are gone", |stats| {
        stats.namespaces_open <= scene::BYSTANDERS as u64
    });
}

#[test]
fn declared_lengths_allocate_nothing() {
    let scene = Scene::new(|_| {});
    let attack = scene.attack("huge-lengths", &["--rate", "500"]);
    let closed = &attack["connections"]["closed_by_relay"];
    assert!(closed["PROTOCOL_VIOLATION"].as_u64() > Some(5), "{attack}");
    assert!(scene.growth() < 24 << 20, "{} bytes", scene.growth());
}

#[test]
fn objects_that_never_end_are_stopped_at_the_limit() {
    let scene = Scene::new(|config| {
        config.limits.object_bytes = 1 << 20;
        config.limits.partial_bytes_per_session = 1 << 20;
    });
    let attack = scene.attack("partial-objects", &["--connections", "2"]);
    let stopped = attack["streams_refused"]["EXCESSIVE_LOAD"].as_u64();
    assert!(stopped > Some(4), "{attack}");
    assert!(scene.stats().refusals.partial > 4);
}

#[test]
fn who_does_not_read_is_given_up() {
    let scene = Scene::new(|config| {
        config.limits.queue_bytes_per_subscriber = 64 << 10;
        config.limits.fetch_bytes = 1 << 20;
    });
    let track = scene.reliable_track();
    let more = ["--connections", "4", "--rate", "200", "--track", &track];
    let attack = scene.attack("slow-read", &more);
    assert!(
        attack["connections"]["opened"].as_u64() >= Some(4),
        "{attack}"
    );
    let stats = scene.stats();
    assert!(
        stats.requests.too_far_behind > 0 || stats.queues.bytes <= 256 << 10,
        "{stats:?}"
    );
}

#[test]
fn connections_without_setup_cost_little() {
    let scene = Scene::new(|_| {});
    let attack = scene.attack("half-open", &["--connections", "200"]);
    assert!(
        attack["connections"]["opened"].as_u64() >= Some(200),
        "{attack}"
    );
    let each = scene.growth() / 200;
    assert!(each < 256 << 10, "{each} bytes for each");
}

#[test]
fn requests_that_never_end_are_stopped() {
    let scene = Scene::new(|config| {
        config.limits.object_bytes = 1 << 20;
        config.limits.partial_bytes_per_session = 1 << 20;
    });
    let attack = scene.attack("trickle", &["--connections", "2"]);
    assert!(attack["actions"].as_u64() > Some(1_000), "{attack}");
    assert!(scene.stats().sessions.violations == 0);
}

#[test]
fn garbage_closes_the_session() {
    let scene = Scene::new(|_| {});
    let attack = scene.attack("garbage", &["--rate", "500"]);
    let closed = total(&attack["connections"]["closed_by_relay"]);
    assert!(closed > Some(10), "{attack}");
    let stats = scene.stats().sessions;
    assert!(stats.violations >= closed.unwrap_or(0), "{stats:?}");
}

#[test]
fn sessions_that_come_and_go_leave_nothing_behind() {
    let scene = Scene::new(|_| {});
    let attack = scene.attack("reconnect", &["--connections", "8"]);
    assert!(
        attack["connections"]["opened"].as_u64() > Some(20),
        "{attack}"
    );
    scene.until("only the bystanders are left", |stats| {
        stats.sessions.open <= scene::BYSTANDERS as u64
    });
}

#[test]
fn one_address_gets_no_more_than_its_share() {
    let scene = Scene::new(|config| {
        config.exempt_addresses.clear();
        config.limits.sessions_per_address = scene::BYSTANDERS + 4;
    });
    let attack = scene.attack("half-open", &["--connections", "50", "--attempts", "200"]);
    // One place is for the bystander that comes during the attack, unless the attacker is faster.
    assert!(
        attack["connections"]["open_at_end"].as_u64() <= Some(4),
        "{attack}"
    );
    assert!(
        attack["connections"]["refused"].as_u64() > Some(40),
        "{attack}"
    );
    assert!(scene.stats().limits.sessions_per_address > 40);
}

#[test]
fn handshakes_that_lead_nowhere_keep_nobody_out() {
    let scene = Scene::new(|config| config.limits.handshakes = 64);
    let attack = scene.attack("handshakes", &[]);
    let packets = &attack["packets"];
    assert!(packets["sent"].as_u64() > Some(1_000), "{attack}");
    assert!(packets["retry"].as_u64() > Some(100), "{attack}");
    assert!(
        packets["version_negotiation"].as_u64() > Some(10),
        "{attack}"
    );
    let stats = scene.stats();
    assert!(stats.sessions.retried > 100, "{stats:?}");
    // What is sent back is less than what came: nobody can be flooded through the relay.
    let (sent, answered) = (
        attack["bytes_sent"].as_u64(),
        attack["bytes_received"].as_u64(),
    );
    assert!(answered < sent, "{attack}");
}

#[test]
fn all_of_it_at_once() {
    let scene = Scene::new(|config| {
        config.limits.object_bytes = 1 << 20;
        config.limits.partial_bytes_per_session = 1 << 20;
    });
    let track = scene.reliable_track();
    let more = ["--connections", "32", "--track", &track];
    let attack = scene.attack("mixed", &more);
    assert!(attack["actions"].as_u64() > Some(1_000), "{attack}");
}
