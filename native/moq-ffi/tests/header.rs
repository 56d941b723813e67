//! `include/moq_ffi.h` is generated from `src`, and the library exports what it declares. After a
//! change of the ABI: `MOQ_BLESS=1 cargo test -p moq-ffi --test header`.

#[path = "support/declared.rs"]
mod declared;
#[path = "support/generate.rs"]
mod generate;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn header_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include/moq_ffi.h")
}

#[test]
fn the_committed_header_is_what_the_sources_give() {
    let generated = generate::header();
    let path = header_path();
    if std::env::var_os("MOQ_BLESS").is_some() {
        std::fs::write(&path, &generated).expect("the header can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "include/moq_ffi.h is stale; run: MOQ_BLESS=1 cargo test -p moq-ffi --test header"
    );
}

/// Names of functions that the header declares.
fn declared() -> BTreeSet<String> {
    let header = std::fs::read_to_string(header_path()).expect("the header is committed");
    declared::functions(&header)
}

#[cfg(target_os = "linux")]
#[test]
fn the_library_exports_exactly_what_the_header_declares() {
    // The test program lies in target/PROFILE/deps, the library beside or one above.
    let program = std::env::current_exe().expect("a path");
    let deps = program.parent().expect("a folder");
    let found = [deps.join("libmoq_ffi.so"), deps.join("../libmoq_ffi.so")];
    let library = found
        .iter()
        .find(|path| path.exists())
        .expect("cargo built the cdylib");
    let output = Command::new("nm")
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(library)
        .output()
        .expect("nm runs (binutils)");
    assert!(
        output.status.success(),
        "nm failed on {}",
        library.display()
    );
    let exported: BTreeSet<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.starts_with("rust_eh_personality"))
        .map(str::to_owned)
        .collect();
    let declared = declared();
    assert!(
        declared.len() >= 25,
        "only {declared:?} were found in the header"
    );
    assert_eq!(exported, declared);
}

#[test]
fn every_function_says_its_threads() {
    let header = std::fs::read_to_string(header_path()).expect("the header is committed");
    let (mut text, mut checked) = (String::new(), 0);
    for line in header.lines() {
        if let Some(comment) = line.strip_prefix("//") {
            text.push_str(comment);
        } else if line.contains("moq_") && line.contains('(') && !line.starts_with([' ', '#']) {
            // Types of callbacks say from where they are called, functions from where they may be, or which
            // other function they are like.
            let says = [" thread", "inside a callback", "`moq_"];
            assert!(
                says.iter().any(|words| text.contains(words)),
                "say from which threads it may be called, and whether it blocks: {line}"
            );
            checked += 1;
            text.clear();
        } else {
            text.clear();
        }
    }
    assert!(checked >= 25, "only {checked} declarations were found");
}
