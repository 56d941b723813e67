use super::*;

fn changes(w: &World, handle: Handle) -> Vec<(bool, Namespace)> {
    let change = |event: &ClientEvent| match event {
        ClientEvent::NamespaceAdded(of, ns) if *of == handle => Some((true, ns.clone())),
        ClientEvent::NamespaceRemoved(of, ns) if *of == handle => Some((false, ns.clone())),
        _ => None,
    };
    w.b.events.iter().filter_map(change).collect()
}

fn discover(w: &mut World, prefix: &[&str]) -> Handle {
    let handle = w.b.client.discover(namespace(prefix)).expect("discovers");
    w.run();
    handle
}

fn publish(w: &mut World, fields: &[&str]) -> Handle {
    let track = FullTrackName::new(namespace(fields), "t").expect("valid");
    let handle =
        w.a.client
            .publish(track, PublishOptions::default())
            .expect("publishes");
    w.run();
    handle
}

#[test]
fn namespaces_come_and_go() {
    let mut w = World::new();
    let old = publish(&mut w, &["match", "1"]);
    let handle = discover(&mut w, &["match"]);
    assert_eq!(changes(&w, handle), [(true, namespace(&["match", "1"]))]);
    publish(&mut w, &["match", "2"]);
    publish(&mut w, &["lobby"]);
    w.a.client.end(w.now, old, None);
    w.run();
    assert_eq!(
        changes(&w, handle),
        [
            (true, namespace(&["match", "1"])),
            (true, namespace(&["match", "2"])),
            (false, namespace(&["match", "1"])),
        ]
    );
    w.b.client.cancel(w.now, handle);
    w.run();
    publish(&mut w, &["match", "3"]);
    assert_eq!(changes(&w, handle).len(), 3);
    assert_eq!(w.b.ends(handle), [End::Closed]);
}

#[test]
fn overlapping_discoveries_share_one_request() {
    let mut w = World::new();
    publish(&mut w, &["match", "1"]);
    publish(&mut w, &["match", "1", "blue"]);
    let narrow = discover(&mut w, &["match", "1"]);
    let same = discover(&mut w, &["match", "1"]);
    let inner = discover(&mut w, &["match", "1", "blue"]);
    assert_eq!(changes(&w, narrow).len(), 2);
    assert_eq!(changes(&w, same).len(), 2);
    assert_eq!(
        changes(&w, inner),
        [(true, namespace(&["match", "1", "blue"]))]
    );
    assert_eq!(w.b.client.session_stats().requests_sent, 1);
    // A wider one takes over, and the others notice nothing.
    let wide = discover(&mut w, &[]);
    w.pass(Duration::from_secs(2));
    assert_eq!(changes(&w, wide).len(), 2);
    assert_eq!(changes(&w, narrow).len(), 2);
    publish(&mut w, &["match", "1", "red"]);
    publish(&mut w, &["lobby"]);
    assert_eq!(changes(&w, wide).len(), 4);
    assert_eq!(changes(&w, narrow).len(), 3);
    assert_eq!(changes(&w, inner).len(), 1);
    for handle in [narrow, same, inner, wide] {
        assert_eq!(w.b.ends(handle), []);
    }
}

#[test]
fn a_namespace_that_went_during_a_take_over_is_told_as_gone() {
    let mut w = World::new();
    let old = publish(&mut w, &["match", "1"]);
    let narrow = discover(&mut w, &["match"]);
    w.a.client.end(w.now, old, None);
    let wide = w.b.client.discover(namespace(&[])).expect("discovers");
    w.run();
    w.pass(Duration::from_secs(2));
    assert_eq!(
        changes(&w, narrow).last(),
        Some(&(false, namespace(&["match", "1"])))
    );
    assert_eq!(changes(&w, wide), []);
}
