//! Draft-18 "Control Messages".

use super::super::cursor::{Reader, Writer};
use super::super::error::{request_codes, WireError};
use super::super::location::Location;
use super::super::message::*;
use super::super::name::{FullTrackName, Namespace};
use super::super::params::{Parameters, Scope};
use super::super::properties::{Properties, MAX_VALUE_LEN};
use super::super::token::AuthToken;
use super::CODING;
use bytes::{Bytes, BytesMut};

/// Message types; see the table in draft-18 "Control Messages".
pub mod kind {
    pub const REQUEST_UPDATE: u64 = 0x2;
    pub const SUBSCRIBE: u64 = 0x3;
    pub const SUBSCRIBE_OK: u64 = 0x4;
    pub const REQUEST_ERROR: u64 = 0x5;
    pub const PUBLISH_NAMESPACE: u64 = 0x6;
    pub const REQUEST_OK: u64 = 0x7;
    pub const NAMESPACE: u64 = 0x8;
    pub const PUBLISH_DONE: u64 = 0xB;
    pub const TRACK_STATUS: u64 = 0xD;
    pub const NAMESPACE_DONE: u64 = 0xE;
    pub const PUBLISH_BLOCKED: u64 = 0xF;
    pub const GOAWAY: u64 = 0x10;
    pub const FETCH: u64 = 0x16;
    pub const FETCH_OK: u64 = 0x18;
    pub const PUBLISH: u64 = 0x1D;
    /// The table still lists it; the text makes it a REQUEST_OK (0x7). Read, never written.
    pub const PUBLISH_OK: u64 = 0x1E;
    pub const SUBSCRIBE_NAMESPACE: u64 = 0x50;
    pub const SUBSCRIBE_TRACKS: u64 = 0x51;
    pub const SETUP: u64 = 0x2F00;
}

mod option {
    pub const PATH: u64 = 0x01;
    pub const AUTHORIZATION_TOKEN: u64 = 0x03;
    pub const MAX_AUTH_TOKEN_CACHE_SIZE: u64 = 0x04;
    pub const AUTHORITY: u64 = 0x05;
    pub const MOQT_IMPLEMENTATION: u64 = 0x07;
}

const MAX_URI: u64 = 8_192;
const MAX_REASON: usize = 1_024;
const URI_TOO_LONG: &str = "URI exceeds 8,192 bytes";

pub fn decode(data: &Bytes) -> Result<(Message, usize), WireError> {
    let mut r = Reader::new(data, CODING);
    let kind = r.varint()?;
    // An unknown type is reported at once: its length would only delay the same end.
    let decode = decoder(kind).ok_or(WireError::violation("unknown message type"))?;
    let len = r.u16()?;
    let payload = r.bytes(u64::from(len))?;
    let mut body = Reader::new(&payload, CODING);
    let message = decode(&mut body).and_then(|m| body.expect_end().map(|()| m));
    Ok((message.map_err(WireError::at_end)?, r.position()))
}

