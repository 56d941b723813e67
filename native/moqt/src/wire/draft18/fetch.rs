//! Draft-18 "Fetch Header": the items of a fetch stream.

use super::super::cursor::{Reader, Writer};
use super::super::error::WireError;
use super::super::location::{GroupOrder, Location};
use super::super::object::{FetchItem, FetchObject, FetchState};
use super::super::properties::Properties;
use super::data::{object_properties, take_budget};
use super::CODING;
use bytes::{Bytes, BytesMut};

const SUBGROUP: u64 = 0x03;
const SUBGROUP_ZERO: u64 = 0x00;
const SUBGROUP_PRIOR: u64 = 0x01;
const SUBGROUP_NEXT: u64 = 0x02;
const SUBGROUP_EXPLICIT: u64 = 0x03;
const OBJECT_DELTA: u64 = 0x04;
const GROUP_DELTA: u64 = 0x08;
const PRIORITY: u64 = 0x10;
const PROPERTIES: u64 = 0x20;
const DATAGRAM: u64 = 0x40;
const END_NON_EXISTENT: u64 = 0x8C;
const END_UNKNOWN: u64 = 0x10C;

const NO_PRIOR: WireError = WireError::violation("fetch object refers to one that is not there");

pub fn decode(
    state: &mut FetchState,
    data: &Bytes,
    max_size: usize,
) -> Result<(FetchItem, usize), WireError> {
    let mut r = Reader::new(data, CODING);
    let flags = r.varint()?;
    if flags == END_NON_EXISTENT || flags == END_UNKNOWN {
        // "The Group ID and Object ID fields are present": the location itself, not deltas, which
        // could not name a place in the group of the object before.
        let location = Location::decode(&mut r)?;
        // The payload length is not among the fields that "are not present".
        if r.varint()? != 0 {
            return Err(WireError::violation("end of a fetch range with a payload"));
        }
        state.location = Some(location);
        let item = FetchItem::EndOfRange {
            location,
            unknown: flags == END_UNKNOWN,
        };
        return Ok((item, r.position()));
    }
    if flags >= 0x80 {
        return Err(WireError::violation("unknown fetch serialization flags"));
    }
    let group = read_group(state, flags, &mut r)?;
    let subgroup = read_subgroup(state, flags, &mut r)?;
    let object = read_object(state, flags, &mut r)?;
    let priority = if flags & PRIORITY != 0 {
        r.u8()?
    } else {
        state.priority.ok_or(NO_PRIOR)?
    };
    let mut budget = max_size as u64;
    let properties = if flags & PROPERTIES != 0 {
        object_properties(&mut r, &mut budget)?
    } else {
        Properties::empty()
    };
    let len = r.varint()?;
    take_budget(&mut budget, len)?;
    let payload = r.bytes(len)?;
    state.location = Some(Location { group, object });
    state.subgroup = subgroup.or(state.subgroup);
    state.priority = Some(priority);
    let item = FetchObject {
        group,
        subgroup,
        object,
        priority,
        properties,
        payload,
    };
    Ok((FetchItem::Object(item), r.position()))
}

fn read_group(state: &FetchState, flags: u64, r: &mut Reader<'_>) -> Result<u64, WireError> {
    if flags & GROUP_DELTA == 0 {
        return Ok(state.location.ok_or(NO_PRIOR)?.group);
    }
    let delta = r.varint()?;
    let Some(prior) = state.location else {
        return Ok(delta);
    };
    let group = match state.order {
        GroupOrder::Ascending => prior
            .group
            .checked_add(delta)
            .and_then(|g| g.checked_add(1)),
        GroupOrder::Descending => prior
            .group
            .checked_sub(delta)
            .and_then(|g| g.checked_sub(1)),
    };
    group.ok_or(WireError::violation("fetch group id out of range"))
}

fn read_object(state: &FetchState, flags: u64, r: &mut Reader<'_>) -> Result<u64, WireError> {
    let has_group = flags & GROUP_DELTA != 0;
    let object = if flags & OBJECT_DELTA != 0 {
        let delta = r.varint()?;
        match state.location {
            Some(prior) if !has_group => prior.object.checked_add(delta),
            _ => Some(delta),
        }
    } else {
        state.location.ok_or(NO_PRIOR)?.object.checked_add(1)
    };
    object.ok_or(WireError::violation("fetch object id above 2^64 - 1"))
}

