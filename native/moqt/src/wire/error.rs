//! Decoding errors and the draft's error-code registries.
//!
//! Codes are plain `u64` because unknown ones are legal on the wire and must be kept
//! (draft-18 "Grease"): each registry is a module of constants with a `name` look-up.

use std::fmt;

/// Why bytes could not be decoded, or a message could not be encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WireError {
    /// The bytes end too early. On a stream this means "wait"; in a whole message or datagram it
    /// is a violation. `missing` is a lower bound of the bytes still needed.
    Truncated {
        /// At least this many more bytes are needed.
        missing: usize,
    },
    /// An object is larger than this endpoint takes.
    TooLarge {
        /// The announced size in bytes.
        size: u64,
    },
    /// The bytes break the draft.
    Malformed {
        /// The session termination code that the draft names, see [`session_codes`].
        code: u64,
        /// What was wrong.
        reason: &'static str,
    },
}

impl WireError {
    /// A `PROTOCOL_VIOLATION`.
    pub const fn violation(reason: &'static str) -> Self {
        WireError::Malformed {
            code: session_codes::PROTOCOL_VIOLATION,
            reason,
        }
    }

    /// A `KEY_VALUE_FORMATTING_ERROR`.
    pub const fn key_value(reason: &'static str) -> Self {
        WireError::Malformed {
            code: session_codes::KEY_VALUE_FORMATTING_ERROR,
            reason,
        }
    }

    /// The session termination code to close with.
    pub fn code(&self) -> u64 {
        match self {
            WireError::Malformed { code, .. } => *code,
            WireError::Truncated { .. } => session_codes::PROTOCOL_VIOLATION,
            WireError::TooLarge { .. } => session_codes::INTERNAL_ERROR,
        }
    }

    /// The reason in words.
    pub fn reason(&self) -> &'static str {
        match self {
            WireError::Malformed { reason, .. } => reason,
            WireError::Truncated { .. } => "ends too early",
            WireError::TooLarge { .. } => "object larger than this endpoint takes",
        }
    }

    /// Turns "ends too early" into a violation, for bytes whose end is known.
    pub fn at_end(self) -> Self {
        match self {
            WireError::Truncated { .. } => WireError::violation("ends too early"),
            other => other,
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({})",
            self.reason(),
            session_codes::name(self.code())
        )
    }
}

impl std::error::Error for WireError {}

/// Whether `value` is of the reserved form `0x7f * N + 0x9D` (draft-18 "Grease").
pub const fn is_grease(value: u64) -> bool {
    value >= 0x9D && (value - 0x9D) % 0x7F == 0
}

macro_rules! registry {
    ($(#[$doc:meta])* $module:ident { $($name:ident = $value:expr),+ $(,)? }) => {
        $(#[$doc])*
        pub mod $module {
            $(#[doc = concat!("`", stringify!($name), "`")] pub const $name: u64 = $value;)+

            /// The draft's name of a code; unknown codes count as internal errors and are named so.
            pub fn name(code: u64) -> &'static str {
                match code {
                    $($value => stringify!($name),)+
                    _ => "UNKNOWN",
                }
            }

            /// Every code of the registry with its name.
            pub const ALL: &[(u64, &str)] = &[$(($value, stringify!($name))),+];
        }
    };
}

registry! {
    /// Session termination error codes.
    session_codes {
        NO_ERROR = 0x0,
        INTERNAL_ERROR = 0x1,
        UNAUTHORIZED = 0x2,
        PROTOCOL_VIOLATION = 0x3,
        INVALID_REQUEST_ID = 0x4,
        DUPLICATE_TRACK_ALIAS = 0x5,
        KEY_VALUE_FORMATTING_ERROR = 0x6,
        INVALID_PATH = 0x8,
        MALFORMED_PATH = 0x9,
        GOAWAY_TIMEOUT = 0x10,
        CONTROL_MESSAGE_TIMEOUT = 0x11,
        DATA_STREAM_TIMEOUT = 0x12,
        AUTH_TOKEN_CACHE_OVERFLOW = 0x13,
        DUPLICATE_AUTH_TOKEN_ALIAS = 0x14,
        VERSION_NEGOTIATION_FAILED = 0x15,
        MALFORMED_AUTH_TOKEN = 0x16,
        UNKNOWN_AUTH_TOKEN_ALIAS = 0x17,
        EXPIRED_AUTH_TOKEN = 0x18,
        INVALID_AUTHORITY = 0x19,
        MALFORMED_AUTHORITY = 0x1A,
    }
}

registry! {
    /// REQUEST_ERROR codes.
    request_codes {
        INTERNAL_ERROR = 0x0,
        UNAUTHORIZED = 0x1,
        TIMEOUT = 0x2,
        NOT_SUPPORTED = 0x3,
        MALFORMED_AUTH_TOKEN = 0x4,
        EXPIRED_AUTH_TOKEN = 0x5,
        GOING_AWAY = 0x6,
        EXCESSIVE_LOAD = 0x9,
        DOES_NOT_EXIST = 0x10,
        INVALID_RANGE = 0x11,
        MALFORMED_TRACK = 0x12,
        DUPLICATE_SUBSCRIPTION = 0x19,
        UNINTERESTED = 0x20,
        PREFIX_OVERLAP = 0x30,
        NAMESPACE_TOO_LARGE = 0x31,
        INVALID_JOINING_REQUEST_ID = 0x32,
        UNSUPPORTED_EXTENSION = 0x33,
        REDIRECT = 0x34,
    }
}

registry! {
    /// PUBLISH_DONE status codes.
    done_codes {
        INTERNAL_ERROR = 0x0,
        UNAUTHORIZED = 0x1,
        TRACK_ENDED = 0x2,
        SUBSCRIPTION_ENDED = 0x3,
        GOING_AWAY = 0x4,
        TOO_FAR_BEHIND = 0x5,
        EXPIRED = 0x6,
        UPDATE_FAILED = 0x8,
        EXCESSIVE_LOAD = 0x9,
        MALFORMED_TRACK = 0x12,
    }
}

registry! {
    /// Stream reset (and STOP_SENDING) error codes.
    stream_codes {
        INTERNAL_ERROR = 0x0,
        CANCELLED = 0x1,
        DELIVERY_TIMEOUT = 0x2,
        SESSION_CLOSED = 0x3,
        GOING_AWAY = 0x4,
        TOO_FAR_BEHIND = 0x5,
        UNKNOWN_OBJECT_STATUS = 0x6,
        EXPIRED_AUTH_TOKEN = 0x7,
        EXCESSIVE_LOAD = 0x9,
        MALFORMED_TRACK = 0x12,
    }
}
