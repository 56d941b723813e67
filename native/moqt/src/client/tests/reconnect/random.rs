//! Losses at random moments of random runs.

use super::*;

/// What happens in a random run.
#[derive(Clone, Copy, Debug)]
enum Op {
    Send,
    Keyframe,
    StepPublisher,
    StepReader,
    Run,
    Lose,
    Pass(u16),
    Reading(bool),
}

fn op() -> impl proptest::strategy::Strategy<Value = Op> {
    use proptest::prelude::*;
    prop_oneof![
        6 => Just(Op::Send),
        1 => Just(Op::Keyframe),
        4 => Just(Op::StepPublisher),
        4 => Just(Op::StepReader),
        2 => Just(Op::Run),
        2 => Just(Op::Lose),
        2 => (1..300_u16).prop_map(Op::Pass),
        1 => any::<bool>().prop_map(Op::Reading),
    ]
}

/// Runs `ops` on a track, brings everything to rest, and gives what was sent (with its group's
/// number) and what the reader was told.
fn play(class: DeliveryClass, ops: &[Op], window: usize) -> (Vec<u64>, Vec<(u32, u64)>, Vec<Gap>) {
    let memory = MemoryConfig {
        stream_window: window,
        ..MemoryConfig::default()
    };
    let mut n = Net::with(memory, |_| {});
    let options = PublishOptions {
        delivery: class,
        // Times of publication are of the wall clock, which stands still here.
        deadline: Duration::from_secs(60),
        ..PublishOptions::default()
    };
    let publication =
        n.w.a
            .client
            .publish(track("t"), options)
            .expect("publishes");
    n.w.run();
    let reader = n.w.subscribe("t", SubscribeOptions::default());
    let mut groups: Vec<u64> = Vec::new();
    let mut group = 0;
    for op in ops {
        match op {
            Op::Send | Op::Keyframe => {
                let keyframe = matches!(op, Op::Keyframe);
                let mut payload = (groups.len() as u32).to_be_bytes().to_vec();
                payload.resize(100, 7);
                let sent = match keyframe {
                    true => n.w.a.client.keyframe(n.w.now, publication, payload.into()),
                    false => n.w.a.client.send(n.w.now, publication, payload.into()),
                };
                if sent.is_ok() {
                    let begins = keyframe || class != DeliveryClass::Reliable;
                    if begins && !groups.is_empty() {
                        group += 1;
                    }
                    groups.push(group);
                }
            }
            Op::StepPublisher => drop(n.w.a.step(n.w.now)),
            Op::StepReader => drop(n.w.b.step(n.w.now)),
            Op::Run => n.w.run(),
            Op::Lose => n.lose(),
            Op::Pass(ms) => n.pass(MS * u32::from(*ms)),
            Op::Reading(reading) => n.w.b.client.set_reading(reader, *reading),
        }
    }
    n.w.b.client.set_reading(reader, true);
    n.repair();
    n.pass(Duration::from_secs(8));
    assert_eq!(n.w.b.ends(reader), []);
    let first = n.w.a.client.publisher.publications[&publication].first_group;
    let got = n.w.b.events.iter().filter_map(|event| match event {
        ClientEvent::Object(of, object) if *of == reader => {
            let p = &object.payload;
            let number = u32::from_be_bytes([p[0], p[1], p[2], p[3]]);
            Some((number, object.group - first))
        }
        _ => None,
    });
    let got = got.collect();
    let gaps = n.w.b.gaps(reader).into_iter().map(|gap| Gap {
        from_group: gap.from_group.saturating_sub(first),
        to_group: gap.to_group.saturating_sub(first),
        ..gap
    });
    let gaps = gaps.collect();
    (groups, got, gaps)
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn reliable_brings_everything_in_order_once_or_says_what_is_missing(
        ops in proptest::collection::vec(op(), 1..150),
        window in 300..20_000_usize,
    ) {
        let (groups, got, gaps) = play(DeliveryClass::Reliable, &ops, window);
        proptest::prop_assert!(got.windows(2).all(|pair| pair[0].0 < pair[1].0), "{:?}", got);
        // The newest one always arrives.
        proptest::prop_assert_eq!(got.last().map(|(n, _)| *n as usize + 1).unwrap_or(0), groups.len());
        // What is missing after the first object lies in a gap that was told.
        let first = got.first().map_or(0, |(n, _)| *n);
        let have: std::collections::BTreeSet<u32> = got.iter().map(|(n, _)| *n).collect();
        for missing in (first..groups.len() as u32).filter(|n| !have.contains(n)) {
            let group = groups[missing as usize];
            let told = gaps.iter().any(|gap| gap.from_group <= group && group <= gap.to_group);
            proptest::prop_assert!(told, "object {} of group {}: {:?} {:?}", missing, group, got, gaps);
        }
        // Nothing is told that did not happen, but that a group which is over may have had more.
        for gap in gaps.iter().filter(|gap| gap.from_group < gap.to_group) {
            let missing = (first..groups.len() as u32).any(|n| {
                let group = groups[n as usize];
                !have.contains(&n) && gap.from_group <= group && group <= gap.to_group
            });
            proptest::prop_assert!(missing, "{:?} without a loss: {:?}", gap, got);
        }
    }

    #[test]
    fn other_classes_never_go_back_and_end_on_the_newest(
        ops in proptest::collection::vec(op(), 1..150),
        window in 300..20_000_usize,
        which in 0..3_usize,
    ) {
        let classes = [DeliveryClass::Latest, DeliveryClass::Deadline, DeliveryClass::Datagram];
        let (groups, got, _) = play(classes[which], &ops, window);
        proptest::prop_assert!(got.windows(2).all(|pair| pair[0].0 < pair[1].0), "{:?}", got);
        proptest::prop_assert_eq!(got.last().map(|(n, _)| *n as usize + 1).unwrap_or(0), groups.len());
    }
}
