//! Generates the C header from the sources, with cbindgen as a library: no tool has to be installed.

use cbindgen::{
    Builder, Config, DocumentationLength, DocumentationStyle, EnumConfig, ExportConfig, Language,
    Style,
};
use std::path::Path;

const SOURCES: &[&str] = &[
    "error.rs",
    "record.rs",
    "abi/library.rs",
    "abi/client.rs",
    "abi/publish.rs",
    "abi/requests.rs",
    "abi/receive.rs",
    "abi/relay.rs",
    "inherited/types.rs",
    "inherited/library.rs",
    "inherited/client.rs",
    "inherited/announce.rs",
    "inherited/publish.rs",
    "inherited/subscribe.rs",
    "inherited/catalog.rs",
];

const TOP: &str = "\
/*
 * moq-ffi: the C ABI of the moq-game client and embedded relay.
 *
 * Generated from native/moq-ffi/src; do not edit. After a change there:
 *   MOQ_BLESS=1 cargo test -p moq-ffi --test header
 *
 * Rules that hold for every function:
 * - None waits for the network, except where its text says so.
 * - Every one may be called from any thread, and from inside every callback, except where its text
 *   says so.
 * - Memory that a caller gives is used during the call only, and stays the caller's.
 * - What is not MOQ_OK has changed nothing, unless its text says so; moq_last_error tells what
 *   happened and what to do next.
 * - Text is UTF-8. Options are JSON objects with the names of the TypeScript interfaces; unknown or
 *   wrong fields are refused with a message that names them and what is accepted.
 * - The functions whose text begins with 'Inherited' are those of this library's predecessor: names,
 *   numbers and layouts as they were, over the functions above them. New code does not need them.
 *   docs/moq-ffi.md says what behaves differently.
 * - Every open handle gets exactly one MOQ_RECORD_END, and nothing after it.
 *
 * Records: 8-byte aligned, little-endian; a MoqRecordHeader of MOQ_RECORD_HEADER_SIZE bytes, then
 * the payload, padded with zeros to a multiple of 8.
 */";

/// The text of `include/moq_ffi.h`.
pub fn header() -> String {
    // C gives enums as numbers; Rust must not take one that may be out of range.
    let numbers = [(
        "DeliveryModeNumber".to_owned(),
        "MoqDeliveryMode".to_owned(),
    )];
    let export = ExportConfig {
        exclude: vec!["DeliveryModeNumber".to_owned()],
        rename: numbers.into_iter().collect(),
        ..ExportConfig::default()
    };
    let config = Config {
        export,
        language: Language::C,
        style: Style::Both,
        include_guard: Some("MOQ_FFI_H".to_owned()),
        header: Some(TOP.to_owned()),
        cpp_compat: true,
        documentation_style: DocumentationStyle::C99,
        documentation_length: DocumentationLength::Full,
        line_length: 100,
        usize_is_size_t: true,
        enumeration: EnumConfig {
            prefix_with_name: false,
            ..EnumConfig::default()
        },
        ..Config::default()
    };
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let builder = SOURCES
        .iter()
        .fold(Builder::new().with_config(config), |builder, source| {
            builder.with_src(src.join(source))
        });
    // Enums are named by callers through numbers in records, so no function mentions them.
    let builder = [
        "MoqRecordKind",
        "MoqClientState",
        "MoqGapReason",
        "MoqRecordHeader",
        "MoqDeliveryMode",
    ]
    .iter()
    .fold(builder, |builder, item| builder.include_item(item));
    let mut text = Vec::new();
    builder
        .generate()
        .expect("the sources can be read")
        .write(&mut text);
    String::from_utf8(text).expect("UTF-8")
}
