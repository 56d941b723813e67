//! The committed examples: `corpus/TARGET/NAME`, made from the shared vectors and a few texts.
//! What a fuzzer found and a fix has settled lies beside them, so that it stays settled.

use crate::mutate::Random;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the examples lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The examples of a target, in the order of their names.
pub fn examples(target: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder().join(target))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        found.push((name, fs::read(entry.path())?));
    }
    found.sort();
    Ok(found)
}

/// Writes the examples that come from elsewhere in the repository. Others are left alone.
pub fn write() -> io::Result<usize> {
    let mut count = 0;
    let mut save = |target: &str, name: &str, bytes: &[u8]| {
        let folder = folder().join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(slug(name)), bytes)?;
        count += 1;
        Ok::<(), io::Error>(())
    };
    for file in ["control", "datagram", "fetch", "subgroup", "malformed"] {
        for (kind, name, bytes) in vectors(file)? {
            match kind.as_str() {
                // A broken stream is one of either kind.
                "stream" => {
                    save("subgroup", &name, &bytes)?;
                    save("fetch", &name, &bytes)?;
                }
                kind => save(kind, &name, &bytes)?,
            }
        }
    }
    for value in [0_u64, 63, 64, 16_383, 1 << 30, 1 << 62, u64::MAX] {
        let mut out = [0; moqt::wire::varint::MAX_VARINT_LEN];
        for coding in [
            moqt::wire::VarintCoding::LeadingOnes,
            moqt::wire::VarintCoding::Quic,
        ] {
            if value <= coding.max() {
                let length = coding.encode(value, &mut out);
                let name = format!("{coding:?} {value}");
                save("varint", &name, out.get(..length).unwrap_or_default())?;
            }
        }
    }
    for (target, name, bytes) in BY_HAND {
        save(target, name, bytes)?;
    }
    // Decisions of a peer: any bytes will do, and a few lengths of them.
    for target in ["session", "client"] {
        for seed in 0..8 {
            let mut random = Random::new(seed);
            let length = 60 << (seed % 4);
            let bytes: Vec<u8> = (0..length).map(|_| random.draw() as u8).collect();
            save(target, &format!("random {seed}"), &bytes)?;
        }
    }
    Ok(count)
}

type Example = (&'static str, &'static str, &'static [u8]);

const BY_HAND: &[Example] = &[
    ("name", "two fields", b"\x02\x05match\x0242\x05world"),
    ("name", "nothing", b"\x00\x00"),
    ("token", "use value", b"\x03\x00secret"),
    ("token", "register", b"\x01\x05\x00secret"),
    ("token", "use alias", b"\x02\x05"),
    ("token", "delete", b"\x00\x05"),
    ("properties", "class", b"\xb8\x00\x02"),
    ("properties", "immutable", b"\x0b\x03\xb8\x00\x02"),
    ("params", "subscribe", b"\x00\x02\x10\x01\x10\x80"),
    ("params", "filter", b"\x00\x01\x21\x01\x02"),
    ("params", "none", b"\x40\x00"),
    (
        "webtransport",
        "settings",
        b"\x00\x00\x04\x0f\xab\x60\x37\x42\x01\x33\x01\xab\x60\x37\x43\x01",
    ),
    (
        "webtransport",
        "close",
        b"\x01\x00\x09\x68\x43\x06\x00\x00\x00\x07hi",
    ),
    ("webtransport", "stream", b"\x02\x40\x54\x00\x01\x02"),
    (
        "url",
        "webtransport",
        b"https://relay.example:4443/game?room=1",
    ),
    ("url", "quic", b"moqt://[::1]:4443/"),
    ("url", "international", "moqt://bücher.example".as_bytes()),
    (
        "options",
        "client",
        br#"{"url":"moqt://127.0.0.1:4443","token":"secret","serverCertificateHashes":[]}"#,
    ),
    (
        "options",
        "publish",
        br#"{"namespace":["match","42"],"name":"world","delivery":"deadline","deadline":200}"#,
    ),
    (
        "options",
        "subscribe",
        br#"{"namespace":"match/42","name":"world","start":"latest-group","wait":1000}"#,
    ),
    (
        "options",
        "fetch",
        br#"{"namespace":"a","name":"b","fromGroup":1,"toGroup":2,"order":"descending"}"#,
    ),
    (
        "options",
        "relay",
        br#"{"listen":"127.0.0.1:0","limits":{"sessions":5},"http":"off","names":["a"]}"#,
    ),
    ("options", "discover", br#"{"prefix":["match"]}"#),
    (
        "token_file",
        "both",
        br#"{"tokens":{"secret":{"publish":["*"],"subscribe":["a/b"]}},"anonymous":{}}"#,
    ),
    (
        "arguments",
        "several",
        b"--listen\n[::]:0\n--max-sessions=7\n--log\ndebug",
    ),
    ("arguments", "help", b"--help"),
    ("arguments", "mistake", b"--lisen\nx"),
];

fn slug(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric();
    let text: String = name
        .chars()
        .map(|c| {
            if allowed(c) {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    text.trim_matches('-').to_owned()
}

/// Kind, name and bytes of each entry of a file of shared vectors.
fn vectors(file: &str) -> io::Result<Vec<(String, String, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/vectors/draft18");
    let text = fs::read_to_string(folder.join(format!("{file}.json")))?;
    let entries: Vec<serde_json::Value> = serde_json::from_str(&text)?;
    let field = |entry: &serde_json::Value, name: &str| {
        let value = entry.get(name).and_then(serde_json::Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    Ok(entries
        .iter()
        .map(|entry| {
            let name = match file {
                "malformed" => format!("malformed {}", field(entry, "name")),
                _ => field(entry, "name"),
            };
            (field(entry, "kind"), name, from_hex(&field(entry, "hex")))
        })
        .collect())
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
