//! The little of HTTP/3 that WebTransport needs beside SETTINGS and CONNECT: what a stream is,
//! and the capsules on the CONNECT stream. No I/O.

use moqt::transport::Dir;
use web_transport_proto::VarInt;

/// Stream and frame types of RFC 9114 and draft-ietf-webtrans-http3.
pub(crate) const STREAM_CONTROL: u64 = 0x00;
pub(crate) const STREAM_WEBTRANSPORT: u64 = 0x54;
const FRAME_DATA: u64 = 0x00;
const FRAME_WEBTRANSPORT: u64 = 0x41;
const CAPSULE_CLOSE: u64 = 0x2843;

/// HTTP/3 error codes (RFC 9114 section 8.1, WebTransport).
pub(crate) const H3_NO_ERROR: u32 = 0x100;
pub(crate) const H3_MESSAGE_ERROR: u32 = 0x10e;
pub(crate) const H3_REQUEST_REJECTED: u32 = 0x10b;
pub(crate) const H3_REQUEST_CANCELLED: u32 = 0x10c;
pub(crate) const H3_SETTINGS_ERROR: u32 = 0x109;
pub(crate) const WEBTRANSPORT_BUFFERED_STREAM_REJECTED: u32 = 0x3994_bd84;

/// Longest reason of CLOSE_WEBTRANSPORT_SESSION in bytes (draft-ietf-webtrans-http3).
pub(crate) const MAX_CLOSE_REASON: usize = 1_024;

/// Reads an integer of RFC 9000 from the front; `None` when it is not all there.
pub(crate) fn read_varint(data: &mut &[u8]) -> Option<u64> {
    let mut rest = *data;
    let value = VarInt::decode(&mut rest).ok()?.into_inner();
    *data = rest;
    Some(value)
}

/// Appends an integer of RFC 9000. Values of 2^62 and above do not occur.
pub(crate) fn write_varint(out: &mut Vec<u8>, value: u64) {
    VarInt::from_u64(value).unwrap_or(VarInt::MAX).encode(out);
}

/// What the first bytes of a peer's stream say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Prefix {
    /// Not enough bytes yet.
    More,
    /// A stream of this WebTransport session; its data begins after `length` bytes.
    Session { session: u64, length: usize },
    /// Another unidirectional stream type.
    Uni(u64),
    /// A request stream.
    Request,
}

pub(crate) fn prefix(dir: Dir, data: &[u8]) -> Prefix {
    let mut rest = data;
    let Some(kind) = read_varint(&mut rest) else {
        return Prefix::More;
    };
    match (dir, kind) {
        (Dir::Uni, STREAM_WEBTRANSPORT) | (Dir::Bi, FRAME_WEBTRANSPORT) => {
            match read_varint(&mut rest) {
                Some(session) => Prefix::Session {
                    session,
                    length: data.len() - rest.len(),
                },
                None => Prefix::More,
            }
        }
        (Dir::Uni, other) => Prefix::Uni(other),
        (Dir::Bi, _) => Prefix::Request,
    }
}

/// Cuts a byte stream into records of type, length and value, which nest: frames, and in DATA
/// frames capsules.
#[derive(Default)]
struct Records {
    header: Vec<u8>,
    kind: u64,
    left: u64,
}

impl Records {
    /// Takes the next piece of a record: its type, how much of the record comes after the piece,
    /// and the piece. `None` when `data` is used up.
    fn next<'a>(&mut self, data: &mut &'a [u8]) -> Option<(u64, u64, &'a [u8])> {
        loop {
            if self.left > 0 {
                let length = usize::try_from(self.left)
                    .unwrap_or(usize::MAX)
                    .min(data.len());
                if length == 0 {
                    return None;
                }
                let (piece, rest) = data.split_at(length);
                *data = rest;
                self.left -= length as u64;
                return Some((self.kind, self.left, piece));
            }
            let (byte, rest) = data.split_first()?;
            *data = rest;
            self.header.push(*byte);
            let mut header = self.header.as_slice();
            if let (Some(kind), Some(length)) = (read_varint(&mut header), read_varint(&mut header))
            {
                self.header.clear();
                (self.kind, self.left) = (kind, length);
                if length == 0 {
                    return Some((kind, 0, &[]));
                }
            }
        }
    }
}

/// Reads the CONNECT stream after its headers. Everything but the end of the session is skipped,
/// as the drafts want it for what an endpoint does not know.
#[derive(Default)]
pub(crate) struct ConnectReader {
    frames: Records,
    capsules: Records,
    close: Vec<u8>,
}

impl ConnectReader {
    /// Gives the peer's code and reason when it ended the session; `Err` for a capsule that
    /// breaks the rules.
    pub fn feed(&mut self, mut data: &[u8]) -> Result<Option<(u32, String)>, &'static str> {
        while let Some((frame, _, mut payload)) = self.frames.next(&mut data) {
            if frame != FRAME_DATA {
                continue;
            }
            while let Some((capsule, left, piece)) = self.capsules.next(&mut payload) {
                if capsule != CAPSULE_CLOSE {
                    continue;
                }
                let length = self.close.len() as u64 + piece.len() as u64 + left;
                if length > 4 + MAX_CLOSE_REASON as u64 {
                    return Err("CLOSE_WEBTRANSPORT_SESSION is too long");
                }
                self.close.extend_from_slice(piece);
                if left == 0 {
                    let Some((code, reason)) = self.close.split_first_chunk::<4>() else {
                        return Err("CLOSE_WEBTRANSPORT_SESSION is too short");
                    };
                    let reason = super::close::phrase(reason);
                    return Ok(Some((u32::from_be_bytes(*code), reason)));
                }
            }
        }
        Ok(None)
    }
}

