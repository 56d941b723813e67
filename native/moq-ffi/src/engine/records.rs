//! Translates between the session's types and options and records.

use crate::clock::at_us;
use crate::commands::Command;
use crate::error::{Error, Result};
use crate::options;
use crate::record::*;
use bytes::Bytes;
use moqt::client::{
    ClientEvent, ClientState, FetchOptions, Gap, GapReason, Handle, InObject, LinkId,
    PublishOptions, SessionInfo, Start, SubscribeOptions,
};
use moqt::delivery::DeliveryClass;
use moqt::wire::location::GroupOrder;
use moqt::wire::name::{FullTrackName, Namespace};
use moqt_net::TransportKind;
use serde_json::{json, Value};
use std::time::Duration;

pub fn namespace(fields: &[String]) -> Result<Namespace> {
    Namespace::new(fields.iter().map(|field| Bytes::from(field.clone())))
        .map_err(|error| Error::invalid(error.to_string()))
}

pub fn track_name(track: &options::TrackName) -> Result<FullTrackName> {
    FullTrackName::new(
        namespace(&track.namespace)?,
        Bytes::from(track.name.clone()),
    )
    .map_err(|error| Error::invalid(error.to_string()))
}

fn fields_of(namespace: &Namespace) -> Vec<String> {
    namespace
        .fields()
        .iter()
        .map(|field| String::from_utf8_lossy(field).into_owned())
        .collect()
}

/// For people.
pub fn display(track: &FullTrackName) -> String {
    let name = String::from_utf8_lossy(track.name());
    format!("{}/{name}", fields_of(track.namespace()).join("/"))
}

pub fn publish_options(options: &options::PublishOptions) -> PublishOptions {
    PublishOptions {
        delivery: options.delivery,
        deadline: Duration::from_millis(options.deadline_ms),
        priority: options.priority,
        queue_bytes: options.session_queue_bytes(),
        retain_bytes: options.retain_bytes,
        max_datagram_size: options.max_datagram_size.min(65_000),
    }
}

pub fn subscribe_options(options: &options::SubscribeOptions) -> SubscribeOptions {
    SubscribeOptions {
        start: match options.start {
            options::Start::LatestGroup => Start::LatestGroup,
            options::Start::Next => Start::Next,
            options::Start::Now => Start::Now,
        },
        delivery: options.delivery,
        unordered: options.unordered,
        priority: options.priority,
        wait: Duration::from_millis(options.wait_ms.min(3_600_000)),
        max_age: (options.max_age_ms > 0).then(|| Duration::from_millis(options.max_age_ms)),
        queue_bytes: options.queue_bytes,
        gap_timeout: Duration::from_millis(options.gap_timeout_ms),
    }
}

pub fn fetch_options(options: &options::FetchOptions) -> FetchOptions {
    FetchOptions {
        from_group: options.from_group,
        to_group: options.to_group,
        order: if options.descending {
            GroupOrder::Descending
        } else {
            GroupOrder::Ascending
        },
        priority: options.priority,
        queue_bytes: crate::client::FETCH_QUEUE_BYTES,
    }
}

fn with_json(mut record: Record, value: &Value) -> Record {
    record.payload = Bytes::from(value.to_string());
    record
}

fn error_json(error: &Error) -> Value {
    let mut value = json!({ "message": error.message, "retryable": error.retryable });
    if let Some(code) = error.peer_code {
        value["peerCode"] = code.into();
    }
    if let Some(reason) = error.certificate {
        value["reason"] = reason.name().into();
    }
    value
}

/// The terminal record of a handle.
pub fn end(handle: u64, error: Option<&Error>) -> Record {
    let record = Record::new(MOQ_RECORD_END, handle);
    match error {
        None => record,
        Some(error) => with_json(
            Record {
                code: error.code as u32,
                extra: error
                    .certificate
                    .map_or(0, |it| MoqCertificateReason::from(it) as u64),
                ..record
            },
            &error_json(error),
        ),
    }
}

/// The client's state record.
pub fn state(
    handle: u64,
    state: ClientState,
    info: Option<&SessionInfo>,
    transport: Option<TransportKind>,
    datagrams: bool,
    error: Option<&Error>,
) -> Record {
    let code = match state {
        ClientState::Connecting => MOQ_CLIENT_CONNECTING,
        ClientState::Open => MOQ_CLIENT_OPEN,
        ClientState::Reconnecting => MOQ_CLIENT_RECONNECTING,
        ClientState::Closed => MOQ_CLIENT_CLOSED,
    };
    let record = Record {
        code: code as u32,
        extra: error.map_or(0, |error| error.code as u64),
        ..Record::new(MOQ_RECORD_STATE, handle)
    };
    match (info, error) {
        (Some(info), _) => {
            let value = json!({
                "draft": info.draft,
                "transport": transport.map_or("quic", TransportKind::as_str),
                "peer": info.peer,
                "capabilities": {
                    "fetch": true, "discover": true, "datagrams": datagrams, "subscribeUpdate": true,
                },
            });
            with_json(record, &value)
        }
        (None, Some(error)) => with_json(record, &error_json(error)),
        (None, None) => record,
    }
}

