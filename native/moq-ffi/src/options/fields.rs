//! Reads the fields of one JSON object and remembers which names are accepted.

use super::TrackName;
use crate::error::{Error, Result};
use moqt::bucket::Rate;
use moqt::client::Reconnect;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Draft-18 section "Track Naming": at most 32 fields and 4,096 bytes of namespace and name.
const MAX_NAMESPACE_FIELDS: usize = 32;
const MAX_FULL_NAME_BYTES: usize = 4_096;
/// Most bytes of a token.
pub const MAX_TOKEN_BYTES: usize = 16_384;
const MAX_LIST: usize = 64;

pub(super) struct Fields {
    what: &'static str,
    map: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    pub(super) fn parse(what: &'static str, text: &[u8]) -> Result<Self> {
        if text.len() > super::MAX_OPTIONS_BYTES {
            return Err(Error::invalid(format!(
                "the {what}s are {} bytes long; at most {} are accepted",
                text.len(),
                super::MAX_OPTIONS_BYTES
            )));
        }
        let value: Value = serde_json::from_slice(text)
            .map_err(|e| Error::invalid(format!("the {what}s are not valid JSON: {e}")))?;
        match value {
            Value::Object(map) => Ok(Self {
                what,
                map,
                known: Vec::new(),
            }),
            other => Err(Error::invalid(format!(
                "the {what}s must be one JSON object, not {}",
                describe(&other)
            ))),
        }
    }

