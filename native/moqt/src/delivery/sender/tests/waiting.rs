//! How much may wait, and for how long.

use super::*;

#[test]
fn what_waits_over_the_bound_is_too_far_behind() {
    for info in [
        TrackInfo::default(),
        TrackInfo::of_class(DeliveryClass::Reliable, 1, MS),
    ] {
        let memory = MemoryConfig {
            stream_window: 1_000,
            ..MemoryConfig::default()
        };
        let mut b = Bench::over(memory, info, Parameters::default(), None);
        b.sender.config.limits.queue_bytes = 10_000;
        b.object(0, 0, 0, &"x".repeat(2_000));
        b.glimpse();
        for n in 0..20 {
            assert!(!b.sender.is_too_far_behind(), "{n}");
            b.object(1, 0, n, &"x".repeat(900));
            b.run();
            if b.sender.is_too_far_behind() {
                break;
            }
        }
        assert!(b.sender.is_too_far_behind());
        b.with(|sender, _, out| sender.close(stream_codes::TOO_FAR_BEHIND, out));
        b.deaf = false;
        b.run();
        assert_eq!(b.got.last().map(String::as_str), Some("reset 5"));
        assert_eq!(b.sender.queued_bytes(), 0);
    }
}

#[test]
fn one_object_may_be_larger_than_all_that_may_wait() {
    let memory = MemoryConfig {
        stream_window: 1_000,
        ..MemoryConfig::default()
    };
    let info = TrackInfo::of_class(DeliveryClass::Reliable, 1, MS);
    let mut b = Bench::over(memory, info, Parameters::default(), None);
    b.sender.config.limits.queue_bytes = 10_000;
    let large = "x".repeat(20_000);
    b.update(0, "a");
    b.update(1, &large);
    b.glimpse();
    b.update(2, "b");
    b.glimpse();
    assert!(!b.sender.is_too_far_behind());
    assert!(b.sender.queued_bytes() >= 20_000, "until it is all taken");
    b.deaf = false;
    b.run();
    assert_eq!(b.got.len(), 6);
    assert_eq!(b.sender.queued_bytes(), 0);
    // Others count, whether streams hold them or the sender.
    b.deaf = true;
    for group in 3..7 {
        assert!(!b.sender.is_too_far_behind(), "{group}");
        b.update(group, &large[..3_000]);
        b.run();
    }
    assert!(b.sender.is_too_far_behind());
}

#[test]
fn exhausted_stream_credit_waits_by_class() {
    let memory = MemoryConfig {
        uni_streams: 3,
        ..MemoryConfig::default()
    };
    let info = TrackInfo::of_class(DeliveryClass::Reliable, 128, MS);
    let mut b = Bench::over(memory, info, Parameters::default(), None);
    b.deaf = true;
    for group in 0..6 {
        b.update(group, &group.to_string());
        b.run();
    }
    assert_eq!(b.sender.stats().streams, 2);
    b.deaf = false;
    b.run();
    let objects: Vec<&String> = b.got.iter().filter(|text| *text != "fin").collect();
    assert_eq!(objects, ["0", "1", "2", "3", "4", "5"]);

    let info = TrackInfo::of_class(DeliveryClass::Latest, 128, MS);
    let mut b = Bench::over(memory, info, Parameters::default(), None);
    b.deaf = true;
    for group in 0..6 {
        b.update(group, &group.to_string());
        b.run();
    }
    assert_eq!(b.sender.queued_objects(), 1);
    b.deaf = false;
    b.run();
    let objects: Vec<&String> = b.got.iter().filter(|text| *text != "fin").collect();
    assert_eq!(objects, ["0", "1", "5"]);
    assert_eq!(b.sender.stats().dropped, 3);
}

#[test]
fn deadline_gives_up_what_is_too_old_whether_begun_or_not() {
    let memory = MemoryConfig {
        stream_window: 100,
        ..MemoryConfig::default()
    };
    let info = TrackInfo::of_class(DeliveryClass::Deadline, 128, 200 * MS);
    let mut b = Bench::over(memory, info, Parameters::default(), None);
    b.update(1, &"x".repeat(1_000));
    b.glimpse();
    b.now += 100 * MS;
    b.update(2, "two");
    b.pass(150 * MS);
    assert_eq!(b.sender.stats().reset, 1);
    b.deaf = false;
    b.run();
    assert!(b.got.contains(&"two".to_owned()), "{:?}", b.got);
    assert!(b.got.contains(&"reset 2".to_owned()), "{:?}", b.got);
    assert!(!b.got.contains(&"x".repeat(1_000)));
    assert!(b.sender.is_acked());
}

#[test]
fn delivery_timeouts_of_others_are_honoured() {
    let info = TrackInfo {
        object_timeout: Some(100 * MS),
        ..TrackInfo::default()
    };
    let memory = MemoryConfig {
        stream_window: 100,
        ..MemoryConfig::default()
    };
    let mut b = Bench::over(memory, info, Parameters::default(), None);
    b.object(1, 0, 0, &"x".repeat(300));
    b.glimpse();
    b.object(1, 0, 1, "late");
    b.run();
    b.pass(150 * MS);
    assert_eq!(b.sender.stats().expired, 1);
    b.object(1, 0, 2, "after");
    b.deaf = false;
    b.run();
    assert_eq!(b.got, ["reset 2"], "the subgroup is not continued");

    let params = Parameters {
        subgroup_delivery_timeout: Some(100),
        ..Parameters::default()
    };
    let mut b = Bench::over(memory, TrackInfo::default(), params, None);
    b.deaf = true;
    b.object(1, 0, 0, &"x".repeat(300));
    b.run();
    b.pass(500 * MS);
    assert_eq!(
        b.sender.stats().reset,
        0,
        "the timer starts at the subgroup's end"
    );
    b.fin(1, 0);
    b.pass(100 * MS);
    assert_eq!(b.sender.stats().reset, 1);
}