/// The client needs a token for this attempt to connect.
pub fn token_wanted(handle: u64, attempt: LinkId) -> Record {
    Record {
        extra: attempt.0,
        ..Record::new(MOQ_RECORD_TOKEN_WANTED, handle)
    }
}

pub fn subscription_ready(handle: u64, class: DeliveryClass) -> Record {
    with_json(
        Record::new(MOQ_RECORD_READY, handle),
        &json!({ "delivery": class.name() }),
    )
}

/// The session's handle that an event is about, for those that [`of_event`] translates.
pub fn handle_of(event: &ClientEvent) -> Option<Handle> {
    match event {
        ClientEvent::Subscribers(handle, _)
        | ClientEvent::KeyframeWanted(handle)
        | ClientEvent::Object(handle, _)
        | ClientEvent::Gap(handle, _)
        | ClientEvent::NamespaceAdded(handle, _)
        | ClientEvent::NamespaceRemoved(handle, _)
        | ClientEvent::Status { handle, .. } => Some(*handle),
        _ => None,
    }
}

/// The record of an event that concerns one handle and nothing else here.
pub fn of_event(handle: u64, event: ClientEvent) -> Option<Record> {
    Some(match event {
        ClientEvent::Subscribers(_, count) => Record {
            extra: count as u64,
            ..Record::new(MOQ_RECORD_SUBSCRIBERS, handle)
        },
        ClientEvent::KeyframeWanted(_) => Record::new(MOQ_RECORD_KEYFRAME_WANTED, handle),
        ClientEvent::Object(_, object) => object_record(handle, object),
        ClientEvent::Gap(_, gap) => gap_record(handle, &gap),
        ClientEvent::NamespaceAdded(_, namespace) => namespace_record(handle, &namespace, 0),
        ClientEvent::NamespaceRemoved(_, namespace) => {
            namespace_record(handle, &namespace, MOQ_FLAG_REMOVED)
        }
        ClientEvent::Status { largest, class, .. } => {
            let mut record = Record::new(MOQ_RECORD_STATUS, handle);
            if let Some(largest) = largest {
                record.flags = MOQ_FLAG_HAS_LARGEST;
                (record.group, record.object) = (largest.group, largest.object);
            }
            let value = class.map_or(json!({}), |class| json!({ "delivery": class.name() }));
            with_json(record, &value)
        }
        _ => return None,
    })
}

fn object_record(handle: u64, object: InObject) -> Record {
    let keyframe = if object.keyframe {
        MOQ_FLAG_KEYFRAME
    } else {
        0
    };
    let published = if object.published_at.is_some() {
        MOQ_FLAG_PUBLISHED_AT
    } else {
        0
    };
    Record {
        kind: MOQ_RECORD_OBJECT,
        flags: keyframe | published,
        handle,
        group: object.group,
        object: object.object,
        subgroup: object.subgroup,
        received_us: at_us(object.received),
        extra: object.published_at.unwrap_or(0),
        code: 0,
        payload: object.payload,
    }
}

fn gap_record(handle: u64, gap: &Gap) -> Record {
    let reason = match gap.reason {
        GapReason::Lost => MOQ_GAP_LOST,
        GapReason::Reset => MOQ_GAP_RESET,
        GapReason::Late => MOQ_GAP_LATE,
        GapReason::Stale => MOQ_GAP_STALE,
        GapReason::Overflow => MOQ_GAP_OVERFLOW,
        GapReason::TooFarBehind => MOQ_GAP_TOO_FAR_BEHIND,
        GapReason::Reconnected => MOQ_GAP_RECONNECTED,
    };
    Record {
        flags: if gap.objects.is_some() {
            MOQ_FLAG_COUNT_KNOWN
        } else {
            0
        },
        group: gap.from_group,
        object: gap.to_group,
        extra: gap.objects.unwrap_or(0),
        code: reason as u32,
        ..Record::new(MOQ_RECORD_GAP, handle)
    }
}

fn namespace_record(handle: u64, namespace: &Namespace, flags: u16) -> Record {
    let record = Record {
        flags,
        ..Record::new(MOQ_RECORD_NAMESPACE, handle)
    };
    with_json(record, &json!(fields_of(namespace)))
}

/// The handle that a command would have opened.
pub fn opening_handle(command: &Command) -> Option<u64> {
    match command {
        Command::Publish { handle, .. }
        | Command::Subscribe { handle, .. }
        | Command::Fetch { handle, .. }
        | Command::Discover { handle, .. }
        | Command::Announce { handle, .. }
        | Command::Status { handle, .. } => Some(*handle),
        _ => None,
    }
}
