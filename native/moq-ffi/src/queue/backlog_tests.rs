use super::*;
use crate::record::*;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

fn record(kind: MoqRecordKind, id: u64, size: usize) -> Record {
    Record {
        object: id,
        payload: Bytes::from(vec![id as u8; size]),
        ..Record::new(kind, 7)
    }
}

fn encoded<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        let at = out.len();
        out.resize(at + record.encoded_len(), 0xee);
        assert!(record.encode(&mut out[at..]));
    }
    out
}

fn written(backlog: &Backlog) -> Vec<u8> {
    let mut out = vec![0xdd; backlog.encoded_len()];
    backlog.write_to(&mut out);
    out
}

/// A backlog does what a plain queue of records does, whatever comes in whatever order.
#[test]
fn it_is_a_queue_of_records() {
    const SIZES: [usize; 8] = [0, 1, 8, 100, SHORT - 1, SHORT, SHORT + 1, 5_000];
    for seed in 0..64 {
        let mut dice = Dice(seed);
        let (mut backlog, mut model) = (Backlog::default(), VecDeque::<Record>::new());
        for id in 0..400 {
            match dice.below(16) {
                0..=7 => {
                    let kinds = [MOQ_RECORD_OBJECT, MOQ_RECORD_OBJECT, MOQ_RECORD_NAMESPACE];
                    let record = record(kinds[dice.below(3)], id, SIZES[dice.below(SIZES.len())]);
                    backlog.push(&record);
                    model.push_back(record);
                }
                8 | 9 => {
                    let dropped = backlog.drop_front().map(|header| header.object);
                    assert_eq!(dropped, model.pop_front().map(|record| record.object));
                }
                10 | 11 => {
                    let at = model.iter().position(|it| it.kind == MOQ_RECORD_OBJECT);
                    let wanted = at.and_then(|at| model.remove(at));
                    let dropped = backlog.drop_oldest_object().map(|header| header.object);
                    assert_eq!(dropped, wanted.map(|record| record.object));
                }
                12 => {
                    let mut other = Backlog::default();
                    while other.records() < 3 && backlog.move_front(&mut other).is_some() {}
                    let moved: Vec<Record> = model.drain(..other.records()).collect();
                    assert_eq!(written(&other), encoded(&moved));
                }
                13 => {
                    let changed = backlog.back().map(|header| MoqRecordHeader {
                        extra: id,
                        ..header
                    });
                    changed.into_iter().for_each(|it| backlog.set_back(it));
                    model
                        .iter_mut()
                        .last()
                        .into_iter()
                        .for_each(|it| it.extra = id);
                }
                14 if dice.below(8) == 0 => {
                    let mut records = Vec::new();
                    backlog.take_records(&mut records);
                    assert_eq!(records, Vec::from(std::mem::take(&mut model)));
                }
                15 if dice.below(8) == 0 => {
                    backlog.clear();
                    model.clear();
                }
                _ => {}
            }
            assert_eq!(backlog.records(), model.len());
            assert_eq!(backlog.is_empty(), model.is_empty());
            assert_eq!(backlog.front(), model.front().map(Record::header));
            assert_eq!(backlog.back(), model.back().map(Record::header));
            assert_eq!(written(&backlog), encoded(&model), "seed {seed}, step {id}");
        }
    }
}

#[test]
fn what_is_read_leaves_no_memory_behind() {
    let mut backlog = Backlog::default();
    for id in 0..100_000 {
        backlog.push(&record(MOQ_RECORD_OBJECT, id, 100));
        if id >= 100 {
            assert_eq!(backlog.drop_front().map(|it| it.object), Some(id - 100));
        }
    }
    assert!(backlog.bytes.capacity() < 4 * 100 * 168);
    for id in 0..10_000 {
        backlog.push(&record(MOQ_RECORD_OBJECT, id, 100));
    }
    while backlog.drop_front().is_some() {}
    assert!(backlog.bytes.capacity() <= KEPT);
}

#[test]
fn a_long_payload_stays_shared() {
    let mut backlog = Backlog::default();
    let long = record(MOQ_RECORD_OBJECT, 1, SHORT + 1);
    backlog.push(&long);
    let mut records = Vec::new();
    backlog.take_records(&mut records);
    assert_eq!(records[0].payload.as_ptr(), long.payload.as_ptr());
}