    /// Refuses what nothing asked for.
    pub(super) fn finish(self) -> Result<()> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::invalid(format!(
                "unknown {} \"{name}\"; accepted are {}",
                self.what,
                self.known.join(", ")
            ))),
        }
    }

    /// Null counts as absent.
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.map.remove(name).filter(|value| !value.is_null())
    }

    fn wrong(&self, name: &str, accepted: &str, value: &Value) -> Error {
        Error::invalid(format!(
            "{} \"{name}\" must be {accepted}, not {}",
            self.what,
            describe(value)
        ))
    }

    fn missing(&self, name: &str, accepted: &str) -> Error {
        Error::invalid(format!(
            "{} \"{name}\" is missing; give {accepted}",
            self.what
        ))
    }

    pub(super) fn string(&mut self, name: &'static str, default: &str) -> Result<String> {
        match self.take(name) {
            None => Ok(default.to_owned()),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(self.wrong(name, "a string", &other)),
        }
    }

    pub(super) fn required_string(&mut self, name: &'static str) -> Result<String> {
        match self.take(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(other) => Err(self.wrong(name, "a string that is not empty", &other)),
            None => Err(self.missing(name, "a string")),
        }
    }

    pub(super) fn bool(&mut self, name: &'static str, default: bool) -> Result<bool> {
        match self.take(name) {
            None => Ok(default),
            Some(Value::Bool(value)) => Ok(value),
            Some(other) => Err(self.wrong(name, "true or false", &other)),
        }
    }

    pub(super) fn optional_integer(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match value
            .as_u64()
            .or_else(|| whole(&value))
            .filter(|number| range.contains(number))
        {
            Some(number) => Ok(Some(number)),
            None => {
                let accepted = format!("a whole number from {} to {}", range.start(), range.end());
                Err(self.wrong(name, &accepted, &value))
            }
        }
    }

    pub(super) fn integer(
        &mut self,
        name: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64> {
        Ok(self.optional_integer(name, range)?.unwrap_or(default))
    }

    /// A rate and what it allows at once, by default as much as in a second; 0, the default, is no
    /// limit.
    pub(super) fn rate(&mut self, per_second: &'static str, burst: &'static str) -> Result<Rate> {
        const MOST: u64 = 1_000_000_000;
        let per_second = self.integer(per_second, 0, 0..=MOST)?;
        let burst = self.integer(burst, per_second.max(1), 1..=MOST)?;
        Ok(Rate { per_second, burst })
    }

    pub(super) fn required_integer(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<u64> {
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        self.optional_integer(name, range)?
            .ok_or_else(|| self.missing(name, &accepted))
    }

    pub(super) fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        default: T,
        choices: &[(&str, T)],
    ) -> Result<T> {
        let Some(value) = self.take(name) else {
            return Ok(default);
        };
        let found = value
            .as_str()
            .and_then(|text| choices.iter().find(|(n, _)| *n == text));
        match found {
            Some((_, choice)) => Ok(*choice),
            None => {
                let names: Vec<String> = choices.iter().map(|(n, _)| format!("\"{n}\"")).collect();
                Err(self.wrong(name, &format!("one of {}", names.join(", ")), &value))
            }
        }
    }

    pub(super) fn strings(&mut self, name: &'static str) -> Result<Vec<String>> {
        let Some(value) = self.take(name) else {
            return Ok(Vec::new());
        };
        let list = value
            .as_array()
            .filter(|list| list.len() <= MAX_LIST)
            .and_then(|list| {
                list.iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect::<Option<Vec<_>>>()
            });
        list.ok_or_else(|| {
            self.wrong(
                name,
                &format!("a list of at most {MAX_LIST} strings"),
                &value,
            )
        })
    }

    /// A JSON object, as text.
    pub(super) fn object(&mut self, name: &'static str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(value) if value.is_object() => Ok(Some(value.to_string())),
            // The value may hold secrets.
            Some(_) => Err(Error::invalid(format!(
                "{} \"{name}\" must be an object",
                self.what
            ))),
        }
    }

    /// One string, or a list of them.
    pub(super) fn one_or_more(&mut self, name: &'static str) -> Result<Vec<String>> {
        match self.map.get(name) {
            Some(Value::String(_)) => Ok(vec![self.required_string(name)?]),
            _ => self.strings(name),
        }
    }

    /// One path, or a list of them.
    pub(super) fn paths(&mut self, name: &'static str) -> Result<Vec<PathBuf>> {
        Ok(self
            .one_or_more(name)?
            .into_iter()
            .map(PathBuf::from)
            .collect())
    }

    /// An object of counts, each above 0, and rates, where 0 stands for none.
    pub(super) fn limits(
        &mut self,
        name: &'static str,
        known: &[&'static str],
    ) -> Result<Vec<(&'static str, usize)>> {
        let Some(text) = self.object(name)? else {
            return Ok(Vec::new());
        };
        let mut limits = Fields::parse("limit", text.as_bytes())?;
        let mut given = Vec::new();
        for name in known {
            let least = u64::from(!name.contains("PerSecond"));
            if let Some(value) = limits.optional_integer(name, least..=1 << 40)? {
                given.push((*name, usize::try_from(value).unwrap_or(usize::MAX)));
            }
        }
        limits.finish()?;
        Ok(given)
    }

    /// True (the default), false, or the delays in ms. `None`: a loss closes the client.
    pub(super) fn reconnect(&mut self, name: &'static str) -> Result<Option<Reconnect>> {
        let text = match self.take(name) {
            None | Some(Value::Bool(true)) => return Ok(Some(Reconnect::default())),
            Some(Value::Bool(false)) => return Ok(None),
            Some(value) if value.is_object() => value.to_string(),
            Some(other) => {
                let accepted =
                    "true, false or an object with initialDelay, maxDelay and timeout in ms";
                return Err(self.wrong(name, accepted, &other));
            }
        };
        let mut fields = Fields::parse("reconnect option", text.as_bytes())?;
        let initial = fields.integer("initialDelay", 200, 1..=60_000)?;
        let max = fields.integer("maxDelay", initial.max(5_000), initial..=600_000)?;
        let timeout = fields.integer("timeout", 120_000, 0..=86_400_000)?;
        fields.finish()?;
        Ok(Some(Reconnect {
            initial_delay: Duration::from_millis(initial),
            max_delay: Duration::from_millis(max),
            timeout: (timeout > 0).then(|| Duration::from_millis(timeout)),
        }))
    }

    /// Text, or bytes as `{"hex":"…"}`. The value never shows in an error.
    pub(super) fn token(&mut self, name: &'static str) -> Result<Option<Vec<u8>>> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let bytes = match &value {
            Value::String(text) => Some(text.clone().into_bytes()),
            Value::Object(map) if map.len() == 1 => {
                map.get("hex").and_then(Value::as_str).and_then(from_hex)
            }
            _ => None,
        };
        match bytes {
            Some(bytes) if (1..=MAX_TOKEN_BYTES).contains(&bytes.len()) => Ok(Some(bytes)),
            _ => Err(Error::invalid(format!(
                "{} \"{name}\" must be a string or {{\"hex\":\"…\"}} of 1 to {MAX_TOKEN_BYTES} bytes",
                self.what
            ))),
        }
    }

    pub(super) fn hashes(&mut self, name: &'static str) -> Result<Vec<[u8; 32]>> {
        self.strings(name)?
            .into_iter()
            .map(|text| {
                let bytes = from_hex(&text).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                bytes.ok_or_else(|| {
                    self.wrong(
                        name,
                        "a list of SHA-256 hashes of 64 hexadecimal digits each",
                        &Value::String(text),
                    )
                })
            })
            .collect()
    }

    pub(super) fn track(&mut self) -> Result<TrackName> {
        let namespace = self.namespace("namespace", false)?;
        let name = self.required_string("name")?;
        let bytes = namespace.iter().map(String::len).sum::<usize>() + name.len();
        if bytes > MAX_FULL_NAME_BYTES {
            return Err(Error::invalid(format!(
                "namespace and track name together are {bytes} bytes long; at most {MAX_FULL_NAME_BYTES} are accepted"
            )));
        }
        Ok(TrackName { namespace, name })
    }

    /// A list of fields, or one string split on `/` (one trailing slash is ignored).
    pub(super) fn namespace(&mut self, name: &'static str, prefix: bool) -> Result<Vec<String>> {
        let fields: Vec<String> = match self.map.get(name) {
            Some(Value::String(_)) => {
                let text = self.string(name, "")?;
                let text = text.strip_suffix('/').unwrap_or(&text);
                if text.is_empty() {
                    Vec::new()
                } else {
                    text.split('/').map(str::to_owned).collect()
                }
            }
            None | Some(Value::Null) if !prefix => {
                self.known.push(name);
                return Err(self.missing(name, "a list of strings, or one string split on \"/\""));
            }
            _ => self.strings(name)?,
        };
        let least = usize::from(!prefix);
        if fields.len() < least || fields.len() > MAX_NAMESPACE_FIELDS {
            return Err(Error::invalid(format!(
                "{} \"{name}\" has {} fields; {least} to {MAX_NAMESPACE_FIELDS} are accepted",
                self.what,
                fields.len()
            )));
        }
        if fields.iter().any(String::is_empty) {
            return Err(Error::invalid(format!(
                "{} \"{name}\" has an empty field; every field needs at least one character",
                self.what
            )));
        }
        let bytes: usize = fields.iter().map(String::len).sum();
        if bytes > MAX_FULL_NAME_BYTES {
            return Err(Error::invalid(format!(
                "{} \"{name}\" is {bytes} bytes long; at most {MAX_FULL_NAME_BYTES} are accepted",
                self.what
            )));
        }
        Ok(fields)
    }
}

/// A number such as `5.0`, as script hosts may print it.
fn whole(value: &Value) -> Option<u64> {
    let number = value.as_f64()?;
    let fits = (0.0..=9_007_199_254_740_991.0).contains(&number) && number.fract() == 0.0;
    fits.then_some(number as u64)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() % 2 != 0 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
            _ => None,
        })
        .collect()
}

/// The value for an error message, shortened.
fn describe(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}
