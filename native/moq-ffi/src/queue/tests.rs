use super::*;
use crate::record::*;
use bytes::Bytes;

fn object(handle: u64, id: u64, size: usize) -> Record {
    let mut record = Record::new(MOQ_RECORD_OBJECT, handle);
    record.object = id;
    record.payload = Bytes::from(vec![0; size]);
    record
}

fn end(handle: u64) -> Record {
    Record::new(MOQ_RECORD_END, handle)
}

/// Reads everything and gives (handle, kind, object id) of each record.
fn read(queue: &RecordQueue) -> Vec<(u64, u16, u64)> {
    let mut out = vec![0; 1 << 20];
    let mut seen = Vec::new();
    loop {
        let polled = queue.poll(&mut out, 0);
        let mut at = 0;
        while at < polled.bytes {
            let word =
                |o: usize| u64::from_le_bytes(out[at + o..at + o + 8].try_into().expect("8"));
            seen.push((word(8), (word(0) >> 32) as u16, word(24)));
            at += (word(0) & 0xffff_ffff) as usize;
        }
        if !polled.more {
            return seen;
        }
    }
}

#[test]
fn wakes_once_per_empty_to_non_empty() {
    let queue = RecordQueue::default();
    queue.open(1, 1 << 20, Policy::Pause, 0);
    assert!(queue.push(&mut vec![object(1, 0, 1)]).wake);
    assert!(!queue.push(&mut vec![object(1, 1, 1)]).wake);
    assert_eq!(read(&queue).len(), 2);
    assert!(queue.push(&mut vec![object(1, 2, 1)]).wake);
}

#[test]
fn a_partial_poll_says_that_more_waits_and_loses_nothing() {
    let queue = RecordQueue::default();
    queue.open(1, 1 << 20, Policy::Pause, 0);
    queue.push(&mut (0..10).map(|id| object(1, id, 8)).collect());
    let mut out = vec![0; 72 * 3 + 10];
    let polled = queue.poll(&mut out, 0);
    assert_eq!((polled.count, polled.bytes, polled.more), (3, 72 * 3, true));
    assert_eq!(read(&queue).len(), 7);
}

#[test]
fn a_record_larger_than_the_buffer_names_the_size_needed() {
    let queue = RecordQueue::default();
    queue.open(1, 1 << 20, Policy::Pause, 0);
    queue.push(&mut vec![object(1, 0, 1_000)]);
    let polled = queue.poll(&mut [0; 128], 0);
    assert_eq!(
        (polled.count, polled.needed, polled.more),
        (0, Some(64 + 1_000), true)
    );
    assert_eq!(read(&queue).len(), 1);
}

#[test]
fn a_full_reliable_lane_pauses_its_intake_and_resumes_at_half() {
    let queue = RecordQueue::default();
    queue.open(1, 10 * (64 + 8), Policy::Pause, 0);
    let pushed = queue.push(&mut (0..12).map(|id| object(1, id, 8)).collect());
    assert_eq!(pushed.pause, [1]);
    let mut out = vec![0; 72];
    let mut resumed = 0;
    for _ in 0..12 {
        resumed += queue.poll(&mut out, 0).resume.len();
    }
    assert_eq!(resumed, 1);
    assert_eq!(queue.stats(1).expect("open").overflow, 0);
}

#[test]
fn other_lanes_drop_their_oldest_objects_and_count_them() {
    let queue = RecordQueue::default();
    queue.open(1, 4 * (64 + 8), Policy::DropOldest, 0);
    let pushed = queue.push(&mut (0..10).map(|id| object(1, id, 8)).collect());
    assert!(pushed.pause.is_empty());
    // Without a gap: the header says that they are counted.
    let stats = queue.stats(1).expect("open");
    assert_eq!((stats.overflow, stats.gaps), (6, 0));
    let ids: Vec<u64> = read(&queue).iter().map(|r| r.2).collect();
    assert_eq!(ids, [6, 7, 8, 9]);
}

