//! T16: no border can be forgotten. Where a thread begins, a panic is caught, or a function is
//! exported, a panic of the library must stop; all of that has to go through `moqt_net::border`, which
//! names it, so that the tests with injected panics (panics_test.cc) know of it.

use std::path::{Path, PathBuf};

/// A program of its own, whose main function is its border.
const OUTSIDE: &str = "moqt-relay/src/cli.rs";
const BORDER: &str = "moqt-net/src/border.rs";
/// What the bodies of exported functions run in: `abi::guard`, and what is made of it.
const GUARDS: &[&str] = &["guard(", "result(", "value("];
/// What begins or ends a border.
const MARKS: &[&str] = &[
    "catch_unwind",
    "thread::spawn(",
    "thread::Builder",
    ".spawn_scoped(",
];

fn native() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// Name within `native` and text, tests left out.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for library in ["moqt", "moqt-net", "moqt-relay", "moq-ffi"] {
        rust_files(&native().join(library).join("src"), &mut files);
    }
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("text");
        let text = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .map(str::to_owned);
        let name = path.strip_prefix(native()).expect("inside");
        (
            name.to_string_lossy().replace('\\', "/"),
            text.unwrap_or_default(),
        )
    };
    let files = files.into_iter().filter(|path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        !name.ends_with("tests.rs") && !path.components().any(|part| part.as_os_str() == "tests")
    });
    files.map(read).collect()
}

#[test]
fn threads_begin_and_panics_stop_in_one_place() {
    let sources = sources();
    assert!(
        sources.len() > 100,
        "only {} files were read",
        sources.len()
    );
    let outside: Vec<String> = sources
        .iter()
        .filter(|(name, _)| name != BORDER && name != OUTSIDE)
        .flat_map(|(name, text)| {
            let line = |mark: &&str| text.lines().find(|line| line.contains(*mark));
            let found = MARKS.iter().filter_map(line);
            found.map(move |line| format!("{name}: {}", line.trim()))
        })
        .collect();
    assert!(
        outside.is_empty(),
        "use moqt_net::border::{{catch, spawn}} and give the border a name: {outside:#?}"
    );
}

/// Names of the functions that a source exports, with their bodies' beginnings.
fn exported(text: &str) -> Vec<(&str, &str)> {
    text.split("#[no_mangle]")
        .skip(1)
        .map(|after| {
            let name = after.split("fn ").nth(1).unwrap_or_default();
            let name = name.split(['(', '<']).next().unwrap_or_default();
            let body = after.split_once('{').map_or("", |(_, body)| body);
            (name, body.trim_start())
        })
        .collect()
}

#[test]
fn every_exported_function_runs_behind_a_guard() {
    let mut seen = 0;
    for (file, text) in sources() {
        if !file.starts_with("moq-ffi/src/") || file.ends_with("/injection.rs") {
            continue;
        }
        for (name, body) in exported(&text) {
            seen += 1;
            let docs = text
                .split(&format!("fn {name}("))
                .next()
                .unwrap_or_default();
            let docs = docs.rsplit("#[no_mangle]").nth(1).unwrap_or_default();
            let cannot_fail = docs.trim_end().ends_with("Cannot fail.");
            let body = body.split("\n}").next().unwrap_or_default();
            let guarded = GUARDS.iter().any(|guard| body.contains(guard));
            assert!(
                guarded || cannot_fail,
                "{file}: {name} must run in one of {GUARDS:?}, or do nothing that can fail and say \"Cannot fail.\""
            );
        }
    }
    assert!(seen >= 45, "only {seen} exported functions were found");
}