fn read_subgroup(
    state: &FetchState,
    flags: u64,
    r: &mut Reader<'_>,
) -> Result<Option<u64>, WireError> {
    if flags & DATAGRAM != 0 {
        return Ok(None);
    }
    let prior = || state.subgroup.ok_or(NO_PRIOR);
    Ok(Some(match flags & SUBGROUP {
        SUBGROUP_ZERO => 0,
        SUBGROUP_PRIOR => prior()?,
        SUBGROUP_NEXT => prior()?
            .checked_add(1)
            .ok_or(WireError::violation("subgroup id above 2^64 - 1"))?,
        _ => r.varint()?,
    }))
}

pub fn encode(
    state: &mut FetchState,
    item: &FetchItem,
    out: &mut BytesMut,
) -> Result<(), WireError> {
    let location = match item {
        FetchItem::Object(o) => Location::new(o.group, o.object),
        FetchItem::EndOfRange { location, .. } => *location,
    };
    let group_delta = group_delta(state, location)?;
    let mut w = Writer::new(out, CODING);
    match item {
        FetchItem::EndOfRange { unknown, .. } => {
            w.varint(if *unknown {
                END_UNKNOWN
            } else {
                END_NON_EXISTENT
            });
            location.encode(&mut w);
            w.varint(0);
        }
        FetchItem::Object(object) => encode_object(state, object, group_delta, &mut w),
    }
    state.location = Some(location);
    if let FetchItem::Object(o) = item {
        // Readers differ in what the subgroup before means after an object that has none: it is
        // not referred to then, though understood above.
        state.subgroup = o.subgroup;
        state.priority = Some(o.priority);
    }
    Ok(())
}

/// The group field, or `None` when the group did not change; refuses what is out of order.
fn group_delta(state: &FetchState, to: Location) -> Result<Option<u64>, WireError> {
    let Some(prior) = state.location else {
        return Ok(Some(to.group));
    };
    if prior.group == to.group {
        return if to.object > prior.object {
            Ok(None)
        } else {
            Err(WireError::violation(
                "fetch object not above the one before",
            ))
        };
    }
    let delta = match state.order {
        GroupOrder::Ascending => to.group.checked_sub(prior.group),
        GroupOrder::Descending => prior.group.checked_sub(to.group),
    };
    match delta.and_then(|d| d.checked_sub(1)) {
        Some(delta) => Ok(Some(delta)),
        None => Err(WireError::violation("fetch group out of order")),
    }
}

fn encode_object(
    state: &FetchState,
    object: &FetchObject,
    group_delta: Option<u64>,
    w: &mut Writer<'_>,
) {
    let object_delta = match state.location {
        Some(prior) if prior.object.checked_add(1) == Some(object.object) => None,
        Some(prior) if group_delta.is_none() => Some(object.object - prior.object),
        _ => Some(object.object),
    };
    let (mode, subgroup) = match (object.subgroup, state.subgroup) {
        (None, _) => (DATAGRAM, None),
        (Some(0), _) => (SUBGROUP_ZERO, None),
        (Some(id), Some(prior)) if id == prior => (SUBGROUP_PRIOR, None),
        (Some(id), Some(prior)) if prior.checked_add(1) == Some(id) => (SUBGROUP_NEXT, None),
        (Some(id), _) => (SUBGROUP_EXPLICIT, Some(id)),
    };
    let new_priority = state.priority != Some(object.priority);
    let bit = |set: bool, bit: u64| if set { bit } else { 0 };
    w.varint(
        mode | bit(object_delta.is_some(), OBJECT_DELTA)
            | bit(group_delta.is_some(), GROUP_DELTA)
            | bit(new_priority, PRIORITY)
            | bit(!object.properties.is_empty(), PROPERTIES),
    );
    for field in [group_delta, subgroup, object_delta].into_iter().flatten() {
        w.varint(field);
    }
    if new_priority {
        w.u8(object.priority);
    }
    if !object.properties.is_empty() {
        w.length_prefixed(object.properties.as_wire());
    }
    w.varint(object.payload.len() as u64);
}
