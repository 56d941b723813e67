//! Authorization tokens of a session (draft-18 "AUTHORIZATION TOKEN Parameter").

use crate::hash::IntMap;
use crate::wire::{session_codes, AuthToken, Token, WireError};

/// What a registered token counts beside its value.
const TOKEN_OVERHEAD: u64 = 16;

/// What one side has registered with the other.
pub(super) struct TokenCache {
    tokens: IntMap<u64, Token>,
    size: u64,
    limit: u64,
}

/// Why tokens were not accepted.
pub(super) enum TokenFault {
    /// Closes the session.
    Session(WireError),
    /// Rejects the message with MALFORMED_AUTH_TOKEN.
    Message,
}

fn fault(code: u64, reason: &'static str) -> TokenFault {
    TokenFault::Session(WireError::Malformed { code, reason })
}

fn cost(value_len: usize) -> u64 {
    TOKEN_OVERHEAD + value_len as u64
}

impl TokenCache {
    pub fn new(limit: u64) -> Self {
        TokenCache {
            tokens: IntMap::default(),
            size: 0,
            limit,
        }
    }

    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    fn register(&mut self, alias: u64, token: Token) -> Result<(), TokenFault> {
        if self.tokens.contains_key(&alias) {
            return Err(fault(
                session_codes::DUPLICATE_AUTH_TOKEN_ALIAS,
                "token alias registered twice",
            ));
        }
        let size = self.size.saturating_add(cost(token.value.len()));
        if size > self.limit {
            return Err(fault(
                session_codes::AUTH_TOKEN_CACHE_OVERFLOW,
                "token cache is full",
            ));
        }
        self.size = size;
        self.tokens.insert(alias, token);
        Ok(())
    }

    fn delete(&mut self, alias: u64) -> Result<(), TokenFault> {
        let token = self.tokens.remove(&alias).ok_or_else(unknown)?;
        self.size -= cost(token.value.len());
        Ok(())
    }

    /// Applies the tokens of a message in order and gives those that it uses. Registrations stay
    /// even when the message is rejected.
    pub fn resolve(&mut self, tokens: &[AuthToken]) -> Result<Vec<Token>, TokenFault> {
        let mut used: Vec<Token> = Vec::with_capacity(tokens.len());
        let mut repeated = false;
        for token in tokens {
            let token = match token {
                AuthToken::Delete { alias } => {
                    self.delete(*alias)?;
                    continue;
                }
                AuthToken::Register {
                    alias,
                    token_type,
                    value,
                } => {
                    let token = Token {
                        token_type: *token_type,
                        value: value.clone(),
                    };
                    self.register(*alias, token.clone())?;
                    token
                }
                AuthToken::UseAlias { alias } => {
                    self.tokens.get(alias).ok_or_else(unknown)?.clone()
                }
                AuthToken::UseValue { token_type, value } => Token {
                    token_type: *token_type,
                    value: value.clone(),
                },
            };
            repeated |= used.contains(&token);
            used.push(token);
        }
        if repeated {
            return Err(TokenFault::Message);
        }
        Ok(used)
    }

    /// The tokens of SETUP: no DELETE and USE_ALIAS, and a registration that does not fit is used
    /// once.
    pub fn resolve_setup(&mut self, tokens: &[AuthToken]) -> Result<Vec<Token>, TokenFault> {
        let mut used = Vec::with_capacity(tokens.len());
        for token in tokens {
            let (alias, token_type, value) = match token {
                AuthToken::Delete { .. } | AuthToken::UseAlias { .. } => {
                    return Err(fault(
                        session_codes::PROTOCOL_VIOLATION,
                        "SETUP deletes or uses a token alias",
                    ));
                }
                AuthToken::Register {
                    alias,
                    token_type,
                    value,
                } => (Some(*alias), *token_type, value),
                AuthToken::UseValue { token_type, value } => (None, *token_type, value),
            };
            let token = Token {
                token_type,
                value: value.clone(),
            };
            if let Some(alias) = alias {
                let fits = self.size.saturating_add(cost(value.len())) <= self.limit;
                if fits || self.tokens.contains_key(&alias) {
                    self.register(alias, token.clone())?;
                }
            }
            used.push(token);
        }
        Ok(used)
    }

    /// Whether the peer would accept these tokens of ours.
    pub fn check_own(&self, tokens: &[AuthToken]) -> Result<(), &'static str> {
        let (mut size, mut fresh) = (self.size, Vec::new());
        for token in tokens {
            match token {
                AuthToken::Delete { alias } | AuthToken::UseAlias { alias }
                    if !self.tokens.contains_key(alias) && !fresh.contains(alias) =>
                {
                    return Err("token alias is not registered");
                }
                AuthToken::Register { alias, value, .. } => {
                    if self.tokens.contains_key(alias) || fresh.contains(alias) {
                        return Err("token alias is registered already");
                    }
                    fresh.push(*alias);
                    size = size.saturating_add(cost(value.len()));
                    if size > self.limit {
                        return Err("the peer keeps no more tokens: use them by value");
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Counts tokens of ours that were sent, after [`TokenCache::check_own`].
    pub fn apply_own(&mut self, tokens: &[AuthToken]) {
        // A repeated token is the peer's to reject; registrations count all the same.
        let _ = self.resolve(tokens);
    }
}

fn unknown() -> TokenFault {
    fault(
        session_codes::UNKNOWN_AUTH_TOKEN_ALIAS,
        "token alias is not registered",
    )
}
