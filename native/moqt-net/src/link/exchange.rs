//! The CONNECT exchange that begins a WebTransport session: request, answer, and refusal.

use super::h3;
use super::incoming::Incoming;
use super::webtransport::{Outcome, Ready, Role, WebTransport, MAX_HEADERS};
use bytes::{Bytes, BytesMut};
use moqt::transport::{CloseReason, Dir};
use quinn_proto::{Connection, StreamId, VarInt};
use web_transport_proto as proto;

impl WebTransport {
    fn become_ready(&mut self, rest: Bytes, protocol: String, url: &url::Url) -> Outcome {
        let Some(id) = self.session else {
            return Outcome::Nothing;
        };
        self.ready = true;
        self.headers = BytesMut::new();
        let mut prefix = Vec::new();
        h3::write_varint(&mut prefix, u64::from(id) / 4);
        self.datagram_prefix = prefix.into();
        self.bi_prefix = h3::stream_prefix(Dir::Bi, id.into()).into();
        self.uni_prefix = h3::stream_prefix(Dir::Uni, id.into()).into();
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Outcome::Ready(Box::new(Ready {
            protocol,
            path,
            authority: url.authority().to_owned(),
            early: std::mem::take(&mut self.early),
            rest: Incoming {
                id,
                chunks: [rest].into(),
                end: None,
                announce: false,
            },
        }))
    }

    /// Server: the client's CONNECT.
    pub(super) fn on_request(&mut self, conn: &mut Connection) -> Outcome {
        let Some(id) = self.session else {
            return Outcome::Nothing;
        };
        let mut rest = &self.headers[..];
        let request = match proto::ConnectRequest::decode(&mut rest) {
            Ok(request) => request,
            Err(proto::ConnectError::UnexpectedEnd) if self.headers.len() < MAX_HEADERS => {
                return Outcome::Nothing;
            }
            Err(proto::ConnectError::WrongMethod(_) | proto::ConnectError::WrongProtocol(_)) => {
                return self.refuse(conn, id, 405, "this port speaks WebTransport only");
            }
            Err(e) => return self.refuse(conn, id, 400, &format!("bad CONNECT request: {e}")),
        };
        let Role::Server { protocols } = &self.role else {
            return Outcome::Nothing;
        };
        let rest = Bytes::copy_from_slice(rest);
        let chosen = protocols
            .iter()
            .find(|p| request.protocols.contains(p))
            .cloned();
        let named = chosen.is_some();
        let chosen = match chosen {
            Some(protocol) => protocol,
            // A client that lists none leaves the choice to the server; with one draft it is clear.
            None if request.protocols.is_empty() && protocols.len() == 1 => {
                protocols.first().cloned().unwrap_or_default()
            }
            None => {
                let offered = match request.protocols.as_slice() {
                    [] => "nothing (WT-Available-Protocols is missing)".to_owned(),
                    list => list.join(", ").chars().take(200).collect(),
                };
                let text = format!(
                    "no common MOQT protocol: the client offered {offered}; this server speaks {}",
                    protocols.join(", ")
                );
                return self.refuse(conn, id, 400, &text);
            }
        };
        let mut response = proto::ConnectResponse::OK;
        if named {
            response = response.with_protocol(chosen.clone());
        }
        let mut bytes = Vec::new();
        if let Err(e) = response.encode(&mut bytes) {
            return self.refuse(conn, id, 400, &format!("the protocol cannot be named: {e}"));
        }
        self.post(conn, id, bytes.into(), false);
        self.become_ready(rest, chosen, &request.url)
    }

    /// Server: answers with an error and its reason as text.
    fn refuse(&mut self, conn: &mut Connection, id: StreamId, status: u16, text: &str) -> Outcome {
        let status = proto::http::StatusCode::from_u16(status).unwrap_or_default();
        let mut bytes = Vec::new();
        // Fails only for values that cannot occur in a status line.
        let _ = proto::ConnectResponse::new(status).encode(&mut bytes);
        bytes.extend_from_slice(&h3::data_frame(text.as_bytes()));
        self.post(conn, id, bytes.into(), true);
        let _ = conn.recv_stream(id).stop(VarInt::from_u32(h3::H3_NO_ERROR));
        Outcome::Ended(CloseReason::Refused(text.to_owned()), None)
    }

