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
 *
 * Errors: what to do next. The text that comes with each says it for the case at hand.
 *   INVALID_ARGUMENT     correct the argument or option that the text names
 *   CONNECTION_FAILED    check address, port, UDP and that the relay runs; then try again
 *   NOT_CONNECTED        wait for the state OPEN and ask again
 *   TIMEOUT              try again, or allow more time (see below)
 *   INTERNAL             report it with its text
 *   UNSUPPORTED          do without, or use a peer that has it
 *   BUFFER_TOO_SMALL     call again with the size that was told
 *   CLOSED               open another handle
 *   WOULD_BLOCK          wait for WRITABLE (updates), or try again later
 *   TOO_LARGE            send less, or raise the limit that the text names
 *   LIMIT_EXCEEDED       close some of what is open, or raise the limit that the text names
 *   UNAUTHORIZED         connect with a token that the relay accepts
 *   CERTIFICATE          as the text says, which is different for each cause (MoqCertificateReason in
 *                        the client's END): expired, not valid yet, for another name, of an unknown
 *                        issuer, not among the pinned hashes, or the relay does not take this
 *                        client's certificate
 *   PROTOCOL_MISMATCH    use a relay of one of the drafts that the text lists
 *   PROTOCOL_VIOLATION   report it to whoever runs the peer
 *   NOT_FOUND            check the name, or wait for a publisher (option wait)
 *   CANCELLED            ask again, if it is still wanted
 *   GOING_AWAY           connect to another relay, as a client with reconnect does
 *   TOO_FAR_BEHIND       read faster, or use a class that drops
 *   MALFORMED_TRACK      report it to whoever publishes the track
 *   DUPLICATE            use the one that exists
 *   BUSY                 call from another thread, or later
 *   UNAVAILABLE          install the library for this platform
 *   RATE_LIMITED         slow down, or raise the rate that the text names
 *
 * Timeouts, in ms. What takes longer ends with TIMEOUT. Closing a handle cancels at any time, from
 * any thread: when moq_handle_close or moq_client_close returns, no record of it comes any more.
 *   what                               of a client (default)       of one call
 *   connect: token, QUIC, SETUP        connectTimeout (10000)      -
 *   silence of the peer                idleTimeout (15000)         -
 *   publish until READY                requestTimeout (30000)      timeout
 *   subscribe until READY              requestTimeout (30000)      timeout; wait comes on top
 *   discover until accepted            requestTimeout (30000)      timeout
 *   track status until END             requestTimeout (30000)      timeout
 *   fetch until its first answer       requestTimeout (30000)      -
 *   fetch until END                    -                           timeout
 *   a missing group of a track         -                           gapTimeout (2000)
 *   end of a publication, acknowledged -                           flush_ms (0)
 *   close of a client, acknowledged    -                           flush_ms (0)
 *   relay stop, for clients to leave   -                           grace_ms
 *   without a connection               reconnect.timeout (120000)  -
 * requestTimeout counts on each connection anew, timeout from the call on. moq_shutdown waits for
 * no peer; it takes less than a second.
 *
 * Limits of a client, and what is beyond them (those of a relay: docs/limits.md):
 *   what                               default   option              error, or what happens
 *   an options text                    1 MiB     -                   INVALID_ARGUMENT
 *   a token                            16384     -                   INVALID_ARGUMENT
 *   namespace fields; with the name    32; 4096  -                   INVALID_ARGUMENT
 *   an object, both ways               16 MiB    maxObjectSize       TOO_LARGE; a gap when received
 *   a datagram                         1100      maxDatagramSize     TOO_LARGE
 *   waiting of a publication           1 MiB     queueBytes          WOULD_BLOCK, or the class drops
 *   kept for late joiners              8 MiB     retainBytes         late joiners begin later
 *   waiting of a subscription          8 MiB     queueBytes          pause, or the oldest goes, counted
 *   waiting of a fetch                 8 MiB     -                   pause
 *   open handles of a client           16384     -                   LIMIT_EXCEEDED
 *   subscriptions of the peer          4096      -                   refused with EXCESSIVE_LOAD
 *   live requests of the peer          1024      -                   refused with EXCESSIVE_LOAD
 *   namespaces told to a discovery     16384     -                   LIMIT_EXCEEDED
 *   a control message                  65535     -                   the wire knows no larger one
 *   unfinished messages and objects    32 MiB    maxObjectSize       the stream is stopped
 *   requests opened in a second        none      requestsPerSecond   RATE_LIMITED
 *   updates in a second                none      publishesPerSecond  RATE_LIMITED
 * A hostile peer makes one client hold at most: received and not read 8 MiB, datagrams 1 MiB,
 * unfinished 32 MiB (or maxObjectSize), its requests 4 MiB, answers that it does not read 8 MiB, and
 * the queues above.
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
        "MoqCertificateReason",
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
