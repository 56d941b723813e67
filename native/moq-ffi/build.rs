//! What the linker writes into the shared library.

#[path = "tests/support/declared.rs"]
mod declared;

use std::env::var;
use std::path::Path;

/// The header: its functions are what the library exports.
const HEADER: &str = "include/moq_ffi.h";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let system = var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let environment = var("CARGO_CFG_TARGET_ENV").unwrap_or_default();
    match (system.as_str(), environment.as_str()) {
        ("linux", _) => {
            // Programs that link the library look for it under this name, not where it was built.
            argument("-Wl,-soname,libmoq_ffi.so");
            // Debuggers match the library with the symbols that ship apart.
            argument("-Wl,--build-id=sha1");
        }
        // Rust's own linker, when cross-compiling, is called without a C compiler in between.
        ("macos", _) if var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|f| f.contains("ld64.lld")) => {
            argument("-install_name");
            argument("@rpath/libmoq_ffi.dylib");
        }
        ("macos", _) => argument("-Wl,-install_name,@rpath/libmoq_ffi.dylib"),
        ("windows", "gnu") => export_functions(),
        _ => {}
    }
}

fn argument(text: &str) {
    println!("cargo:rustc-cdylib-link-arg={text}");
}

/// Rust's own list does not reach the linker when zig links, and without any everything is exported.
fn export_functions() {
    println!("cargo:rerun-if-changed={HEADER}");
    let header = std::fs::read_to_string(HEADER).expect("the header is committed");
    let mut list = String::from("EXPORTS\n");
    for name in declared::functions(&header) {
        list += &format!("    {name}\n");
    }
    let path = Path::new(&var("OUT_DIR").expect("cargo sets it")).join("moq_ffi.def");
    std::fs::write(&path, list).expect("OUT_DIR can be written");
    argument(&path.to_string_lossy());
}
