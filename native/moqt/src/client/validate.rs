//! Checks of names and options, with messages that name the option and what is accepted.

use super::error::ClientError;
use super::types::{FetchOptions, PublishOptions, SubscribeOptions};
use crate::delivery::receiver::MAX_ID;
use crate::delivery::DeliveryClass;
use crate::wire::name::{FullTrackName, Namespace};
use std::time::Duration;

/// Largest queue in bytes.
const MAX_QUEUE: usize = 1 << 30;

fn range_ms(option: &str, value: Duration, min: u64, max: u64) -> Result<(), ClientError> {
    let ms = value.as_millis();
    if ms < u128::from(min) || ms > u128::from(max) {
        let text = format!("Option `{option}` is {ms} ms: give {min} to {max} ms.");
        return Err(ClientError::invalid(text));
    }
    Ok(())
}

fn range(option: &str, value: usize, min: usize, max: usize) -> Result<(), ClientError> {
    if value < min || value > max {
        let text = format!("Option `{option}` is {value}: give {min} to {max}.");
        return Err(ClientError::invalid(text));
    }
    Ok(())
}

/// Namespaces of the application: at least one field, none of the session's own.
pub(super) fn track(track: &FullTrackName) -> Result<(), ClientError> {
    if track.namespace().is_empty() {
        return Err(ClientError::invalid(
            "The track's namespace has no fields: give 1 to 32 non-empty fields.",
        ));
    }
    namespace(track.namespace())
}

pub(super) fn namespace(namespace: &Namespace) -> Result<(), ClientError> {
    if namespace.is_session_level() {
        return Err(ClientError::invalid(
            "Namespaces that begin with `.` or `.session` are the protocol's own: begin with another field.",
        ));
    }
    Ok(())
}

pub(super) fn publish(options: &PublishOptions) -> Result<(), ClientError> {
    if options.delivery == DeliveryClass::Deadline {
        range_ms("deadline", options.deadline, 1, 60_000)?;
    }
    range("queueBytes", options.queue_bytes, 1, MAX_QUEUE)?;
    range("retainBytes", options.retain_bytes, 0, MAX_QUEUE)?;
    if options.delivery == DeliveryClass::Datagram {
        range("maxDatagramSize", options.max_datagram_size, 64, 65_000)?;
    }
    Ok(())
}

pub(super) fn subscribe(options: &SubscribeOptions) -> Result<(), ClientError> {
    range_ms("wait", options.wait, 0, 3_600_000)?;
    if let Some(age) = options.max_age {
        range_ms("maxAge", age, 1, 86_400_000)?;
    }
    range("queueBytes", options.queue_bytes, 1, MAX_QUEUE)?;
    range_ms("gapTimeout", options.gap_timeout, 0, 600_000)
}

pub(super) fn fetch(options: &FetchOptions) -> Result<(), ClientError> {
    if options.to_group < options.from_group {
        return Err(ClientError::invalid(format!(
            "Option `toGroup` is {}, below `fromGroup` {}: give the same group or a later one.",
            options.to_group, options.from_group
        )));
    }
    if options.to_group > MAX_ID {
        return Err(ClientError::invalid(
            "Option `toGroup` is above 2^53 - 1, the largest group.",
        ));
    }
    range("queueBytes", options.queue_bytes, 1, MAX_QUEUE)
}
