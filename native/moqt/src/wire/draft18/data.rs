//! Draft-18 "Data Streams and Datagrams": subgroup streams, datagrams, padding.

use super::super::cursor::{Reader, Writer};
use super::super::error::WireError;
use super::super::object::{
    Datagram, ObjectDatagram, ObjectStatus, StreamHeader, SubgroupHeader, SubgroupId,
    SubgroupObject, SubgroupState,
};
use super::super::properties::Properties;
use super::control::kind::SETUP;
use super::CODING;
use bytes::{Bytes, BytesMut};

const FETCH_HEADER: u64 = 0x05;
const PADDING_STREAM: u64 = 0x132B_3E28;
const PADDING_DATAGRAM: u64 = 0x132B_3E29;

mod subgroup {
    pub const FORM: u64 = 0x10;
    pub const PROPERTIES: u64 = 0x01;
    pub const MODE: u64 = 0x06;
    pub const MODE_FIRST_OBJECT: u64 = 0x02;
    pub const MODE_EXPLICIT: u64 = 0x04;
    pub const END_OF_GROUP: u64 = 0x08;
    pub const DEFAULT_PRIORITY: u64 = 0x20;
    pub const FIRST_OBJECT: u64 = 0x40;
}

mod datagram {
    pub const PROPERTIES: u64 = 0x01;
    pub const END_OF_GROUP: u64 = 0x02;
    pub const ZERO_OBJECT_ID: u64 = 0x04;
    pub const DEFAULT_PRIORITY: u64 = 0x08;
    pub const STATUS: u64 = 0x20;
    pub const ALL: u64 = 0x2F;
}

pub fn decode_stream_header(data: &Bytes) -> Result<(StreamHeader, usize), WireError> {
    let mut r = Reader::new(data, CODING);
    let header = match r.varint()? {
        SETUP => return Ok((StreamHeader::Control, 0)),
        FETCH_HEADER => StreamHeader::Fetch {
            request_id: r.varint()?,
        },
        PADDING_STREAM => StreamHeader::Padding,
        kind if kind & !0x6F == subgroup::FORM => {
            StreamHeader::Subgroup(subgroup_header(kind, &mut r)?)
        }
        _ => return Err(WireError::violation("unknown stream type")),
    };
    Ok((header, r.position()))
}

fn subgroup_header(kind: u64, r: &mut Reader<'_>) -> Result<SubgroupHeader, WireError> {
    let mode = kind & subgroup::MODE;
    if mode == subgroup::MODE {
        return Err(WireError::violation("reserved subgroup id mode"));
    }
    let (track_alias, group) = (r.varint()?, r.varint()?);
    let subgroup = match mode {
        subgroup::MODE_FIRST_OBJECT => SubgroupId::FirstObject,
        subgroup::MODE_EXPLICIT => SubgroupId::Explicit(r.varint()?),
        _ => SubgroupId::Zero,
    };
    let priority = if kind & subgroup::DEFAULT_PRIORITY == 0 {
        Some(r.u8()?)
    } else {
        None
    };
    Ok(SubgroupHeader {
        track_alias,
        group,
        subgroup,
        priority,
        has_properties: kind & subgroup::PROPERTIES != 0,
        end_of_group: kind & subgroup::END_OF_GROUP != 0,
        first_object: kind & subgroup::FIRST_OBJECT != 0,
    })
}

pub fn encode_subgroup_header(header: &SubgroupHeader, out: &mut BytesMut) {
    let mut w = Writer::new(out, CODING);
    let mode = match header.subgroup {
        SubgroupId::Zero => 0,
        SubgroupId::FirstObject => subgroup::MODE_FIRST_OBJECT,
        SubgroupId::Explicit(_) => subgroup::MODE_EXPLICIT,
    };
    let bit = |set: bool, bit: u64| if set { bit } else { 0 };
    w.varint(
        subgroup::FORM
            | mode
            | bit(header.has_properties, subgroup::PROPERTIES)
            | bit(header.end_of_group, subgroup::END_OF_GROUP)
            | bit(header.priority.is_none(), subgroup::DEFAULT_PRIORITY)
            | bit(header.first_object, subgroup::FIRST_OBJECT),
    );
    w.varint(header.track_alias);
    w.varint(header.group);
    if let SubgroupId::Explicit(id) = header.subgroup {
        w.varint(id);
    }
    if let Some(priority) = header.priority {
        w.u8(priority);
    }
}

pub fn encode_fetch_header(request_id: u64, out: &mut BytesMut) {
    let mut w = Writer::new(out, CODING);
    w.varint(FETCH_HEADER);
    w.varint(request_id);
}

pub fn encode_padding(datagram: bool, out: &mut BytesMut) {
    let kind = if datagram {
        PADDING_DATAGRAM
    } else {
        PADDING_STREAM
    };
    Writer::new(out, CODING).varint(kind);
}

/// Object Properties with their length, within `budget` bytes; takes what it uses from the budget.
pub fn object_properties(r: &mut Reader<'_>, budget: &mut u64) -> Result<Properties, WireError> {
    let len = r.varint()?;
    take_budget(budget, len)?;
    Properties::from_wire(r.bytes(len)?)
}

pub fn take_budget(budget: &mut u64, len: u64) -> Result<(), WireError> {
    *budget = budget
        .checked_sub(len)
        .ok_or(WireError::TooLarge { size: len })?;
    Ok(())
}