#[test]
fn a_terminal_record_always_has_room_and_nothing_follows_it() {
    let queue = RecordQueue::default();
    queue.open(1, 64, Policy::DropOldest, 0);
    let mut names = Vec::new();
    for _ in 0..20_000 {
        names.push(Record::new(MOQ_RECORD_NAMESPACE, 1));
    }
    assert_eq!(queue.push(&mut names).overrun, [1]);
    queue.push(&mut vec![end(1), object(1, 1, 1), end(1)]);
    let seen = read(&queue);
    assert_eq!(
        seen.iter().filter(|r| r.1 == MOQ_RECORD_END as u16).count(),
        1
    );
    assert_eq!(seen.last().map(|r| r.1), Some(MOQ_RECORD_END as u16));
    assert!(
        queue.stats(1).is_none(),
        "the lane is gone after its end was read"
    );
}

#[test]
fn nothing_comes_after_close() {
    let queue = RecordQueue::default();
    queue.open(1, 1 << 20, Policy::Pause, 0);
    queue.open(2, 1 << 20, Policy::Pause, 0);
    queue.push(&mut vec![object(1, 0, 1), object(2, 0, 1)]);
    queue.close(1);
    queue.push(&mut vec![object(1, 1, 1)]);
    assert_eq!(read(&queue), [(2, MOQ_RECORD_OBJECT as u16, 0)]);
}

#[test]
fn lanes_take_turns() {
    let queue = RecordQueue::default();
    for handle in 1..=2 {
        queue.open(handle, 1 << 20, Policy::Pause, 0);
    }
    queue.push(&mut (0..1_000).map(|id| object(1, id, 8)).collect());
    queue.push(&mut vec![object(2, 7, 8)]);
    let seen = read(&queue);
    let at = seen.iter().position(|r| r.0 == 2).expect("delivered");
    assert!(at <= TURN, "lane 2 waited for {at} records");
}

#[test]
fn a_held_lane_is_skipped_and_wakes_when_released() {
    let queue = RecordQueue::default();
    queue.open(1, 1 << 20, Policy::Pause, 0);
    queue.push(&mut vec![object(1, 0, 1)]);
    assert_eq!(queue.hold(1, true), Some(false));
    assert!(!queue.push(&mut vec![object(1, 1, 1)]).wake);
    assert!(read(&queue).is_empty());
    assert_eq!(queue.hold(1, false), Some(true));
    assert_eq!(read(&queue).len(), 2);
    assert_eq!(queue.hold(9, true), None);
}

#[test]
fn objects_past_their_age_are_dropped_and_counted() {
    let queue = RecordQueue::default();
    queue.open(1, 1 << 20, Policy::DropOldest, 1_000);
    let mut fresh = object(1, 2, 1);
    fresh.received_us = 5_000;
    queue.push(&mut vec![object(1, 1, 1), fresh]);
    let polled = queue.poll(&mut [0; 1_024], 5_500);
    assert_eq!(polled.count, 1);
    assert_eq!(queue.stats(1).expect("open").expired, 1);
}

#[test]
fn adjoining_gaps_become_one_record() {
    let queue = RecordQueue::default();
    queue.open(1, 1 << 20, Policy::Pause, 0);
    let mut gaps = Vec::new();
    for group in 0..100_000 {
        let mut gap = Record::new(MOQ_RECORD_GAP, 1);
        (gap.group, gap.object) = (group, group);
        gaps.push(gap);
    }
    queue.push(&mut gaps);
    assert_eq!(read(&queue), [(1, MOQ_RECORD_GAP as u16, 99_999)]);
}

#[test]
fn the_next_record_of_one_handle_can_be_taken_out_of_turn() {
    let queue = RecordQueue::default();
    queue.open(1, 1 << 20, Policy::Pause, 0);
    queue.open(2, 1 << 20, Policy::Pause, 0);
    let ready = Record::new(MOQ_RECORD_READY, 2);
    queue.push(&mut vec![object(1, 0, 1), ready, object(2, 5, 1), end(2)]);
    let answer = |kind| kind != MOQ_RECORD_OBJECT;
    let taken = queue.take_next(2, answer).expect("READY comes first");
    assert_eq!(taken.kind, MOQ_RECORD_READY);
    assert_eq!(queue.take_next(2, answer), None, "an object is no answer");
    assert_eq!(queue.take_next(3, answer), None);
    let mut records = Vec::new();
    queue.take_records(&mut records, 1 << 20, 0);
    let order: Vec<(u64, u64)> = records.iter().map(|r| (r.handle, r.object)).collect();
    assert_eq!(order, [(1, 0), (2, 5), (2, 0)]);
}

