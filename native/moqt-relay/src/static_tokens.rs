//! Admission by a fixed list of tokens from a JSON file.

use crate::auth::{AccessRequest, Authorizer, ConnectRequest, Decision};
use bytes::Bytes;
use moqt::wire::name::Namespace;
use moqt::wire::token::Token;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Tokens and what each of them opens.
///
/// ```json
/// {
///   "tokens": {
///     "backend-secret":   { "publish": ["match"], "subscribe": ["match"] },
///     "spectator-secret": { "publish": [],        "subscribe": ["match/42"] },
///     "admin-secret":     { "publish": ["*"],     "subscribe": ["*"] }
///   },
///   "anonymous": { "publish": [], "subscribe": ["lobby"] }
/// }
/// ```
///
/// A namespace prefix is written with `/` between its fields (`match/42` is the two fields
/// `match` and `42`; a trailing `/` is ignored); `*` stands for every namespace. A prefix allows
/// itself and everything under it. `publish` and `subscribe` may be left out and then allow
/// nothing. `anonymous` says what a session without a known token may do; without it such a
/// session is refused. Tokens are compared as UTF-8 bytes, whatever their token type; a session
/// may present several and is allowed what any of them allows.
#[derive(Clone, Default)]
pub struct StaticTokens {
    tokens: Vec<(Bytes, Grant)>,
    anonymous: Option<Grant>,
}

#[derive(Clone, Default)]
struct Grant {
    publish: Vec<Namespace>,
    subscribe: Vec<Namespace>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    tokens: BTreeMap<String, GrantForm>,
    #[serde(default)]
    anonymous: Option<GrantForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantForm {
    #[serde(default)]
    publish: Vec<String>,
    #[serde(default)]
    subscribe: Vec<String>,
}

/// Why a token file was not accepted. Names no token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenFileError(String);

impl fmt::Display for TokenFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TokenFileError {}

impl fmt::Debug for StaticTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaticTokens({} tokens)", self.tokens.len())
    }
}

fn prefix(text: &str) -> Result<Namespace, String> {
    if text == "*" {
        return Ok(Namespace::default());
    }
    let fields = text.strip_suffix('/').unwrap_or(text).split('/');
    Namespace::new(fields.map(|f| Bytes::copy_from_slice(f.as_bytes())))
        .map_err(|e| format!("the namespace prefix {text:?} cannot be used: {e}; write fields separated by `/`, or `*` for all"))
}

fn grant(form: GrantForm) -> Result<Grant, String> {
    let list = |texts: Vec<String>| {
        texts
            .iter()
            .map(|t| prefix(t))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(Grant {
        publish: list(form.publish)?,
        subscribe: list(form.subscribe)?,
    })
}

impl StaticTokens {
    /// Reads a token file.
    pub fn from_file(path: &Path) -> Result<Self, TokenFileError> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            TokenFileError(format!(
                "cannot read the token file {}: {e}; check the path and its permissions",
                path.display()
            ))
        })?;
        Self::from_json(&text)
            .map_err(|e| TokenFileError(format!("the token file {} is wrong: {e}", path.display())))
    }

    /// Reads the JSON form.
    pub fn from_json(text: &str) -> Result<Self, TokenFileError> {
        let form: FileForm = serde_json::from_str(text).map_err(|e| {
            // Only the kind and place: serde's own text could quote a token.
            let what = match e.classify() {
                serde_json::error::Category::Data => "not of the expected form",
                serde_json::error::Category::Eof => "cut off",
                _ => "not valid JSON",
            };
            TokenFileError(format!(
                "{what} at line {}, column {}; expected {{\"tokens\": {{\"<token>\": {{\"publish\": [\"prefix\"], \"subscribe\": [\"prefix\"]}}}}, \"anonymous\": {{...}}}}",
                e.line(),
                e.column()
            ))
        })?;
        let mut tokens = Vec::new();
        for (index, (token, form)) in form.tokens.into_iter().enumerate() {
            if token.is_empty() {
                return Err(TokenFileError(
                    "a token is empty; use \"anonymous\" for sessions without a token".into(),
                ));
            }
            let grant = grant(form)
                .map_err(|e| TokenFileError(format!("token number {}: {e}", index + 1)))?;
            tokens.push((Bytes::from(token), grant));
        }
        let anonymous = form.anonymous.map(grant).transpose();
        let anonymous = anonymous.map_err(|e| TokenFileError(format!("anonymous: {e}")))?;
        Ok(StaticTokens { tokens, anonymous })
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    fn find(&self, token: &Token) -> Option<&Grant> {
        // Every entry is compared in full, so that timing tells nothing of how much matched.
        let mut found = None;
        for (known, grant) in &self.tokens {
            let mut difference = u8::from(known.len() != token.value.len());
            for (a, b) in known.iter().zip(token.value.iter()) {
                difference |= a ^ b;
            }
            if std::hint::black_box(difference) == 0 {
                found = Some(grant);
            }
        }
        found
    }

    fn check(&self, request: &AccessRequest<'_>, which: fn(&Grant) -> &[Namespace]) -> bool {
        let allows = |grant: &Grant| {
            which(grant)
                .iter()
                .any(|p| p.is_prefix_of(request.namespace))
        };
        let tokens = request.session_tokens.iter().chain(request.request_tokens);
        tokens.filter_map(|t| self.find(t)).any(allows)
            || self.anonymous.as_ref().is_some_and(allows)
    }
}

