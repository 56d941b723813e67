//! Track and object properties (draft-18 "Properties", "MOQT Properties").
//!
//! Properties stay raw bytes, so that a relay forwards what it does not know untouched.

use super::cursor::{Reader, Writer};
use super::error::WireError;
use super::varint::VarintCoding;
use bytes::{Bytes, BytesMut};

/// Most bytes in one property value.
pub const MAX_VALUE_LEN: u64 = 65_535;

/// Property types that this library knows.
pub mod property {
    /// OBJECT_DELIVERY_TIMEOUT in milliseconds (track).
    pub const OBJECT_DELIVERY_TIMEOUT: u64 = 0x02;
    /// MAX_CACHE_DURATION in milliseconds (track).
    pub const MAX_CACHE_DURATION: u64 = 0x04;
    /// SUBGROUP_DELIVERY_TIMEOUT in milliseconds (track).
    pub const SUBGROUP_DELIVERY_TIMEOUT: u64 = 0x06;
    /// IMMUTABLE_PROPERTIES: a nested list (track, object).
    pub const IMMUTABLE: u64 = 0x0B;
    /// DEFAULT_PUBLISHER_PRIORITY, 0 to 255 (track).
    pub const DEFAULT_PUBLISHER_PRIORITY: u64 = 0x0E;
    /// DEFAULT_PUBLISHER_GROUP_ORDER, 1 or 2 (track).
    pub const DEFAULT_PUBLISHER_GROUP_ORDER: u64 = 0x22;
    /// DYNAMIC_GROUPS, 0 or 1 (track).
    pub const DYNAMIC_GROUPS: u64 = 0x30;
    /// PRIOR_GROUP_ID_GAP: groups before this one that will never exist (object).
    pub const PRIOR_GROUP_ID_GAP: u64 = 0x3C;
    /// PRIOR_OBJECT_ID_GAP: objects before this one that will never exist (object).
    pub const PRIOR_OBJECT_ID_GAP: u64 = 0x3E;
    /// First type of the range that an endpoint must understand or refuse the track.
    pub const MANDATORY_FIRST: u64 = 0x4000;
    /// Last type of that range.
    pub const MANDATORY_LAST: u64 = 0x7FFF;
}

/// The value of one property.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PropertyValue {
    /// Of an even type.
    Varint(u64),
    /// Of an odd type: at most 65,535 bytes.
    Bytes(Bytes),
}

/// A list of properties in its wire form (leading-ones integers, delta-coded types), without the
/// length before it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Properties {
    raw: Bytes,
}

impl Properties {
    /// No properties.
    pub const fn empty() -> Self {
        Properties { raw: Bytes::new() }
    }

    /// Takes wire bytes after checking that they parse: `PROTOCOL_VIOLATION` for an oversized
    /// value or type, `KEY_VALUE_FORMATTING_ERROR` for a list that ends in the middle.
    pub fn from_wire(raw: Bytes) -> Result<Self, WireError> {
        let properties = Properties { raw };
        for item in properties.iter() {
            item?;
        }
        Ok(properties)
    }

    /// The wire bytes.
    pub fn as_wire(&self) -> &Bytes {
        &self.raw
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Type and value of each property, in order, without looking into Immutable Properties.
    pub fn iter(&self) -> PropertyIter<'_> {
        PropertyIter {
            reader: Reader::new(&self.raw, VarintCoding::LeadingOnes),
            previous: 0,
            failed: false,
        }
    }

    /// The first value of `key`, in the list or in Immutable Properties.
    pub fn get(&self, key: u64) -> Option<PropertyValue> {
        let mut immutable = None;
        for (found, value) in self.iter().map_while(Result::ok) {
            if found == key {
                return Some(value);
            }
            if let (property::IMMUTABLE, PropertyValue::Bytes(inner)) = (found, value) {
                immutable = Some(inner);
            }
        }
        let inner = Properties { raw: immutable? };
        let found = inner
            .iter()
            .map_while(Result::ok)
            .find(|(found, _)| *found == key);
        found.map(|(_, value)| value)
    }

    /// The integer value of an even `key`.
    pub fn varint(&self, key: u64) -> Option<u64> {
        match self.get(key)? {
            PropertyValue::Varint(value) => Some(value),
            PropertyValue::Bytes(_) => None,
        }
    }

    /// The bytes of an odd `key`.
    pub fn bytes(&self, key: u64) -> Option<Bytes> {
        match self.get(key)? {
            PropertyValue::Bytes(value) => Some(value),
            PropertyValue::Varint(_) => None,
        }
    }

    /// The first type in the mandatory range (draft-18 "Mandatory Track Properties") for which
    /// `known` is false, in the list or in Immutable Properties.
    pub fn unknown_mandatory(&self, known: impl Fn(u64) -> bool) -> Option<u64> {
        let is_unknown = |key: u64| {
            (property::MANDATORY_FIRST..=property::MANDATORY_LAST).contains(&key) && !known(key)
        };
        for (key, value) in self.iter().map_while(Result::ok) {
            if is_unknown(key) {
                return Some(key);
            }
            if let (property::IMMUTABLE, PropertyValue::Bytes(raw)) = (key, value) {
                let inner = Properties { raw };
                let found = inner
                    .iter()
                    .map_while(Result::ok)
                    .find(|(key, _)| is_unknown(*key));
                if let Some((key, _)) = found {
                    return Some(key);
                }
            }
        }
        None
    }

