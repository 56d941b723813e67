//! Fuzz targets: functions that take any bytes, and panic when what they stand for is broken.
//!
//! The same functions run three ways: the tests of this crate replay the corpus and mutate it a
//! little; `moqt-fuzz` (this crate's program) mutates for as long as it is told, on stable Rust;
//! `libfuzzer/` hands them to libFuzzer, which sees which code was reached.
//!
//! | room | what it reads |
//! |---|---|
//! | `wire` | integers, names, tokens, properties, control messages, streams, datagrams |
//! | `session` | what a peer does on a connection: against a session of either side, and a client |
//! | `peer`, `templates` | that peer, and the messages that it bends |
//! | `outer` | the WebTransport exchange, URLs, options, catalogs, token files, the command line |
//! | `mutate` | random changes, for runs without libFuzzer |
//! | `corpus` | files of examples, and how they are made |

pub mod corpus;
mod input;
pub mod mutate;
mod outer;
mod peer;
mod session;
mod templates;
mod wire;

/// A function that must live through any bytes.
pub type Target = fn(&[u8]);

/// Every target with its name, which is also the name of its folder in the corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("varint", wire::varint),
    ("name", wire::name),
    ("token", wire::token),
    ("properties", wire::properties),
    ("params", wire::params),
    ("control", wire::control),
    ("subgroup", wire::subgroup),
    ("fetch", wire::fetch),
    ("datagram", wire::datagram),
    ("session", session::session),
    ("client", session::client),
    ("webtransport", outer::webtransport),
    ("url", outer::url),
    ("options", outer::options),
    ("catalog", outer::catalog),
    ("token_file", outer::token_file),
    ("arguments", outer::arguments),
];

/// The target with this name.
pub fn target(name: &str) -> Option<Target> {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name)?;
    Some(*target)
}

/// Gives bytes to the target with this name.
///
/// # Panics
///
/// When the target is broken, or there is none of this name.
pub fn run(name: &str, data: &[u8]) {
    match target(name) {
        Some(target) => target(data),
        None => panic!("no target {name}"),
    }
}