/// The frame that ends a session.
pub(crate) fn close_frame(code: u64, reason: &str) -> Vec<u8> {
    let mut end = reason.len().min(MAX_CLOSE_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = reason.get(..end).unwrap_or_default();
    let code = u32::try_from(code).unwrap_or(u32::MAX);
    let mut capsule = Vec::with_capacity(reason.len() + 16);
    write_varint(&mut capsule, CAPSULE_CLOSE);
    write_varint(&mut capsule, 4 + reason.len() as u64);
    capsule.extend_from_slice(&code.to_be_bytes());
    capsule.extend_from_slice(reason.as_bytes());
    data_frame(&capsule)
}

/// A DATA frame.
pub(crate) fn data_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 9);
    write_varint(&mut frame, FRAME_DATA);
    write_varint(&mut frame, payload.len() as u64);
    frame.extend_from_slice(payload);
    frame
}

/// The first bytes of a stream that this side opens in a session.
pub(crate) fn stream_prefix(dir: Dir, session: u64) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(10);
    let kind = match dir {
        Dir::Uni => STREAM_WEBTRANSPORT,
        Dir::Bi => FRAME_WEBTRANSPORT,
    };
    write_varint(&mut prefix, kind);
    write_varint(&mut prefix, session);
    prefix
}

/// The text in a response's DATA frames, for messages; at most 500 bytes.
pub(crate) fn body_text(data: &[u8]) -> String {
    let (mut frames, mut rest, mut text) = (Records::default(), data, Vec::new());
    while let Some((kind, _, piece)) = frames.next(&mut rest) {
        if kind == FRAME_DATA {
            text.extend_from_slice(piece);
        }
    }
    text.truncate(500);
    String::from_utf8_lossy(&text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_need_all_their_bytes() {
        let bytes = stream_prefix(Dir::Uni, 400);
        assert_eq!(bytes, [0x40, 0x54, 0x41, 0x90]);
        for length in 0..bytes.len() {
            assert_eq!(prefix(Dir::Uni, &bytes[..length]), Prefix::More);
        }
        assert_eq!(
            prefix(Dir::Uni, &bytes),
            Prefix::Session {
                session: 400,
                length: 4
            }
        );
        let bytes = stream_prefix(Dir::Bi, 0);
        assert_eq!(
            prefix(Dir::Bi, &bytes),
            Prefix::Session {
                session: 0,
                length: 3
            }
        );
        assert_eq!(prefix(Dir::Bi, &[0x01]), Prefix::Request);
        assert_eq!(prefix(Dir::Uni, &[0x00, 0x04]), Prefix::Uni(STREAM_CONTROL));
        assert_eq!(prefix(Dir::Uni, &[0x21]), Prefix::Uni(0x21));
    }

    #[test]
    fn close_is_found_between_unknown_things_byte_by_byte() {
        let mut wire = Vec::new();
        // A frame of an unknown type, and a DATA frame with a capsule of an unknown type.
        wire.extend_from_slice(&[0x21, 0x03, 9, 9, 9]);
        wire.extend_from_slice(&data_frame(&[0x17, 0x02, 1, 2]));
        wire.extend_from_slice(&data_frame(&[]));
        // The capsule cut across two frames.
        let close = close_frame(7, "bye");
        let capsule = &close[2..];
        wire.extend_from_slice(&data_frame(&capsule[..3]));
        wire.extend_from_slice(&data_frame(&capsule[3..]));
        let mut reader = ConnectReader::default();
        let mut found = None;
        for byte in &wire {
            assert_eq!(found, None);
            found = reader.feed(std::slice::from_ref(byte)).unwrap();
        }
        assert_eq!(found, Some((7, "bye".to_owned())));
        assert_eq!(
            ConnectReader::default().feed(&wire).unwrap(),
            Some((7, "bye".to_owned()))
        );
    }

    #[test]
    fn bad_close_capsules_are_refused() {
        let short = data_frame(&[0x68, 0x43, 0x02, 0, 0]);
        assert!(ConnectReader::default().feed(&short).is_err());
        let mut long = vec![0x68, 0x43];
        write_varint(&mut long, 1 << 40);
        long.push(0);
        assert!(ConnectReader::default().feed(&data_frame(&long)).is_err());
    }

    #[test]
    fn a_huge_unknown_frame_is_skipped_without_buffering() {
        let mut reader = ConnectReader::default();
        let mut wire = vec![0x21];
        write_varint(&mut wire, 1 << 20);
        assert_eq!(reader.feed(&wire), Ok(None));
        for _ in 0..16 {
            assert_eq!(reader.feed(&[0; 1 << 16]), Ok(None));
        }
        assert_eq!(
            reader.feed(&close_frame(1, "")),
            Ok(Some((1, String::new())))
        );
    }

    #[test]
    fn long_reasons_are_cut_at_a_character() {
        let frame = close_frame(u64::MAX, &"ä".repeat(600));
        let (code, reason) = ConnectReader::default().feed(&frame).unwrap().unwrap();
        assert_eq!(code, u32::MAX);
        assert_eq!(reason, "ä".repeat(512));
    }
}
