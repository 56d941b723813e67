//! Why a relay could not be started.

use std::fmt;
use std::net::SocketAddr;

/// Why a relay could not be started. The text says what to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RelayError {
    /// The options cannot be used.
    Config(String),
    /// A UDP or TCP address could not be taken.
    Listen {
        /// The address.
        address: SocketAddr,
        /// `UDP` or `TCP`.
        protocol: &'static str,
        /// Whether another program has it.
        in_use: bool,
        /// What the system said.
        reason: String,
    },
    /// The certificate or key cannot be used.
    Certificate(String),
    /// A thread could not be started, or the relay ended while it was starting.
    Internal(String),
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RelayError::Config(text) | RelayError::Internal(text) => f.write_str(text),
            RelayError::Certificate(text) => write!(
                f,
                "{text}; give a PEM certificate chain and its PEM private key, or neither for a development certificate"
            ),
            RelayError::Listen { address, protocol, in_use: true, .. } => write!(
                f,
                "{protocol} port {} on {} is in use; stop the program that has it, or choose another port (0 takes a free one)",
                address.port(),
                address.ip()
            ),
            RelayError::Listen { address, protocol, reason, .. } => write!(
                f,
                "cannot listen on {protocol} {address}: {reason}; choose an address of this machine (127.0.0.1, 0.0.0.0, [::]) and a port that you may use"
            ),
        }
    }
}

impl std::error::Error for RelayError {}

impl RelayError {
    pub(crate) fn listen(address: SocketAddr, protocol: &'static str, e: &std::io::Error) -> Self {
        let in_use = e.kind() == std::io::ErrorKind::AddrInUse;
        RelayError::Listen {
            address,
            protocol,
            in_use,
            reason: e.to_string(),
        }
    }
}
