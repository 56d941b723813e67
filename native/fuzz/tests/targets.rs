//! Every target lives through its examples and through some thousands of mutations of them, always
//! the same ones.

use moqt_fuzz::mutate::{mutate, Random};
use moqt_fuzz::{corpus, target, TARGETS};
use std::panic::{catch_unwind, AssertUnwindSafe};

const MUTATIONS: u64 = 4_000;

fn replay(name: &str) {
    let target = target(name).expect("a target");
    let examples = corpus::examples(name).expect("its folder in the corpus");
    assert!(!examples.is_empty(), "no examples");
    let survives = |what: &str, bytes: &[u8]| {
        let run = AssertUnwindSafe(|| target(bytes));
        if catch_unwind(run).is_err() {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            panic!("{name} is broken by {what}: {hex}");
        }
    };
    for (file, bytes) in &examples {
        survives(file, bytes);
    }
    let mut random = Random::new(18);
    for number in 0..MUTATIONS {
        let (file, example) = &examples[random.below(examples.len())];
        let (_, other) = &examples[random.below(examples.len())];
        let bytes = mutate(example, other, &mut random);
        survives(&format!("mutation {number} (of {file})"), &bytes);
    }
}

macro_rules! targets {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )+

        #[test]
        fn every_target_is_tested() {
            let tested = [$(stringify!($name)),+];
            let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(known, tested);
        }
    };
}

targets!(
    varint,
    name,
    token,
    properties,
    params,
    control,
    subgroup,
    fetch,
    datagram,
    session,
    client,
    webtransport,
    url,
    options,
    catalog,
    token_file,
    arguments,
);
