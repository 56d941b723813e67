//! Draft-18 "Control Messages": writing.

use super::super::cursor::Writer;
use super::super::error::{request_codes, WireError};
use super::super::message::*;
use super::super::params::Scope;
use super::control::{kind, option, MAX_REASON, MAX_URI, URI_TOO_LONG};
use super::CODING;
use bytes::BytesMut;

pub fn encode(message: &Message, out: &mut BytesMut) -> Result<(), WireError> {
    check(message)?;
    let start = out.len();
    let mut w = Writer::new(out, CODING);
    w.varint(type_of(message));
    w.u16(0);
    let body = out.len();
    write_body(message, &mut Writer::new(out, CODING));
    let Ok(len) = u16::try_from(out.len() - body) else {
        out.truncate(start);
        return Err(WireError::violation("control message exceeds 65,535 bytes"));
    };
    out[body - 2..body].copy_from_slice(&len.to_be_bytes());
    Ok(())
}

/// Refuses what the peer would have to close the session for.
fn check(message: &Message) -> Result<(), WireError> {
    match message {
        Message::Goaway(m) if m.uri.len() as u64 > MAX_URI => {
            Err(WireError::violation(URI_TOO_LONG))
        }
        Message::Response {
            response: Response::RequestError(m),
            ..
        } => {
            if m.redirect
                .as_ref()
                .is_some_and(|to| to.uri.len() as u64 > MAX_URI)
            {
                return Err(WireError::violation(URI_TOO_LONG));
            }
            if m.redirect.is_some() != (m.code == request_codes::REDIRECT) {
                return Err(WireError::violation(
                    "a redirect goes with code REDIRECT only",
                ));
            }
            Ok(())
        }
        Message::Request { request, .. } => request.params().check(Scope::Request(request.kind())),
        Message::Update { params, .. } => params.check(Scope::AnyUpdate),
        Message::Response {
            response: Response::SubscribeOk(m),
            ..
        } => m.params.check(Scope::SubscribeOk),
        Message::Response {
            response: Response::FetchOk(m),
            ..
        } => m.params.check(Scope::FetchOk),
        Message::Response {
            response: Response::RequestOk(m),
            ..
        } => m.params.check(Scope::AnyRequestOk),
        _ => Ok(()),
    }
}

fn type_of(message: &Message) -> u64 {
    match message {
        Message::Setup(_) => kind::SETUP,
        Message::Goaway(_) => kind::GOAWAY,
        Message::Update { .. } => kind::REQUEST_UPDATE,
        Message::Request { request, .. } => match request {
            Request::Subscribe(_) => kind::SUBSCRIBE,
            Request::Publish(_) => kind::PUBLISH,
            Request::Fetch(_) => kind::FETCH,
            Request::TrackStatus(_) => kind::TRACK_STATUS,
            Request::PublishNamespace(_) => kind::PUBLISH_NAMESPACE,
            Request::SubscribeNamespace(_) => kind::SUBSCRIBE_NAMESPACE,
            Request::SubscribeTracks(_) => kind::SUBSCRIBE_TRACKS,
        },
        Message::Response { response, .. } => match response {
            Response::SubscribeOk(_) => kind::SUBSCRIBE_OK,
            Response::RequestOk(_) => kind::REQUEST_OK,
            Response::RequestError(_) => kind::REQUEST_ERROR,
            Response::FetchOk(_) => kind::FETCH_OK,
            Response::PublishDone(_) => kind::PUBLISH_DONE,
            Response::Namespace(_) => kind::NAMESPACE,
            Response::NamespaceDone(_) => kind::NAMESPACE_DONE,
            Response::PublishBlocked { .. } => kind::PUBLISH_BLOCKED,
        },
    }
}