type Decode = fn(&mut Reader<'_>) -> Result<Message, WireError>;

fn decoder(kind: u64) -> Option<Decode> {
    Some(match kind {
        kind::SETUP => |r| Ok(Message::Setup(setup(r)?)),
        kind::GOAWAY => |r| Ok(Message::Goaway(goaway(r)?)),
        kind::REQUEST_UPDATE => |r| {
            let id = r.varint()?;
            let params = Parameters::decode(r, Scope::AnyUpdate)?;
            Ok(Message::Update {
                id,
                existing: None,
                params,
            })
        },
        kind::SUBSCRIBE => |r| {
            request(r, |r| {
                Ok(Request::Subscribe(subscribe(r, RequestKind::Subscribe)?))
            })
        },
        kind::TRACK_STATUS => |r| {
            request(r, |r| {
                Ok(Request::TrackStatus(subscribe(
                    r,
                    RequestKind::TrackStatus,
                )?))
            })
        },
        kind::PUBLISH => |r| request(r, |r| Ok(Request::Publish(publish(r)?))),
        kind::FETCH => |r| request(r, |r| Ok(Request::Fetch(fetch(r)?))),
        kind::PUBLISH_NAMESPACE => |r| {
            let kind = RequestKind::PublishNamespace;
            request(r, |r| {
                Ok(Request::PublishNamespace(namespace_request(r, kind)?))
            })
        },
        kind::SUBSCRIBE_NAMESPACE => |r| {
            let kind = RequestKind::SubscribeNamespace;
            request(r, |r| {
                Ok(Request::SubscribeNamespace(namespace_request(r, kind)?))
            })
        },
        kind::SUBSCRIBE_TRACKS => |r| {
            let kind = RequestKind::SubscribeTracks;
            request(r, |r| {
                Ok(Request::SubscribeTracks(namespace_request(r, kind)?))
            })
        },
        kind::SUBSCRIBE_OK => |r| Ok(answer(Response::SubscribeOk(subscribe_ok(r)?))),
        kind::REQUEST_OK | kind::PUBLISH_OK => |r| {
            let params = Parameters::decode(r, Scope::AnyRequestOk)?;
            let properties = track_properties(r)?;
            Ok(answer(Response::RequestOk(RequestOk {
                params,
                properties,
            })))
        },
        kind::REQUEST_ERROR => |r| Ok(answer(Response::RequestError(request_error(r)?))),
        kind::FETCH_OK => |r| Ok(answer(Response::FetchOk(fetch_ok(r)?))),
        kind::PUBLISH_DONE => |r| {
            let (status, stream_count) = (r.varint()?, r.varint()?);
            let done = PublishDone {
                status,
                stream_count,
                reason: reason(r)?,
            };
            Ok(answer(Response::PublishDone(done)))
        },
        kind::NAMESPACE => |r| Ok(answer(Response::Namespace(Namespace::decode(r)?))),
        kind::NAMESPACE_DONE => |r| Ok(answer(Response::NamespaceDone(Namespace::decode(r)?))),
        kind::PUBLISH_BLOCKED => |r| {
            Ok(answer(Response::PublishBlocked {
                suffix: FullTrackName::decode(r)?,
            }))
        },
        _ => return None,
    })
}

fn answer(response: Response) -> Message {
    Message::Response { id: None, response }
}

fn request(
    r: &mut Reader<'_>,
    body: impl FnOnce(&mut Reader<'_>) -> Result<Request, WireError>,
) -> Result<Message, WireError> {
    let id = r.varint()?;
    Ok(Message::Request {
        id,
        request: body(r)?,
    })
}

fn setup(r: &mut Reader<'_>) -> Result<Setup, WireError> {
    const LONG: &str = "setup option above 65,535 bytes";
    let mut setup = Setup::default();
    let mut key = 0u64;
    while !r.is_empty() {
        key = key
            .checked_add(r.varint()?)
            .ok_or(WireError::violation("setup option type above 2^64 - 1"))?;
        let (mut number, mut bytes) = (0, Bytes::new());
        if key % 2 == 0 {
            number = r.varint()?;
        } else {
            bytes = r.length_prefixed(MAX_VALUE_LEN, LONG)?;
        }
        let slot = match key {
            option::PATH => &mut setup.path,
            option::AUTHORITY => &mut setup.authority,
            option::MOQT_IMPLEMENTATION => &mut setup.implementation,
            option::AUTHORIZATION_TOKEN => {
                setup.tokens.push(AuthToken::decode(&bytes, CODING)?);
                continue;
            }
            option::MAX_AUTH_TOKEN_CACHE_SIZE => {
                if setup.max_auth_token_cache_size.replace(number).is_some() {
                    return Err(WireError::violation("setup option repeated"));
                }
                continue;
            }
            _ => continue,
        };
        if slot.replace(bytes).is_some() {
            return Err(WireError::violation("setup option repeated"));
        }
    }
    Ok(setup)
}

fn goaway(r: &mut Reader<'_>) -> Result<Goaway, WireError> {
    let uri = r.length_prefixed(MAX_URI, URI_TOO_LONG)?;
    let timeout = r.varint()?;
    let request_id = if r.is_empty() {
        None
    } else {
        Some(r.varint()?)
    };
    Ok(Goaway {
        uri,
        timeout,
        request_id,
    })
}

fn subscribe(r: &mut Reader<'_>, kind: RequestKind) -> Result<Subscribe, WireError> {
    let track = FullTrackName::decode(r)?;
    Ok(Subscribe {
        track,
        params: Parameters::decode(r, Scope::Request(kind))?,
    })
}

fn publish(r: &mut Reader<'_>) -> Result<Publish, WireError> {
    let track = FullTrackName::decode(r)?;
    let track_alias = r.varint()?;
    let params = Parameters::decode(r, Scope::Request(RequestKind::Publish))?;
    Ok(Publish {
        track,
        track_alias,
        params,
        properties: track_properties(r)?,
    })
}

fn fetch(r: &mut Reader<'_>) -> Result<Fetch, WireError> {
    let range = match r.varint()? {
        1 => {
            let track = FullTrackName::decode(r)?;
            let (start, end) = (Location::decode(r)?, Location::decode(r)?);
            FetchRange::Standalone { track, start, end }
        }
        2 => FetchRange::RelativeJoining {
            request_id: r.varint()?,
            groups: r.varint()?,
        },
        3 => FetchRange::AbsoluteJoining {
            request_id: r.varint()?,
            group: r.varint()?,
        },
        _ => return Err(WireError::violation("unknown fetch type")),
    };
    Ok(Fetch {
        range,
        params: Parameters::decode(r, Scope::Request(RequestKind::Fetch))?,
    })
}

fn namespace_request(r: &mut Reader<'_>, kind: RequestKind) -> Result<NamespaceRequest, WireError> {
    let namespace = Namespace::decode(r)?;
    Ok(NamespaceRequest {
        namespace,
        params: Parameters::decode(r, Scope::Request(kind))?,
    })
}

fn subscribe_ok(r: &mut Reader<'_>) -> Result<SubscribeOk, WireError> {
    let track_alias = r.varint()?;
    let params = Parameters::decode(r, Scope::SubscribeOk)?;
    Ok(SubscribeOk {
        track_alias,
        params,
        properties: track_properties(r)?,
    })
}

fn request_error(r: &mut Reader<'_>) -> Result<RequestError, WireError> {
    let code = r.varint()?;
    let retry_after = r.varint()?.checked_sub(1);
    let reason = reason(r)?;
    let redirect = if code == request_codes::REDIRECT {
        let uri = r.length_prefixed(MAX_URI, URI_TOO_LONG)?;
        Some(Redirect {
            uri,
            track: FullTrackName::decode(r)?,
        })
    } else {
        None
    };
    Ok(RequestError {
        code,
        retry_after,
        reason,
        redirect,
    })
}

fn fetch_ok(r: &mut Reader<'_>) -> Result<FetchOk, WireError> {
    let end_of_track = match r.u8()? {
        0 => false,
        1 => true,
        _ => return Err(WireError::violation("end of track is neither 0 nor 1")),
    };
    let end = Location::decode(r)?;
    let params = Parameters::decode(r, Scope::FetchOk)?;
    Ok(FetchOk {
        end_of_track,
        end,
        params,
        properties: track_properties(r)?,
    })
}

fn track_properties(r: &mut Reader<'_>) -> Result<Properties, WireError> {
    let properties = Properties::from_wire(r.rest())?;
    properties.check_track()?;
    Ok(properties)
}

fn reason(r: &mut Reader<'_>) -> Result<String, WireError> {
    let bytes = r.length_prefixed(MAX_REASON as u64, "reason phrase exceeds 1,024 bytes")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

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