    /// Checks the values that the draft bounds on tracks: priority 0 to 255
    /// (`KEY_VALUE_FORMATTING_ERROR`), group order 1 or 2 and dynamic groups 0 or 1
    /// (`PROTOCOL_VIOLATION`).
    pub fn check_track(&self) -> Result<(), WireError> {
        if self
            .varint(property::DEFAULT_PUBLISHER_PRIORITY)
            .is_some_and(|v| v > 255)
        {
            return Err(WireError::key_value("default publisher priority above 255"));
        }
        if let Some(order) = self.varint(property::DEFAULT_PUBLISHER_GROUP_ORDER) {
            super::location::GroupOrder::from_value(order)?;
        }
        if self.varint(property::DYNAMIC_GROUPS).is_some_and(|v| v > 1) {
            return Err(WireError::violation("dynamic groups is neither 0 nor 1"));
        }
        Ok(())
    }

    /// Why an object with these properties makes its track malformed (draft-18 "Immutable
    /// Properties", "Prior Group ID Gap", "Prior Object ID Gap", "Mandatory Track Properties"),
    /// or `None`.
    pub fn object_fault(&self, group: u64, object: u64) -> Option<&'static str> {
        let mut seen = ObjectFaults::default();
        for (key, value) in self.iter().map_while(Result::ok) {
            if let Some(fault) = seen.check(key, &value, group, object) {
                return Some(fault);
            }
            let (property::IMMUTABLE, PropertyValue::Bytes(raw)) = (key, value) else {
                continue;
            };
            let inner = Properties { raw };
            for item in inner.iter() {
                match item {
                    Err(_) => return Some("immutable properties cannot be parsed"),
                    Ok((property::IMMUTABLE, _)) => return Some("nested immutable properties"),
                    Ok((key, value)) => {
                        if let Some(fault) = seen.check(key, &value, group, object) {
                            return Some(fault);
                        }
                    }
                }
            }
        }
        None
    }

    /// Starts a list.
    pub fn builder() -> PropertiesBuilder {
        PropertiesBuilder::default()
    }
}

#[derive(Default)]
struct ObjectFaults {
    immutable: bool,
    group_gap: bool,
    object_gap: bool,
}

impl ObjectFaults {
    fn check(
        &mut self,
        key: u64,
        value: &PropertyValue,
        group: u64,
        object: u64,
    ) -> Option<&'static str> {
        match (key, value) {
            (property::IMMUTABLE, _) if std::mem::replace(&mut self.immutable, true) => {
                Some("immutable properties twice")
            }
            (property::PRIOR_GROUP_ID_GAP, PropertyValue::Varint(gap)) => {
                if std::mem::replace(&mut self.group_gap, true) {
                    Some("prior group id gap twice")
                } else {
                    (*gap > group).then_some("prior group id gap larger than the group id")
                }
            }
            (property::PRIOR_OBJECT_ID_GAP, PropertyValue::Varint(gap)) => {
                if std::mem::replace(&mut self.object_gap, true) {
                    Some("prior object id gap twice")
                } else {
                    (*gap > object).then_some("prior object id gap larger than the object id")
                }
            }
            (property::MANDATORY_FIRST..=property::MANDATORY_LAST, _) => {
                Some("mandatory track property on an object")
            }
            _ => None,
        }
    }
}

/// Iterates over a [`Properties`] list; ends after the first error.
pub struct PropertyIter<'a> {
    reader: Reader<'a>,
    previous: u64,
    failed: bool,
}

impl PropertyIter<'_> {
    fn read(&mut self) -> Result<(u64, PropertyValue), WireError> {
        let delta = self.reader.varint()?;
        let key = self
            .previous
            .checked_add(delta)
            .ok_or(WireError::violation("property type above 2^64 - 1"))?;
        self.previous = key;
        let value = if key % 2 == 0 {
            PropertyValue::Varint(self.reader.varint()?)
        } else {
            const LONG: &str = "property value above 65,535 bytes";
            PropertyValue::Bytes(self.reader.length_prefixed(MAX_VALUE_LEN, LONG)?)
        };
        Ok((key, value))
    }
}

impl Iterator for PropertyIter<'_> {
    type Item = Result<(u64, PropertyValue), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.reader.is_empty() {
            return None;
        }
        let item = self.read().map_err(|e| match e {
            WireError::Truncated { .. } => WireError::key_value("property list ends too early"),
            other => other,
        });
        self.failed = item.is_err();
        Some(item)
    }
}

/// Collects properties in any order and writes them in ascending order.
#[derive(Clone, Debug, Default)]
pub struct PropertiesBuilder {
    items: Vec<(u64, PropertyValue)>,
}

impl PropertiesBuilder {
    /// Adds an integer. `key` must be even; an odd one is ignored.
    pub fn varint(mut self, key: u64, value: u64) -> Self {
        debug_assert!(key % 2 == 0, "integer properties have even types");
        if key % 2 == 0 {
            self.items.push((key, PropertyValue::Varint(value)));
        }
        self
    }

    /// Adds bytes. `key` must be odd and the value at most 65,535 bytes; others are ignored.
    pub fn bytes(mut self, key: u64, value: impl Into<Bytes>) -> Self {
        let value = value.into();
        debug_assert!(key % 2 == 1, "byte properties have odd types");
        if key % 2 == 1 && value.len() as u64 <= MAX_VALUE_LEN {
            self.items.push((key, PropertyValue::Bytes(value)));
        }
        self
    }

    /// The list.
    pub fn build(mut self) -> Properties {
        self.items.sort_by_key(|(key, _)| *key);
        let mut out = BytesMut::new();
        let mut w = Writer::new(&mut out, VarintCoding::LeadingOnes);
        let mut previous = 0;
        for (key, value) in &self.items {
            w.varint(key - previous);
            previous = *key;
            match value {
                PropertyValue::Varint(value) => w.varint(*value),
                PropertyValue::Bytes(value) => w.length_prefixed(value),
            }
        }
        Properties { raw: out.freeze() }
    }
}