    /// Client: the server's answer. `ended`: nothing more follows on the stream.
    pub(super) fn on_response(&mut self, ended: bool) -> Outcome {
        let Role::Client { request, peer } = &self.role else {
            return Outcome::Nothing;
        };
        let mut rest = &self.headers[..];
        let response = match proto::ConnectResponse::decode(&mut rest) {
            Ok(response) => response,
            Err(proto::ConnectError::UnexpectedEnd) if self.headers.len() < MAX_HEADERS => {
                return Outcome::Nothing;
            }
            Err(proto::ConnectError::WrongStatus(Some(status))) => {
                let text = h3::body_text(rest);
                let reason = refusal(peer, status.as_u16(), &text, &request.protocols);
                if ended || self.headers.len() > 4_096 {
                    return Outcome::Ended(reason, Some(h3::H3_NO_ERROR));
                }
                // The text of the answer may still come; see `give_up_waiting`.
                self.refused = Some(reason);
                return Outcome::Nothing;
            }
            Err(e) => {
                let text = format!("{peer} answered the WebTransport request with nonsense: {e}");
                let reason = CloseReason::Refused(text);
                return Outcome::Ended(reason, Some(h3::H3_MESSAGE_ERROR));
            }
        };
        let offered = request.protocols.join(", ");
        let protocol = match response.protocol {
            Some(protocol) if request.protocols.contains(&protocol) => protocol,
            other => {
                let answer = match other {
                    Some(other) => format!("chose {}", other.chars().take(50).collect::<String>()),
                    None => "chose none (it may speak only older drafts)".to_owned(),
                };
                let reason = CloseReason::Protocol(format!(
                    "no common protocol with {peer}: this side offered {offered}; the server {answer}"
                ));
                return Outcome::Ended(reason, Some(h3::H3_NO_ERROR));
            }
        };
        let rest = Bytes::copy_from_slice(rest);
        let url = request.url.clone();
        self.become_ready(rest, protocol, &url)
    }
}

fn refusal(peer: &str, status: u16, text: &str, offered: &[String]) -> CloseReason {
    let offered = offered.join(", ");
    let said = match text {
        "" => String::new(),
        text => format!(": {text}"),
    };
    if status == 400 && text.contains("protocol") {
        return CloseReason::Protocol(format!(
            "{peer} refused the WebTransport request with HTTP status 400{said} (this side \
             offered {offered})"
        ));
    }
    let hint = match status {
        400 => "; it may speak none of the offered drafts",
        401 | 403 => "; a token or another path may be needed",
        404 => "; check the path in the URL",
        405 | 501 => "; it may not support WebTransport",
        429 | 503 => "; it is overloaded, try again later",
        _ => "",
    };
    CloseReason::Refused(format!(
        "{peer} refused the WebTransport request with HTTP status {status}{said}{hint} (this side \
         offered {offered})"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decoders come from elsewhere and see what peers send: they must not panic.
    #[test]
    fn mutated_headers_and_settings_never_panic() {
        let url = url::Url::parse("https://relay.example:4443/match?x=1").unwrap();
        let request = proto::ConnectRequest::new(url).with_protocol("moqt-18");
        let mut valid: [Vec<u8>; 3] = Default::default();
        request.encode(&mut valid[0]).unwrap();
        let response = proto::ConnectResponse::OK.with_protocol("moqt-18");
        response.encode(&mut valid[1]).unwrap();
        let mut settings = proto::Settings::default();
        settings.enable_webtransport(1);
        settings.encode(&mut valid[2]);
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 11) as usize % below.max(1)
        };
        let mut accepted = 0;
        for round in 0..60_000 {
            let mut bytes = valid[round % 3].clone();
            for _ in 0..next(6) {
                let at = next(bytes.len());
                match next(4) {
                    0 => bytes[at] = next(256) as u8,
                    1 => bytes[at] ^= 1 << next(8),
                    2 => bytes.truncate(at),
                    _ => bytes.insert(at, next(256) as u8),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            accepted += usize::from(proto::ConnectRequest::decode(&mut &bytes[..]).is_ok());
            accepted += usize::from(proto::ConnectResponse::decode(&mut &bytes[..]).is_ok());
            accepted += usize::from(proto::Settings::decode(&mut &bytes[..]).is_ok());
        }
        assert!(accepted > 5_000, "unchanged ones are accepted: {accepted}");
    }
}
