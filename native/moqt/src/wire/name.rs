//! Track namespaces and names (draft-18 "Track Naming").

use super::cursor::{Reader, Writer};
use super::error::WireError;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// Most fields in a namespace.
pub const MAX_NAMESPACE_FIELDS: usize = 32;
/// Most bytes in a namespace plus a track name.
pub const MAX_FULL_NAME: usize = 4_096;
/// First field of the namespaces that the MOQT implementation itself answers.
pub const SESSION_NAMESPACE: &[u8] = b".session";

/// A track namespace: 0 to 32 non-empty byte strings, at most 4,096 bytes together. Cloning is
/// cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Namespace {
    fields: Arc<[Bytes]>,
}

/// Why a name was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameError {
    /// More than 32 fields.
    TooManyFields,
    /// A field without bytes.
    EmptyField,
    /// More than 4,096 bytes together.
    TooLong,
}

impl NameError {
    const fn reason(self) -> &'static str {
        match self {
            NameError::TooManyFields => "namespace has more than 32 fields",
            NameError::EmptyField => "namespace has an empty field",
            NameError::TooLong => "full track name exceeds 4,096 bytes",
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for NameError {}

impl From<NameError> for WireError {
    fn from(e: NameError) -> Self {
        WireError::violation(e.reason())
    }
}

impl Namespace {
    /// A namespace of these fields.
    pub fn new<I, F>(fields: I) -> Result<Self, NameError>
    where
        I: IntoIterator<Item = F>,
        F: Into<Bytes>,
    {
        let fields: Vec<Bytes> = fields.into_iter().map(Into::into).collect();
        if fields.len() > MAX_NAMESPACE_FIELDS {
            return Err(NameError::TooManyFields);
        }
        if fields.iter().any(Bytes::is_empty) {
            return Err(NameError::EmptyField);
        }
        if fields.iter().map(Bytes::len).sum::<usize>() > MAX_FULL_NAME {
            return Err(NameError::TooLong);
        }
        Ok(Namespace {
            fields: fields.into(),
        })
    }

    /// The fields in order.
    pub fn fields(&self) -> &[Bytes] {
        &self.fields
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Bytes in all fields.
    pub fn byte_len(&self) -> usize {
        self.fields.iter().map(Bytes::len).sum()
    }

    /// Whether `self` equals `other` or is one of its parents.
    pub fn is_prefix_of(&self, other: &Namespace) -> bool {
        other.fields.starts_with(&self.fields)
    }

    /// The fields after `prefix`, or `None` if `prefix` is not one.
    pub fn suffix_after(&self, prefix: &Namespace) -> Option<Namespace> {
        self.fields
            .strip_prefix(&*prefix.fields)
            .map(|rest| Namespace {
                fields: rest.into(),
            })
    }

    /// This namespace followed by the fields of `suffix`.
    pub fn join(&self, suffix: &Namespace) -> Result<Namespace, NameError> {
        Namespace::new(self.fields.iter().chain(suffix.fields.iter()).cloned())
    }

    /// Whether the first field is `.` or `.session`: never for the application (draft-18
    /// "Reserved Namespaces", "Session-Level Tracks and Namespaces").
    pub fn is_session_level(&self) -> bool {
        self.fields
            .first()
            .is_some_and(|f| f.as_ref() == b"." || f.as_ref() == SESSION_NAMESPACE)
    }

    /// Reads a namespace.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = r.varint()?;
        if count > MAX_NAMESPACE_FIELDS as u64 {
            return Err(NameError::TooManyFields.into());
        }
        let mut fields = Vec::with_capacity(count as usize);
        for _ in 0..count {
            fields.push(r.length_prefixed(MAX_FULL_NAME as u64, NameError::TooLong.reason())?);
        }
        Ok(Namespace::new(fields)?)
    }

    /// Writes a namespace.
    pub fn encode(&self, w: &mut Writer<'_>) {
        w.varint(self.fields.len() as u64);
        for field in self.fields.iter() {
            w.length_prefixed(field);
        }
    }
}

/// A namespace and a track name, at most 4,096 bytes together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FullTrackName {
    namespace: Namespace,
    name: Bytes,
}

impl FullTrackName {
    /// A full track name. The name may be empty.
    pub fn new(namespace: Namespace, name: impl Into<Bytes>) -> Result<Self, NameError> {
        let name = name.into();
        if namespace.byte_len() + name.len() > MAX_FULL_NAME {
            return Err(NameError::TooLong);
        }
        Ok(FullTrackName { namespace, name })
    }

    /// The namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The track name.
    pub fn name(&self) -> &Bytes {
        &self.name
    }

    /// Reads a namespace and a name.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let namespace = Namespace::decode(r)?;
        let name = r.length_prefixed(MAX_FULL_NAME as u64, NameError::TooLong.reason())?;
        Ok(FullTrackName::new(namespace, name)?)
    }

    /// Writes a namespace and a name.
    pub fn encode(&self, w: &mut Writer<'_>) {
        self.namespace.encode(w);
        w.length_prefixed(&self.name);
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            write!(f, "{}", byte as char)?;
        } else {
            write!(f, ".{byte:02x}")?;
        }
    }
    Ok(())
}

/// The draft's safe text form: fields joined by `-`, other bytes as `.hh`.
impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, field) in self.fields.iter().enumerate() {
            if i > 0 {
                f.write_str("-")?;
            }
            write_escaped(f, field)?;
        }
        Ok(())
    }
}

/// The draft's safe text form: namespace, `--`, name.
impl fmt::Display for FullTrackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}--", self.namespace)?;
        write_escaped(f, &self.name)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Namespace({self})")
    }
}

impl fmt::Debug for FullTrackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FullTrackName({self})")
    }
}
