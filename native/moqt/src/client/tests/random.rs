//! Random interleavings of sending, receiving, blocking and time.

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Send(u16),
    StepPublisher,
    StepReader,
    Deaf(bool),
    Run,
    Keyframe,
    Reading(bool),
    Pass(u16),
}

fn op() -> impl proptest::strategy::Strategy<Value = Op> {
    use proptest::prelude::*;
    prop_oneof![
        4 => (1..9_000_u16).prop_map(Op::Send),
        3 => Just(Op::StepPublisher),
        3 => Just(Op::StepReader),
        1 => any::<bool>().prop_map(Op::Deaf),
        1 => Just(Op::Run),
        1 => Just(Op::Keyframe),
        1 => any::<bool>().prop_map(Op::Reading),
        1 => (1..300_u16).prop_map(Op::Pass),
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    #[test]
    fn latest_never_goes_back_and_ends_with_the_newest(
        ops in proptest::collection::vec(op(), 1..120),
        window in 500..20_000_usize,
        streams in 1..6_usize,
    ) {
        let memory = MemoryConfig {
            stream_window: window,
            uni_streams: streams + 1,
            ..MemoryConfig::default()
        };
        let mut w = World::with(memory, |_| {});
        let publication = w.publish("t", DeliveryClass::Latest);
        let reader = w.subscribe("t", SubscribeOptions::default());
        let mut sent = 0_u32;
        for op in ops {
            match op {
                Op::Send(size) => {
                    sent += 1;
                    let mut payload = sent.to_be_bytes().to_vec();
                    payload.resize(4 + usize::from(size), 7);
                    w.send(publication, payload);
                }
                Op::StepPublisher => drop(w.a.step(w.now)),
                Op::StepReader => drop(w.b.step(w.now)),
                Op::Deaf(deaf) => w.b.deaf = deaf,
                Op::Run => w.run(),
                Op::Keyframe | Op::Reading(_) | Op::Pass(_) => {}
            }
        }
        w.b.deaf = false;
        w.run();
        let got: Vec<u32> = w.b.objects(reader).iter().map(|payload| {
            u32::from_be_bytes([payload[0], payload[1], payload[2], payload[3]])
        }).collect();
        proptest::prop_assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", got);
        proptest::prop_assert_eq!(got.last().copied().unwrap_or(0), sent);
    }

    #[test]
    fn reliable_brings_every_object_once_and_in_order(
        ops in proptest::collection::vec(op(), 1..120),
        window in 500..20_000_usize,
        // Enough for every group: a joining fetch must find one.
        streams in 100..120_usize,
        queue in 100..20_000_usize,
        late in 0..60_usize,
    ) {
        let memory = MemoryConfig {
            stream_window: window,
            uni_streams: streams + 1,
            ..MemoryConfig::default()
        };
        let mut w = World::with(memory, |_| {});
        let publication = w.publish("t", DeliveryClass::Reliable);
        let options = SubscribeOptions { queue_bytes: queue, ..SubscribeOptions::default() };
        let mut reader = None;
        let mut sent = 0_u32;
        let mut first_wanted = 0;
        for (index, op) in ops.into_iter().enumerate() {
            if index == late {
                let handle = w.b.client.subscribe(track("t"), options.clone());
                reader = Some(handle.expect("subscribes"));
            }
            match op {
                Op::Send(_) | Op::Keyframe => {
                    let keyframe = matches!(op, Op::Keyframe);
                    let mut payload = (sent + 1).to_be_bytes().to_vec();
                    if let Op::Send(size) = op {
                        payload.resize(4 + usize::from(size), 7);
                    }
                    let result = match keyframe {
                        true => w.a.client.keyframe(w.now, publication, payload.into()),
                        false => w.a.client.send(w.now, publication, payload.into()),
                    };
                    if result.is_ok() {
                        sent += 1;
                        if reader.is_none() && (keyframe || first_wanted == 0) {
                            first_wanted = sent;
                        }
                    }
                }
                Op::StepPublisher => drop(w.a.step(w.now)),
                Op::StepReader => drop(w.b.step(w.now)),
                Op::Deaf(deaf) => w.b.deaf = deaf,
                Op::Run => w.run(),
                Op::Reading(reading) => {
                    if let Some(reader) = reader {
                        w.b.client.set_reading(reader, reading);
                    }
                }
                Op::Pass(ms) => w.pass(Duration::from_millis(u64::from(ms))),
            }
        }
        let Some(reader) = reader else { return Ok(()) };
        w.b.deaf = false;
        w.b.client.set_reading(reader, true);
        w.run();
        let got: Vec<u32> = w.b.objects(reader).iter().map(|payload| {
            u32::from_be_bytes([payload[0], payload[1], payload[2], payload[3]])
        }).collect();
        // Begins at the newest group of the time when the SUBSCRIBE was answered, or later than
        // the last keyframe before it was sent.
        proptest::prop_assert!(got.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{:?}", got);
        proptest::prop_assert_eq!(got.last().copied().unwrap_or(0), sent);
        if let Some(first) = got.first() {
            proptest::prop_assert!(*first >= first_wanted.max(1));
        }
        proptest::prop_assert_eq!(w.b.gaps(reader), []);
    }
}