impl Authorizer for StaticTokens {
    fn connect(&self, request: &ConnectRequest<'_>) -> Decision {
        if self.anonymous.is_some() || request.tokens.iter().any(|t| self.find(t).is_some()) {
            return Decision::Allow;
        }
        Decision::deny(if request.tokens.is_empty() {
            "this relay wants a token: pass one when connecting"
        } else {
            "the token is not known to this relay"
        })
    }

    fn publish(&self, request: &AccessRequest<'_>) -> Decision {
        if self.check(request, |grant| &grant.publish) {
            return Decision::Allow;
        }
        Decision::deny("the token does not allow publishing under this namespace")
    }

    fn subscribe(&self, request: &AccessRequest<'_>) -> Decision {
        if self.check(request, |grant| &grant.subscribe) {
            return Decision::Allow;
        }
        Decision::deny("the token does not allow subscribing under this namespace")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moqt_net::TransportKind;

    const FILE: &str = r#"{
        "tokens": {
            "backend": { "publish": ["match"], "subscribe": ["match/"] },
            "viewer": { "subscribe": ["match/42"] },
            "admin": { "publish": ["*"], "subscribe": ["*"] }
        }
    }"#;

    fn token(text: &str) -> Token {
        Token {
            token_type: 0,
            value: Bytes::copy_from_slice(text.as_bytes()),
        }
    }

    fn access(auth: &StaticTokens, token_text: &str, namespace: &str) -> (bool, bool) {
        let tokens = [token(token_text)];
        let namespace = prefix(namespace).expect("a namespace");
        let request = AccessRequest {
            session_tokens: &tokens,
            request_tokens: &[],
            namespace: &namespace,
            track: None,
            transport: TransportKind::Memory,
            addr: None,
        };
        let allowed = |d: Decision| d == Decision::Allow;
        (
            allowed(auth.publish(&request)),
            allowed(auth.subscribe(&request)),
        )
    }

    fn connects(auth: &StaticTokens, tokens: &[Token]) -> Decision {
        let transport = TransportKind::Quic;
        auth.connect(&ConnectRequest {
            tokens,
            path: "/",
            transport,
            addr: None,
        })
    }

    #[test]
    fn prefixes_allow_themselves_and_what_is_under_them() {
        let auth = StaticTokens::from_json(FILE).expect("a good file");
        assert_eq!(auth.len(), 3);
        assert_eq!(access(&auth, "backend", "match/42"), (true, true));
        assert_eq!(access(&auth, "backend", "matches"), (false, false));
        assert_eq!(access(&auth, "viewer", "match/42/pose"), (false, true));
        assert_eq!(access(&auth, "viewer", "match"), (false, false));
        assert_eq!(access(&auth, "admin", "anything"), (true, true));
        assert_eq!(access(&auth, "nobody", "match"), (false, false));
    }

    #[test]
    fn sessions_without_a_known_token_are_refused_unless_anonymous_is_allowed() {
        let auth = StaticTokens::from_json(FILE).expect("a good file");
        assert_eq!(connects(&auth, &[token("viewer")]), Decision::Allow);
        assert!(
            matches!(connects(&auth, &[]), Decision::Deny { reason } if reason.contains("token"))
        );
        let wrong = connects(&auth, &[token("guess")]);
        assert!(matches!(wrong, Decision::Deny { reason } if !reason.contains("guess")));
        let open = r#"{"tokens": {}, "anonymous": {"subscribe": ["lobby"]}}"#;
        let auth = StaticTokens::from_json(open).expect("a good file");
        assert!(auth.is_empty());
        assert_eq!(connects(&auth, &[]), Decision::Allow);
        assert_eq!(access(&auth, "none", "lobby"), (false, true));
    }

    #[test]
    fn wrong_files_are_named_without_quoting_tokens() {
        for (text, wanted) in [
            ("{", "cut off"),
            ("nonsense", "not valid JSON"),
            (
                r#"{"tokens": {"secret": "all"}}"#,
                "not of the expected form",
            ),
            (
                r#"{"tokens": {"secret": {"publsh": []}}}"#,
                "not of the expected form",
            ),
            (r#"{"tokens": {"secret": {"publish": ["a//b"]}}}"#, "a//b"),
            (r#"{"tokens": {"": {}}}"#, "empty"),
        ] {
            let error = StaticTokens::from_json(text)
                .expect_err("a wrong file")
                .to_string();
            assert!(error.contains(wanted), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let missing = StaticTokens::from_file(Path::new("/nonexistent/tokens.json"));
        assert!(missing
            .expect_err("no file")
            .to_string()
            .contains("/nonexistent/tokens.json"));
    }
}
