//! Draft-18 "Control Messages": reading.

use super::super::cursor::Reader;
use super::super::error::{request_codes, WireError};
use super::super::location::Location;
use super::super::message::*;
use super::super::name::{FullTrackName, Namespace};
use super::super::params::{Parameters, Scope};
use super::super::properties::{Properties, MAX_VALUE_LEN};
use super::super::token::AuthToken;
use super::CODING;
use bytes::Bytes;

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

pub mod option {
    pub const PATH: u64 = 0x01;
    pub const AUTHORIZATION_TOKEN: u64 = 0x03;
    pub const MAX_AUTH_TOKEN_CACHE_SIZE: u64 = 0x04;
    pub const AUTHORITY: u64 = 0x05;
    pub const MOQT_IMPLEMENTATION: u64 = 0x07;
}

pub const MAX_URI: u64 = 8_192;
pub const MAX_REASON: usize = 1_024;
pub const URI_TOO_LONG: &str = "URI exceeds 8,192 bytes";

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
