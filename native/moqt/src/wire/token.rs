//! Authorization tokens (draft-18 "AUTHORIZATION TOKEN Parameter").

use super::cursor::{Reader, Writer};
use super::error::WireError;
use super::varint::VarintCoding;
use bytes::{Bytes, BytesMut};

/// A token as the wire carries it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthToken {
    /// Retires a registered alias.
    Delete {
        /// The alias.
        alias: u64,
    },
    /// Registers a token under an alias and uses it.
    Register {
        /// The alias, unique among the sender's.
        alias: u64,
        /// The registered token type; 0 is agreed out of band.
        token_type: u64,
        /// The token.
        value: Bytes,
    },
    /// Uses a registered token.
    UseAlias {
        /// The alias.
        alias: u64,
    },
    /// Uses a token once.
    UseValue {
        /// The registered token type; 0 is agreed out of band.
        token_type: u64,
        /// The token.
        value: Bytes,
    },
}

/// A token with any alias resolved.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Token {
    /// The registered token type; 0 is agreed out of band.
    pub token_type: u64,
    /// The token.
    pub value: Bytes,
}

impl AuthToken {
    /// Decodes a whole token structure; `KEY_VALUE_FORMATTING_ERROR` if it is not one.
    pub fn decode(value: &Bytes, coding: VarintCoding) -> Result<Self, WireError> {
        Self::read(&mut Reader::new(value, coding))
            .map_err(|_| WireError::key_value("authorization token cannot be decoded"))
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let token = match r.varint()? {
            0 => AuthToken::Delete { alias: r.varint()? },
            1 => {
                let (alias, token_type) = (r.varint()?, r.varint()?);
                AuthToken::Register {
                    alias,
                    token_type,
                    value: r.rest(),
                }
            }
            2 => AuthToken::UseAlias { alias: r.varint()? },
            3 => AuthToken::UseValue {
                token_type: r.varint()?,
                value: r.rest(),
            },
            _ => return Err(WireError::key_value("unknown token alias type")),
        };
        r.expect_end()?;
        Ok(token)
    }

    /// The token structure's bytes.
    pub fn to_bytes(&self, coding: VarintCoding) -> Bytes {
        let mut out = BytesMut::new();
        let mut w = Writer::new(&mut out, coding);
        match self {
            AuthToken::Delete { alias } => {
                w.varint(0);
                w.varint(*alias);
            }
            AuthToken::Register {
                alias,
                token_type,
                value,
            } => {
                w.varint(1);
                w.varint(*alias);
                w.varint(*token_type);
                w.bytes(value);
            }
            AuthToken::UseAlias { alias } => {
                w.varint(2);
                w.varint(*alias);
            }
            AuthToken::UseValue { token_type, value } => {
                w.varint(3);
                w.varint(*token_type);
                w.bytes(value);
            }
        }
        out.freeze()
    }
}