pub fn decode_subgroup_object(
    state: &mut SubgroupState,
    data: &Bytes,
    max_size: usize,
) -> Result<(SubgroupObject, usize), WireError> {
    let mut r = Reader::new(data, CODING);
    let mut budget = max_size as u64;
    let delta = r.varint()?;
    let object = match state.previous {
        None => Some(delta),
        Some(previous) => previous.checked_add(delta).and_then(|id| id.checked_add(1)),
    };
    let object = object.ok_or(WireError::violation("object id above 2^64 - 1"))?;
    let properties = if state.has_properties {
        object_properties(&mut r, &mut budget)?
    } else {
        Properties::empty()
    };
    let len = r.varint()?;
    take_budget(&mut budget, len)?;
    let (status, payload) = if len == 0 {
        (ObjectStatus::from_value(r.varint()?)?, Bytes::new())
    } else {
        (ObjectStatus::Normal, r.bytes(len)?)
    };
    if status != ObjectStatus::Normal && !properties.is_empty() {
        return Err(WireError::violation(
            "properties on an object that is not normal",
        ));
    }
    state.previous = Some(object);
    Ok((
        SubgroupObject {
            object,
            status,
            properties,
            payload,
        },
        r.position(),
    ))
}

pub fn encode_subgroup_object(
    state: &mut SubgroupState,
    object: &SubgroupObject,
    out: &mut BytesMut,
) -> Result<(), WireError> {
    let delta = match state.previous {
        None => Some(object.object),
        Some(previous) => object
            .object
            .checked_sub(previous)
            .and_then(|d| d.checked_sub(1)),
    };
    let delta = delta.ok_or(WireError::violation("object id not above the one before"))?;
    if !object.properties.is_empty() && !state.has_properties {
        return Err(WireError::violation(
            "properties on a stream without the properties bit",
        ));
    }
    check_status(object.status, &object.properties, &object.payload)?;
    let mut w = Writer::new(out, CODING);
    w.varint(delta);
    if state.has_properties {
        w.length_prefixed(object.properties.as_wire());
    }
    w.varint(object.payload.len() as u64);
    if object.payload.is_empty() {
        w.varint(object.status.value());
    }
    state.previous = Some(object.object);
    Ok(())
}

fn check_status(
    status: ObjectStatus,
    properties: &Properties,
    payload: &Bytes,
) -> Result<(), WireError> {
    if status == ObjectStatus::Normal || (properties.is_empty() && payload.is_empty()) {
        Ok(())
    } else {
        Err(WireError::violation(
            "only normal objects have properties and payload",
        ))
    }
}

pub fn decode_datagram(data: &Bytes) -> Result<Datagram, WireError> {
    let mut r = Reader::new(data, CODING);
    let kind = r.varint()?;
    if kind == PADDING_DATAGRAM {
        return Ok(Datagram::Padding);
    }
    if kind & !datagram::ALL != 0 {
        return Err(WireError::violation("unknown datagram type"));
    }
    let has = |bit: u64| kind & bit != 0;
    if has(datagram::STATUS) && has(datagram::END_OF_GROUP) {
        return Err(WireError::violation(
            "datagram with status and end of group",
        ));
    }
    let (track_alias, group) = (r.varint()?, r.varint()?);
    let object = if has(datagram::ZERO_OBJECT_ID) {
        0
    } else {
        r.varint()?
    };
    let priority = if has(datagram::DEFAULT_PRIORITY) {
        None
    } else {
        Some(r.u8()?)
    };
    let properties = if has(datagram::PROPERTIES) {
        let properties = object_properties(&mut r, &mut { u64::MAX })?;
        if properties.is_empty() {
            return Err(WireError::violation("datagram properties of length 0"));
        }
        properties
    } else {
        Properties::empty()
    };
    let (status, payload) = if has(datagram::STATUS) {
        let status = ObjectStatus::from_value(r.varint()?)?;
        r.expect_end()?;
        (status, Bytes::new())
    } else {
        (ObjectStatus::Normal, r.rest())
    };
    if status != ObjectStatus::Normal && !properties.is_empty() {
        return Err(WireError::violation(
            "properties on an object that is not normal",
        ));
    }
    let end_of_group = has(datagram::END_OF_GROUP);
    Ok(Datagram::Object(ObjectDatagram {
        track_alias,
        group,
        object,
        priority,
        end_of_group,
        status,
        properties,
        payload,
    }))
}

pub fn encode_datagram(object: &ObjectDatagram, out: &mut BytesMut) -> Result<(), WireError> {
    check_status(object.status, &object.properties, &object.payload)?;
    if object.status != ObjectStatus::Normal && object.end_of_group {
        return Err(WireError::violation(
            "datagram with status and end of group",
        ));
    }
    // "Zero-length objects explicitly encode the Normal status", unless the end-of-group bit,
    // which excludes the status, says more.
    let status = object.status != ObjectStatus::Normal
        || (object.payload.is_empty() && !object.end_of_group);
    let bit = |set: bool, bit: u64| if set { bit } else { 0 };
    let mut w = Writer::new(out, CODING);
    w.varint(
        bit(!object.properties.is_empty(), datagram::PROPERTIES)
            | bit(object.end_of_group, datagram::END_OF_GROUP)
            | bit(object.object == 0, datagram::ZERO_OBJECT_ID)
            | bit(object.priority.is_none(), datagram::DEFAULT_PRIORITY)
            | bit(status, datagram::STATUS),
    );
    w.varint(object.track_alias);
    w.varint(object.group);
    if object.object != 0 {
        w.varint(object.object);
    }
    if let Some(priority) = object.priority {
        w.u8(priority);
    }
    if !object.properties.is_empty() {
        w.length_prefixed(object.properties.as_wire());
    }
    if status {
        w.varint(object.status.value());
    } else {
        w.bytes(&object.payload);
    }
    Ok(())
}