fn write_body(message: &Message, w: &mut Writer<'_>) {
    match message {
        Message::Setup(m) => write_setup(m, w),
        Message::Goaway(m) => {
            w.length_prefixed(&m.uri);
            w.varint(m.timeout);
            if let Some(id) = m.request_id {
                w.varint(id);
            }
        }
        Message::Update { id, params, .. } => {
            w.varint(*id);
            params.encode(w);
        }
        Message::Request { id, request } => {
            w.varint(*id);
            write_request(request, w);
        }
        Message::Response { response, .. } => write_response(response, w),
    }
}

fn write_setup(setup: &Setup, w: &mut Writer<'_>) {
    let mut previous = 0;
    let mut key = |w: &mut Writer<'_>, key: u64| {
        w.varint(key - previous);
        previous = key;
    };
    if let Some(path) = &setup.path {
        key(w, option::PATH);
        w.length_prefixed(path);
    }
    for token in &setup.tokens {
        key(w, option::AUTHORIZATION_TOKEN);
        w.length_prefixed(&token.to_bytes(CODING));
    }
    if let Some(size) = setup.max_auth_token_cache_size {
        key(w, option::MAX_AUTH_TOKEN_CACHE_SIZE);
        w.varint(size);
    }
    if let Some(authority) = &setup.authority {
        key(w, option::AUTHORITY);
        w.length_prefixed(authority);
    }
    if let Some(implementation) = &setup.implementation {
        key(w, option::MOQT_IMPLEMENTATION);
        w.length_prefixed(implementation);
    }
}

fn write_request(request: &Request, w: &mut Writer<'_>) {
    match request {
        Request::Subscribe(m) | Request::TrackStatus(m) => {
            m.track.encode(w);
            m.params.encode(w);
        }
        Request::Publish(m) => {
            m.track.encode(w);
            w.varint(m.track_alias);
            m.params.encode(w);
            w.bytes(m.properties.as_wire());
        }
        Request::Fetch(m) => {
            match &m.range {
                FetchRange::Standalone { track, start, end } => {
                    w.varint(1);
                    track.encode(w);
                    start.encode(w);
                    end.encode(w);
                }
                FetchRange::RelativeJoining {
                    request_id,
                    groups: start,
                } => write_joining(w, 2, *request_id, *start),
                FetchRange::AbsoluteJoining {
                    request_id,
                    group: start,
                } => write_joining(w, 3, *request_id, *start),
            }
            m.params.encode(w);
        }
        Request::PublishNamespace(m)
        | Request::SubscribeNamespace(m)
        | Request::SubscribeTracks(m) => {
            m.namespace.encode(w);
            m.params.encode(w);
        }
    }
}

fn write_joining(w: &mut Writer<'_>, kind: u64, request_id: u64, start: u64) {
    w.varint(kind);
    w.varint(request_id);
    w.varint(start);
}

fn write_response(response: &Response, w: &mut Writer<'_>) {
    match response {
        Response::SubscribeOk(m) => {
            w.varint(m.track_alias);
            m.params.encode(w);
            w.bytes(m.properties.as_wire());
        }
        Response::RequestOk(m) => {
            m.params.encode(w);
            w.bytes(m.properties.as_wire());
        }
        Response::RequestError(m) => {
            w.varint(m.code);
            w.varint(m.retry_after.map_or(0, |after| after.saturating_add(1)));
            write_reason(&m.reason, w);
            if let Some(redirect) = &m.redirect {
                w.length_prefixed(&redirect.uri);
                redirect.track.encode(w);
            }
        }
        Response::FetchOk(m) => {
            w.u8(u8::from(m.end_of_track));
            m.end.encode(w);
            m.params.encode(w);
            w.bytes(m.properties.as_wire());
        }
        Response::PublishDone(m) => {
            w.varint(m.status);
            w.varint(m.stream_count);
            write_reason(&m.reason, w);
        }
        Response::Namespace(suffix) | Response::NamespaceDone(suffix) => suffix.encode(w),
        Response::PublishBlocked { suffix } => suffix.encode(w),
    }
}

/// Cuts a reason at 1,024 bytes, on a character boundary.
fn write_reason(reason: &str, w: &mut Writer<'_>) {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    w.length_prefixed(&reason.as_bytes()[..end]);
}