#[test]
fn a_queue_emptied_out_of_turn_wakes_again() {
    let queue = RecordQueue::default();
    queue.open(1, 1 << 20, Policy::Pause, 0);
    assert!(queue.push(&mut vec![Record::new(MOQ_RECORD_READY, 1)]).wake);
    assert!(queue.take_next(1, |_| true).is_some());
    assert!(!queue.has_records());
    assert!(queue.push(&mut vec![end(1)]).wake);
    assert!(queue.take_next(1, |_| true).is_some());
    assert_eq!(queue.stats(1), None, "nothing follows the end");
}

/// What is asked of the queue by chance, beside what one lane that only drops its oldest must give.
#[test]
fn records_keep_order_and_bounds_whatever_readers_do() {
    for seed in 0..32_u64 {
        let mut state = seed;
        let mut below = |limit: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        let queue = RecordQueue::default();
        queue.open(1, 20 * (64 + 8), Policy::DropOldest, 0);
        queue.open(2, 20 * (64 + 8), Policy::Pause, 0);
        let (mut sent, mut newest, mut given) = ([0; 3], [None; 3], [0; 3]);
        let mut out = vec![0; 4_096];
        for _ in 0..500 {
            match below(3) {
                0 => {
                    let handle = 1 + below(2);
                    let first = sent[handle as usize];
                    sent[handle as usize] += below(30);
                    let ids = first..sent[handle as usize];
                    queue.push(&mut ids.map(|id| object(handle, id, 8)).collect());
                }
                1 => {
                    queue.hold(1 + below(2), below(2) == 0);
                }
                _ => {
                    let room = below(4_096) as usize;
                    let polled = queue.poll(&mut out[..room], 0);
                    assert_eq!(polled.bytes, polled.count * 72);
                    assert_eq!(polled.needed.is_some(), room < 72 && polled.more);
                    for at in (0..polled.bytes).step_by(72) {
                        let word =
                            |o: usize| u64::from_le_bytes(std::array::from_fn(|i| out[at + o + i]));
                        let (handle, id) = (word(8) as usize, word(24));
                        assert!(newest[handle].is_none_or(|newest| newest < id));
                        newest[handle] = Some(id);
                        given[handle] += 1;
                    }
                }
            }
            for handle in [1, 2] {
                let stats = queue.stats(handle as u64).expect("open");
                assert_eq!(stats.objects, sent[handle]);
                let gone = given[handle] + stats.overflow;
                assert_eq!(stats.queued_objects, sent[handle] - gone);
                assert_eq!(stats.queued_bytes, stats.queued_objects * 72);
            }
            let dropping = queue.stats(1).expect("open");
            assert!(dropping.queued_bytes <= 20 * 72);
            assert_eq!(queue.stats(2).expect("open").overflow, 0);
        }
    }
}

#[test]
fn a_poll_while_others_push_loses_and_repeats_nothing() {
    const OBJECTS: u64 = 20_000;
    let queue = RecordQueue::default();
    queue.open(1, usize::MAX, Policy::Pause, 0);
    let queue = &queue;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for id in 0..OBJECTS {
                // Some are long enough to stay shared.
                let size = if id % 64 == 0 { 2_000 } else { 100 };
                queue.push(&mut vec![object(1, id, size)]);
            }
        });
        let mut out = vec![0; 8_192];
        let mut next = 0;
        while next < OBJECTS {
            let polled = queue.poll(&mut out, 0);
            let mut at = 0;
            while at < polled.bytes {
                let word = |o: usize| u64::from_le_bytes(std::array::from_fn(|i| out[at + o + i]));
                assert_eq!(word(24), next);
                next += 1;
                at += (word(0) & 0xffff_ffff) as usize;
            }
            std::thread::yield_now();
        }
    });
}
