//! What `include/moq_ffi.h` declares. Read by a test, and by the build script.

use std::collections::BTreeSet;

/// Names of functions in the text of the header.
pub fn functions(header: &str) -> BTreeSet<String> {
    // A declaration is not indented, not a comment, and its name stands before a bracket.
    let lines = header
        .lines()
        .filter(|line| !line.starts_with([' ', '/', '#', '*']));
    lines
        .filter_map(|line| line.split_once('(').map(|(before, _)| before))
        .filter_map(|before| before.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("moq_"))
        .map(str::to_owned)
        .collect()
}
